"""The contract: each wire, each fault of the fake, and the class and action that follow. No test spends money."""

import logging
import traceback
from contextlib import suppress
from dataclasses import replace

import pytest

from prompts.llm import providers
from prompts.llm.catalogue import Capabilities, Endpoint
from prompts.llm.errors import Action, ErrorClass, Health, ModelError, Next
from prompts.llm.types import Chunk, Request
from tests.fakes.provider_control import ProviderControl
from tests.fakes.provider_types import FaultKind
from tests.prompts.llm.asking import (
    KEY,
    ORDER,
    QUESTION,
    TOOL,
    WHOLE,
    WIRES,
    endpoint,
    failing,
    request,
    request_for_tool,
    said,
    settled,
)

# The class of each fault, and whether the visitor may already have seen words; None: a whole answer.
Outcome = tuple[ErrorClass, bool] | None
UNSEEN, SEEN = False, True
OUTCOMES: dict[str, Outcome] = {
    "none": None,
    "429": (ErrorClass.RATE_LIMIT, UNSEEN),
    "429-s": (ErrorClass.RATE_LIMIT, UNSEEN),
    "429-ms": (ErrorClass.RATE_LIMIT, UNSEEN),
    "429-date": (ErrorClass.RATE_LIMIT, UNSEEN),
    "throttling": (ErrorClass.RATE_LIMIT, UNSEEN),
    "insufficient_quota": (ErrorClass.QUOTA_AUTH, UNSEEN),
    "400": (ErrorClass.BAD_REQUEST, UNSEEN),
    "400-context": (ErrorClass.OVERFLOW, UNSEEN),
    "401": (ErrorClass.QUOTA_AUTH, UNSEEN),
    "403": (ErrorClass.QUOTA_AUTH, UNSEEN),
    "404": (ErrorClass.BAD_REQUEST, UNSEEN),
    "408": (ErrorClass.TIMEOUT, UNSEEN),
    "413": (ErrorClass.BAD_REQUEST, UNSEEN),
    "500": (ErrorClass.UNAVAILABLE, UNSEEN),
    "502-html": (ErrorClass.UNAVAILABLE, UNSEEN),
    "503": (ErrorClass.UNAVAILABLE, UNSEEN),
    "504": (ErrorClass.TIMEOUT, UNSEEN),
    "529": (ErrorClass.UNAVAILABLE, UNSEEN),
    "200-with-error-json": (ErrorClass.UNAVAILABLE, UNSEEN),
    "wrong-content-type": (ErrorClass.BAD_OUTPUT, UNSEEN),
    "hang-before-headers": (ErrorClass.TIMEOUT, UNSEEN),
    "hang-mid-stream": (ErrorClass.TIMEOUT, SEEN),
    "cut": (ErrorClass.UNAVAILABLE, SEEN),
    "rst": (ErrorClass.UNAVAILABLE, UNSEEN),
    "rst:3": (ErrorClass.UNAVAILABLE, SEEN),
    "clean-eof": (ErrorClass.BAD_OUTPUT, SEEN),
    "malformed-frame": (ErrorClass.BAD_OUTPUT, SEEN),
    "missing-event-line": None,
    "error-frame": (ErrorClass.UNAVAILABLE, SEEN),
    "empty-answer": None,
    "invalid-json-content": None,
    "schema-violation": None,
    "duplicate-tool-fragments": None,
    "out-of-order-tool-fragments": (ErrorClass.BAD_OUTPUT, UNSEEN),
    "unknown-tool": (ErrorClass.BAD_OUTPUT, UNSEEN),
    "bad-tool-arguments": (ErrorClass.BAD_OUTPUT, UNSEEN),
    "length": (ErrorClass.BAD_OUTPUT, SEEN),
    "content-filter": (ErrorClass.CONTENT, SEEN),
    "refusal": (ErrorClass.CONTENT, UNSEEN),
    "missing-usage": None,
    "usage-on-finish-chunk": None,
    "slow-drip:40": None,
    "pii-echo": None,
}
# Where one wire is different.
EXCEPTIONS: dict[tuple[str, str], Outcome] = {
    # DashScope throttles in mid-stream, and numbers its frames, so that they can be put in order.
    ("dashscope", "error-frame"): (ErrorClass.RATE_LIMIT, SEEN),
    ("dashscope", "out-of-order-tool-fragments"): None,
}
ACTIONS = {
    ErrorClass.RATE_LIMIT: Action(2, Next.FALLBACK, Health.COOLS),
    ErrorClass.TIMEOUT: Action(1, Next.FALLBACK, Health.COUNTS),
    ErrorClass.UNAVAILABLE: Action(0, Next.FALLBACK, Health.COUNTS),
    ErrorClass.QUOTA_AUTH: Action(0, Next.FALLBACK, Health.SHUTS),
    ErrorClass.CONTENT: Action(0, Next.POLICY_TEXT, Health.NOTHING),
    ErrorClass.BAD_REQUEST: Action(0, Next.FALLBACK, Health.NOTHING),
    ErrorClass.OVERFLOW: Action(0, Next.LARGER_WINDOW, Health.NOTHING),
    ErrorClass.BAD_OUTPUT: Action(0, Next.FALLBACK, Health.COUNTS),
}
TABLE = [
    (wire, fault, EXCEPTIONS.get((wire, fault), outcome))
    for wire in WIRES
    for fault, outcome in OUTCOMES.items()
]
FAILURES = [(wire, fault, outcome) for wire, fault, outcome in TABLE if outcome]
WHOLE_ANSWERS = [(wire, fault) for wire, fault, outcome in TABLE if not outcome]
PATIENT_SECONDS, HASTY_SECONDS = 10.0, 0.3


