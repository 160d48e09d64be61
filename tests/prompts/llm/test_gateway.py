"""A plan is worked through until one endpoint gives a whole answer; a half one is withdrawn, never kept."""

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest

from prompts.llm import breaker, gateway
from prompts.llm.catalogue import SOP, Capabilities, Endpoint
from prompts.llm.errors import AllFailed
from prompts.llm.health import SharedHealth
from prompts.llm.types import Reply, Tool
from prompts.redis import connection
from tests.fakes.provider_control import ProviderControl
from tests.fakes.provider_types import FaultKind
from tests.prompts.llm.asking import (
    KEY,
    QUESTION,
    SOP_ANSWER,
    WHOLE,
    Left,
    Shown,
    document,
    endpoint,
    failing,
    request,
    settled,
)
from tests.prompts.llm.serving import endpoint_at, frame, serving
from tests.prompts.llm.serving import reply as reply_of

TOOL = Tool("get_logistics", "查物流", {"type": "object", "properties": {}})


@pytest.fixture(autouse=True)
def closed_breakers() -> Iterator[None]:
    """What one test says of an endpoint's health is forgotten before the next."""
    forget()
    yield
    forget()


def forget() -> None:
    for name in ("first", "second", "third"):
        breaker.reset(connection(), name)


def stream(*plan: Endpoint, shown: Shown, seconds: float = 60.0, **changes: Any) -> Reply:
    return gateway.stream(
        plan,
        request(document(), **changes),
        shown,
        health=SharedHealth(connection(), {}),
        trace_id="turn-1",
        calls=shown.calls,
        seconds=seconds,
    )


def test_first_endpoint_answers(provider: ProviderControl) -> None:
    provider.set_scenario([{"answer": WHOLE}])
    shown = Shown()

    reply = stream(endpoint(provider), SOP, shown=shown)

    assert (reply.text, reply.endpoint) == (WHOLE, "first")
    assert shown.text == WHOLE
    assert len(shown.events) > 3
    [call] = shown.calls
    assert (call.model, call.attempt, call.error_class) == ("fake-light", 1, "")
    assert 0 < (call.first_token_ms or 0) <= call.total_ms
    assert (call.usage.output_tokens > 0, call.usage.estimated) == (True, False)


@pytest.mark.parametrize("fault", ["500", "429", "401", "404", "wrong-content-type", "rst"])
def test_failure_before_the_first_token_is_silent(provider: ProviderControl, fault: str) -> None:
    provider.set_scenario([{"answer": WHOLE}])
    shown = Shown()

    reply = stream(failing(provider, fault), endpoint(provider, "second"), SOP, shown=shown)

    assert (reply.text, reply.endpoint, shown.restarts) == (WHOLE, "second", 0)
    assert [(call.endpoint, call.attempt) for call in shown.calls] == [("first", 1), ("second", 2)]
    assert shown.calls[0].error_class
    assert shown.calls[0].first_token_ms is None


@pytest.mark.parametrize("fault", ["cut", "rst:2", "clean-eof", "error-frame"])
def test_failure_after_the_first_token_withdraws_what_was_shown(
    provider: ProviderControl, fault: str
) -> None:
    provider.set_scenario([{"answer": WHOLE}])
    shown = Shown()

    reply = stream(failing(provider, fault), endpoint(provider, "second"), SOP, shown=shown)

    assert (reply.text, shown.text, shown.restarts) == (WHOLE, WHOLE, 1)
    assert shown.calls[0].first_token_ms is not None
    assert shown.calls[0].usage.estimated


@pytest.mark.parametrize("fault", [k.value for k in FaultKind if k.value not in {"pii-echo"}])
def test_answer_is_whole_whatever_goes_wrong(provider: ProviderControl, fault: str) -> None:
    delay_ms = 400 if fault == "slow-drip" else None
    provider.set_scenario(
        [{"fault": fault, "answer": WHOLE, "delay_ms": delay_ms}, {"answer": WHOLE, "times": 0}]
    )
    hasty = endpoint(provider, timeout_seconds=0.2, deadline_seconds=0.5)
    shown = Shown()

    reply = stream(hasty, SOP, shown=shown)

    # Content a fault made up is whole in its own way.
    made_up = {"invalid-json-content", "schema-violation"}
    assert shown.text == reply.text
    assert reply.text in {WHOLE, SOP_ANSWER} or fault in made_up
    assert [call.error_class for call in shown.calls][-1] == ""


def test_empty_answer_is_no_answer(provider: ProviderControl) -> None:
    shown = Shown()

    reply = stream(failing(provider, "empty-answer"), SOP, shown=shown)

    assert [call.error_class for call in shown.calls] == ["bad_output", ""]
    assert (reply.text, shown.restarts) == (SOP_ANSWER, 0)


