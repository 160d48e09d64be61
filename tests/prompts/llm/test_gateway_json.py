"""JSON answers are values of the wanted shape; a wrong one is repaired once, then somebody else is asked."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from prompts.llm import breaker, gateway
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.errors import AllFailed
from prompts.llm.gateway import Parsed
from prompts.llm.health import SharedHealth
from prompts.llm.types import Call, JsonShape
from prompts.redis import connection
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import endpoint, failing, request, settled


class Judged(BaseModel):
    difficulty: Literal["light", "standard", "strong"]


GOOD, BAD = '{"difficulty": "strong"}', '{"difficulty": "impossible"}'


@pytest.fixture(autouse=True)
def closed_breakers() -> Iterator[None]:
    yield
    for name in ("first", "second"):
        breaker.reset(connection(), name)


def ask(*plan: Endpoint, calls: list[Call] | None = None, **changes: Any) -> Parsed[Judged]:
    asked = request(json=JsonShape("judged", Judged.model_json_schema()))
    return gateway.ask(
        plan,
        asked,
        Judged,
        health=SharedHealth(connection(), {}),
        trace_id="turn-1",
        calls=calls if calls is not None else [],
        **changes,
    )


def test_answer_is_a_checked_value(provider: ProviderControl) -> None:
    provider.set_scenario([{"answer": GOOD}])

    found = ask(endpoint(provider))

    assert found == Parsed(Judged(difficulty="strong"), "first")


@pytest.mark.parametrize("unusable", [BAD, "not JSON", '{"difficulty": ', "[]"])
def test_unusable_answer_is_repaired_once(provider: ProviderControl, unusable: str) -> None:
    provider.set_scenario([{"answer": unusable}, {"answer": GOOD}])
    calls: list[Call] = []

    found = ask(endpoint(provider), calls=calls)

    assert found.value.difficulty == "strong"
    assert [call.error_class for call in calls] == ["bad_output", ""]
    *_, answer, complaint = settled(provider, 2)[1]["body"]["messages"]
    assert (answer["role"], answer["content"]) == ("assistant", unusable)
    assert complaint["role"] == "user"
    assert "JSON" in complaint["content"]


def test_repair_that_is_no_better_leads_to_the_next(provider: ProviderControl) -> None:
    provider.set_scenario([{"answer": BAD, "times": 2}, {"answer": GOOD}])
    calls: list[Call] = []

    found = ask(endpoint(provider), endpoint(provider, "second"), SOP, calls=calls)

    assert found.endpoint == "second"
    assert [(call.endpoint, call.error_class) for call in calls] == [
        ("first", "bad_output"),
        ("first", "bad_output"),
        ("second", ""),
    ]
    # The next one is asked the question, not to mend another's answer.
    assert len(settled(provider, 3)[2]["body"]["messages"]) == 2


def test_no_repair_where_there_is_no_time_for_it(provider: ProviderControl) -> None:
    provider.set_scenario([{"answer": BAD, "times": 0}])
    calls: list[Call] = []

    with pytest.raises(AllFailed):
        ask(endpoint(provider), calls=calls, repairs=0)

    assert len(calls) == 1


def test_sops_speak_no_json(provider: ProviderControl) -> None:
    with pytest.raises(AllFailed):
        ask(failing(provider, "500"), SOP)
