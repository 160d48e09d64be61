"""A plan is worked through until one endpoint gives a whole answer; a half one is withdrawn, never kept."""

import logging
import time
from typing import Any

import pytest

from prompts.llm import gateway
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.errors import AllFailed
from prompts.llm.types import Reply
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


def stream(*plan: Endpoint, shown: Shown) -> Reply:
    return gateway.stream(plan, request(document()), shown, trace_id="turn-1", calls=shown.calls)


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


@pytest.mark.parametrize("fault", ["cut", "rst:2", "clean-eof", "error-frame", "content-filter"])
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

    reply = gateway.stream(
        (endpoint(provider), SOP),
        request(document()),
        shown,
        trace_id="turn-1",
        calls=shown.calls,
        seconds=-1,
    )

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