def test_deadline_ends_an_answer_that_only_drips(provider: ProviderControl) -> None:
    provider.set_scenario([{"answer": WHOLE, "interval_ms": 100}])
    started, shown = time.monotonic(), Shown()

    reply = stream(endpoint(provider, deadline_seconds=0.3), SOP, shown=shown)

    assert [call.error_class for call in shown.calls] == ["timeout", ""]
    assert reply.endpoint == "sop"
    assert time.monotonic() - started < 1.5
    assert settled(provider)[0]["outcome"] == "client_closed"


def test_no_further_model_is_asked_past_the_deadline_of_the_plan(
    provider: ProviderControl,
) -> None:
    shown = Shown()

    reply = stream(endpoint(provider), SOP, shown=shown, seconds=-1)

    assert (reply.endpoint, reply.text) == ("sop", SOP_ANSWER)
    assert [call.endpoint for call in shown.calls] == ["sop"]


def test_visitor_who_leaves_closes_the_stream_and_is_on_record(provider: ProviderControl) -> None:
    provider.set_scenario([{"answer": WHOLE, "interval_ms": 100}])
    shown = Shown(leave_after=2)

    with pytest.raises(Left):
        stream(endpoint(provider), SOP, shown=shown)

    assert [call.error_class for call in shown.calls] == [gateway.ABANDONED]
    assert settled(provider)[0]["outcome"] == "client_closed"


def test_nobody_answers(provider: ProviderControl) -> None:
    plan = (failing(provider, "500"), failing(provider, "401", name="second"))
    shown = Shown()

    with pytest.raises(AllFailed) as caught:
        stream(*plan, shown=shown)

    assert [call.error_class for call in shown.calls] == ["unavailable", "quota_auth"]
    assert str(caught.value) == "first: unavailable, second: quota_auth"


def test_client_behaves_well_towards_the_vendor(provider: ProviderControl) -> None:
    for fault in ("429-s", "400", "insufficient_quota"):
        stream(failing(provider, fault), SOP, shown=Shown())

    assert provider.log()["summary"]["verdicts"] == {}


def test_failed_attempt_is_logged_without_words_or_keys(
    provider: ProviderControl, caplog: Any, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG)

    stream(failing(provider, "cut"), SOP, shown=Shown())

    logged = caplog.text + "".join(capfd.readouterr())
    for field in ("model_call_failed", "turn-1", "pseudonym", "first", "unavailable"):
        assert field in logged
    for secret in (KEY, QUESTION, SOP_ANSWER):
        assert secret not in logged


# --- what follows from an error ----------------------------------------------------------------------


def test_rate_limit_is_retried_no_earlier_than_asked(provider: ProviderControl) -> None:
    provider.set_scenario(
        [{"fault": "429-ms", "retry_after_ms": 300, "times": 2}, {"answer": WHOLE, "times": 0}]
    )
    shown = Shown()

    reply = stream(endpoint(provider), SOP, shown=shown)

    assert (reply.text, reply.endpoint) == (WHOLE, "first")
    assert [call.error_class for call in shown.calls] == ["rate_limit", "rate_limit", ""]
    assert [call.wait_ms >= 300 for call in shown.calls] == [False, True, True]
    assert provider.log()["summary"]["verdicts"] == {}


def test_rate_limit_is_not_retried_more_than_twice(provider: ProviderControl) -> None:
    shown = Shown()

    reply = stream(failing(provider, "429-ms:50"), SOP, shown=shown)

    assert [call.error_class for call in shown.calls] == ["rate_limit"] * 3 + [""]
    assert reply.endpoint == "sop"
    assert provider.log()["summary"]["verdicts"] == {}


def test_nobody_waits_while_somebody_healthy_can_answer(provider: ProviderControl) -> None:
    provider.set_scenario([{"answer": WHOLE, "times": 0}])
    shown = Shown()

    reply = stream(failing(provider, "429-s:5000"), endpoint(provider, "second"), SOP, shown=shown)

    assert reply.endpoint == "second"
    assert [(call.endpoint, call.wait_ms) for call in shown.calls] == [("first", 0), ("second", 0)]


def test_unhealthy_fallback_is_waited_around(provider: ProviderControl) -> None:
    provider.set_scenario(
        [{"fault": "429-ms", "retry_after_ms": 50}, {"answer": WHOLE, "times": 0}]
    )
    breaker.shut(connection(), "second")
    shown = Shown()

    reply = stream(endpoint(provider), endpoint(provider, "second"), SOP, shown=shown)

    assert reply.endpoint == "first"
    assert [call.error_class for call in shown.calls] == ["rate_limit", ""]


def test_long_retry_after_is_not_slept_through(provider: ProviderControl) -> None:
    started, shown = time.monotonic(), Shown()

    reply = stream(failing(provider, "429-s:60000"), SOP, shown=shown)

    assert reply.endpoint == "sop"
    assert time.monotonic() - started < 5
    assert breaker.state(connection(), "first") == "open"


