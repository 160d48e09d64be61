"""The faults that every test run goes through, on the whole platform; `make faults` goes through all of them."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.platform import Platform
from tests.faults.scenarios import CHEAP, Scenario
from tests.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]


@pytest.fixture
def platform(stack: Stack) -> Iterator[Platform]:
    """The shared platform, whole again afterwards."""
    under_attack = Platform(stack)
    asyncio.run(under_attack.ready())
    yield under_attack
    asyncio.run(under_attack.ready())
    under_attack.close()


@pytest.mark.parametrize("scenario", CHEAP, ids=lambda scenario: scenario.__name__)
def test_fault_is_survived(platform: Platform, scenario: Scenario) -> None:
    verdict = asyncio.run(scenario(platform))

    assert verdict.passed, verdict