def asked(provider: ProviderControl, wire: str, fault: str) -> tuple[Endpoint, Request]:
    about_tools = "tool" in fault
    patience = HASTY_SECONDS if fault.startswith("hang") else PATIENT_SECONDS
    chosen = failing(
        provider,
        fault,
        wire=wire,
        timeout_seconds=patience,
        capabilities=Capabilities(tools=about_tools),
    )
    return chosen, request_for_tool() if about_tools else request()


def test_every_fault_of_the_fake_has_its_row() -> None:
    assert {fault.partition(":")[0] for fault in OUTCOMES} == {kind.value for kind in FaultKind}


@pytest.mark.parametrize(("wire", "fault", "expected"), FAILURES)
def test_fault_becomes_its_class(
    provider: ProviderControl, wire: str, fault: str, expected: tuple[ErrorClass, bool]
) -> None:
    chunks: list[Chunk] = []

    with pytest.raises(ModelError) as caught:
        chunks.extend(providers.stream(*asked(provider, wire, fault)))

    assert (caught.value.kind, bool(said(chunks))) == expected
    assert caught.value.action == ACTIONS[expected[0]]
    told = "".join(traceback.format_exception(caught.value)) + caught.value.detail
    assert (KEY in told, QUESTION in told, ORDER in told) == (False, False, False)


@pytest.mark.parametrize(("wire", "fault"), WHOLE_ANSWERS)
def test_what_the_wire_survives_is_a_whole_answer(
    provider: ProviderControl, wire: str, fault: str
) -> None:
    chunks = list(providers.stream(*asked(provider, wire, fault)))

    *before, last = chunks
    assert [chunk.finish for chunk in before if chunk.finish] == []
    if "tool" in fault:
        [call] = last.tools
        assert (last.finish, said(chunks)) == ("tool_calls", "")
        assert (call.name, call.arguments) == (TOOL.name, f'{{"order_number":"{ORDER}"}}')
        assert call.id
    else:
        assert (last.finish, last.tools) == ("stop", ())
        assert (said(chunks) == "") is (fault == "empty-answer")


@pytest.mark.parametrize("wire", WIRES)
def test_nothing_is_lost_when_frames_lack_their_event_line(
    provider: ProviderControl, wire: str
) -> None:
    provider.set_scenario([{"answer": WHOLE, "fault": "missing-event-line"}])

    assert said(providers.stream(endpoint(provider, wire=wire), request())) == WHOLE


