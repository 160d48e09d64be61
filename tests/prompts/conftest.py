"""The provider fake on loopback, for everything that speaks to a model."""

from collections.abc import Iterator

import pytest

from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency


@pytest.fixture(scope="session")
def provider_process() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=5, interval_ms=1))) as control:
        yield control


@pytest.fixture
def provider(provider_process: ProviderControl) -> ProviderControl:
    """A quick fake with no scenario and an empty log."""
    provider_process.reset()
    return provider_process