def test_time_out_is_tried_once_more_before_the_first_token(provider: ProviderControl) -> None:
    provider.set_scenario([{"fault": "504"}, {"answer": WHOLE, "times": 0}])
    shown = Shown()

    reply = stream(endpoint(provider), SOP, shown=shown)

    assert reply.endpoint == "first"
    assert [call.error_class for call in shown.calls] == ["timeout", ""]


@pytest.mark.parametrize("fault", ["500", "401", "400", "cut", "hang-mid-stream", "empty-answer"])
def test_other_errors_and_late_ones_are_not_retried(provider: ProviderControl, fault: str) -> None:
    shown = Shown()

    reply = stream(failing(provider, fault, timeout_seconds=0.3), SOP, shown=shown)

    assert reply.endpoint == "sop"
    assert [call.endpoint for call in shown.calls] == ["first", "sop"]
    assert provider.log()["summary"]["verdicts"].get("retry_on_4xx") is None


@pytest.mark.parametrize("fault", ["content-filter", "refusal"])
def test_what_one_vendor_refuses_is_not_taken_to_another(
    provider: ProviderControl, fault: str
) -> None:
    shown = Shown()

    reply = stream(failing(provider, fault), endpoint(provider, "second"), SOP, shown=shown)

    assert (reply.endpoint, shown.text) == ("sop", SOP_ANSWER)
    assert [call.endpoint for call in shown.calls] == ["first", "sop"]


def test_what_is_too_long_goes_to_a_larger_window_only(provider: ProviderControl) -> None:
    small = failing(provider, "400-context", context_tokens=8000)
    same = endpoint(provider, "second", context_tokens=8000)
    larger = endpoint(provider, "third", context_tokens=128_000)
    shown = Shown()

    reply = stream(small, same, larger, SOP, shown=shown)

    assert reply.endpoint == "third"
    assert [call.endpoint for call in shown.calls] == ["first", "third"]


def test_refused_key_shuts_the_endpoint_for_everybody(provider: ProviderControl) -> None:
    provider.set_scenario([{"answer": WHOLE, "times": 0}])
    plan = (failing(provider, "insufficient_quota"), endpoint(provider, "second"), SOP)
    stream(*plan, shown=Shown())
    shown = Shown()

    reply = stream(*plan, shown=shown)

    assert reply.endpoint == "second"
    assert [call.endpoint for call in shown.calls] == ["second"]


def test_endpoint_that_keeps_failing_is_left_alone(provider: ProviderControl) -> None:
    for _ in range(breaker.POLICY.min_calls):
        stream(failing(provider, "500"), SOP, shown=Shown())
    seen = provider.log(limit=0)["summary"]["seen"]

    reply = stream(endpoint(provider), SOP, shown=Shown())

    assert reply.endpoint == "sop"
    assert provider.log(limit=0)["summary"]["seen"] == seen


def test_spent_tokens_of_the_minute_are_no_failure(provider: ProviderControl) -> None:
    provider.set_scenario([{"answer": WHOLE, "times": 0}])
    scarce = endpoint(provider, "second", tokens_per_minute=10)
    shown = Shown()

    reply = stream(scarce, endpoint(provider), SOP, shown=shown)

    assert reply.endpoint == "first"
    assert breaker.state(connection(), "second") == "closed"


# --- tools -------------------------------------------------------------------------------------------


def test_tool_call_is_an_answer(provider: ProviderControl) -> None:
    shown = Shown()

    able = endpoint(provider, capabilities=Capabilities(tools=True))

    reply = stream(able, SOP, shown=shown, tools=(TOOL,), tool_choice="required")

    assert [call.name for call in reply.tools] == ["get_logistics"]
    assert shown.calls[0].first_token_ms is not None


def test_a_tool_call_where_none_is_allowed_is_no_answer() -> None:
    wanted = {"index": 0, "id": "c1", "function": {"name": TOOL.name, "arguments": "{}"}}
    choice = {"index": 0, "delta": {"tool_calls": [wanted]}, "finish_reason": "tool_calls"}
    shown = Shown()

    with serving(reply_of(frame({"choices": [choice]}), frame("[DONE]"))) as server:
        able = endpoint_at(server, "openai", capabilities=Capabilities(tools=True))
        reply = stream(able, SOP, shown=shown, tools=(TOOL,), tool_choice="none")

    assert (reply.endpoint, reply.text) == ("sop", SOP_ANSWER)
    assert shown.calls[0].error_class == "bad_output"


@pytest.mark.parametrize("fault", ["unknown-tool", "bad-tool-arguments"])
def test_unusable_tool_call_is_bad_output(provider: ProviderControl, fault: str) -> None:
    shown = Shown()
    able = failing(provider, fault, capabilities=Capabilities(tools=True))

    reply = stream(able, SOP, shown=shown, tools=(TOOL,), tool_choice="required")

    assert reply.endpoint == "sop"
    assert shown.calls[0].error_class == "bad_output"