@pytest.mark.parametrize("wire", WIRES)
def test_sdk_retries_nothing_by_itself(provider: ProviderControl, wire: str) -> None:
    for fault in ("429-ms", "500", "cut"):
        with pytest.raises(ModelError):
            list(providers.stream(*asked(provider, wire, fault)))

    assert [entry["attempt"] for entry in settled(provider, 3)] == [1, 1, 1]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("fault", "seconds", "give_or_take"),
    [
        ("429", 0, 0),
        ("429-s:4000", 4, 0),
        ("429-ms:300", 0.3, 0),
        ("429-date:60000", 60, 10),
        ("503:2000", 2, 0),
    ],
)
def test_retry_after_is_read(
    provider: ProviderControl, wire: str, fault: str, seconds: float, give_or_take: float
) -> None:
    with pytest.raises(ModelError) as caught:
        list(providers.stream(*asked(provider, wire, fault)))

    waits = caught.value.retry_after_seconds
    assert waits == pytest.approx(seconds, abs=give_or_take, rel=1e-9)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fault", ["none", "usage-on-finish-chunk", "length"])
def test_usage_is_known_at_the_end(provider: ProviderControl, wire: str, fault: str) -> None:
    usages = []
    with suppress(ModelError):  # what was cut has been paid for, too
        for chunk in providers.stream(*asked(provider, wire, fault)):
            usages += [chunk.usage] if chunk.usage else []

    assert (usages[-1].input_tokens > 0, usages[-1].output_tokens > 0) == (True, True)
    assert (usages[-1].estimated, bool(usages[-1].raw)) == (False, True)


@pytest.mark.parametrize("wire", WIRES)
def test_missing_usage_is_none(provider: ProviderControl, wire: str) -> None:
    chunks = list(providers.stream(*asked(provider, wire, "missing-usage")))

    assert [chunk.usage for chunk in chunks if chunk.usage] == []


@pytest.mark.parametrize("wire", WIRES)
def test_chunks_come_as_they_are_said(provider: ProviderControl, wire: str) -> None:
    provider.set_scenario([{"answer": WHOLE, "interval_ms": 30}])
    open_while_reading = []

    for chunk in providers.stream(endpoint(provider, wire=wire), request()):
        if chunk.text:
            open_while_reading.append(provider.log(limit=0)["summary"]["open"])

    assert open_while_reading[0] == 1


@pytest.mark.parametrize("wire", WIRES)
def test_closing_the_stream_closes_the_connection(provider: ProviderControl, wire: str) -> None:
    provider.set_scenario([{"interval_ms": 200}])
    chunks = providers.stream(endpoint(provider, wire=wire), request())
    while not next(chunks).text:
        pass

    chunks.close()

    assert settled(provider)[0]["outcome"] == "client_closed"


@pytest.mark.parametrize("wire", WIRES)
def test_less_time_than_the_endpoint_grants_is_enough_to_end_it(
    provider: ProviderControl, wire: str
) -> None:
    chosen, wanted = asked(provider, wire, "hang-mid-stream")
    patient = providers.stream(chosen, wanted, timeout_seconds=0.2)

    with pytest.raises(ModelError) as caught:
        list(patient)
    with pytest.raises(ModelError) as none_left:
        list(providers.stream(chosen, wanted, timeout_seconds=0.0))

    assert (caught.value.kind, none_left.value.kind) == (ErrorClass.TIMEOUT, ErrorClass.TIMEOUT)
    assert provider.log()["summary"]["seen"] == 1


@pytest.mark.parametrize("wire", WIRES)
def test_no_log_line_holds_a_question_or_a_key(
    provider: ProviderControl, wire: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelError):
        list(providers.stream(*asked(provider, wire, "error-frame")))

    told = " ".join(record.getMessage() for record in caplog.records)
    assert (KEY in told, QUESTION in told) == (False, False)


@pytest.mark.parametrize("wire", WIRES)
def test_proxy_of_the_environment_does_not_see_this_machine(
    provider: ProviderControl, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    new = replace(endpoint(provider, wire=wire), api_key=f"{KEY}-direct")  # its client is built now

    chunks = list(providers.stream(new, request()))

    assert chunks[-1].finish == "stop"
