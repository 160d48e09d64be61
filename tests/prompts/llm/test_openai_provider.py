"""The OpenAI wire through the real SDK: every fault of the fake becomes the class that says what to do next."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.providers import openai
from prompts.llm.types import Chunk, Line, Usage
from tests.fakes.provider_control import ProviderControl
from tests.fakes.provider_types import FaultKind
from tests.prompts.llm.asking import KEY, QUESTION, WHOLE, endpoint, failing, request, settled

# The class of each fault, and whether the visitor may already have seen words.
CLASSES = {
    "429": (ErrorClass.RATE_LIMIT, False),
    "429-s": (ErrorClass.RATE_LIMIT, False),
    "429-ms": (ErrorClass.RATE_LIMIT, False),
    "429-date": (ErrorClass.RATE_LIMIT, False),
    "insufficient_quota": (ErrorClass.QUOTA_AUTH, False),
    "401": (ErrorClass.QUOTA_AUTH, False),
    "403": (ErrorClass.QUOTA_AUTH, False),
    "400": (ErrorClass.BAD_REQUEST, False),
    "400-context": (ErrorClass.BAD_REQUEST, False),
    "404": (ErrorClass.BAD_REQUEST, False),
    "408": (ErrorClass.TIMEOUT, False),
    "504": (ErrorClass.TIMEOUT, False),
    "500": (ErrorClass.UNAVAILABLE, False),
    "502-html": (ErrorClass.UNAVAILABLE, False),
    "503": (ErrorClass.UNAVAILABLE, False),
    "529": (ErrorClass.UNAVAILABLE, False),
    "200-with-error-json": (ErrorClass.BAD_OUTPUT, False),
    "wrong-content-type": (ErrorClass.BAD_OUTPUT, False),
    "hang-before-headers": (ErrorClass.TIMEOUT, False),
    "hang-mid-stream": (ErrorClass.TIMEOUT, True),
    "cut": (ErrorClass.UNAVAILABLE, True),
    "rst": (ErrorClass.UNAVAILABLE, False),
    "rst:3": (ErrorClass.UNAVAILABLE, True),
    "clean-eof": (ErrorClass.BAD_OUTPUT, True),
    "malformed-frame": (ErrorClass.BAD_OUTPUT, True),
    "error-frame": (ErrorClass.UNAVAILABLE, True),
    "length": (ErrorClass.BAD_OUTPUT, True),
    "content-filter": (ErrorClass.CONTENT, True),
    "refusal": (ErrorClass.CONTENT, False),
}
# Faults of what is said, or of its pace: for the wire they are whole answers.
WHOLE_ANSWERS = {
    "none",
    "empty-answer",
    "invalid-json-content",
    "schema-violation",
    "missing-usage",
    "usage-on-finish-chunk",
    "slow-drip",
    "pii-echo",
}


def ask(provider: ProviderControl, fault: str = "none", **changes: Any) -> list[Chunk]:
    return list(openai.stream(failing(provider, fault, **changes), request()))


def said(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def events(*frames: object) -> Iterator[str]:
    """Server-sent lines of these chunks."""
    for frame in frames:
        yield f"data: {frame if isinstance(frame, str) else json.dumps(frame)}"
        yield ""


def delta(text: str, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"choices": [choice], **fields}


def test_every_fault_of_the_fake_has_its_row() -> None:
    assert {kind.partition(":")[0] for kind in CLASSES} | WHOLE_ANSWERS == set(FaultKind)


@pytest.mark.parametrize(("fault", "expected"), CLASSES.items(), ids=CLASSES)
def test_fault_becomes_its_class(
    provider: ProviderControl, fault: str, expected: tuple[ErrorClass, bool]
) -> None:
    chunks: list[Chunk] = []

    with pytest.raises(ModelError) as caught:
        chunks.extend(openai.stream(failing(provider, fault, timeout_seconds=0.3), request()))

    assert (caught.value.kind, bool(said(chunks))) == expected
    assert KEY not in str(caught.value)
    assert QUESTION not in str(caught.value)


def test_sdk_retries_nothing_by_itself(provider: ProviderControl) -> None:
    for fault in ("429-ms", "500", "cut"):
        with pytest.raises(ModelError):
            ask(provider, fault)

    assert [entry["attempt"] for entry in settled(provider, 3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [("429", 0), ("429-s:4000", 4), ("429-ms:300", 0.3), ("429-date:5000", 5), ("503:2000", 2)],
)
def test_retry_after_is_read(provider: ProviderControl, fault: str, seconds: float) -> None:
    with pytest.raises(ModelError) as caught:
        ask(provider, fault)

    assert caught.value.retry_after_seconds == pytest.approx(
        seconds, abs=1.5 if "date" in fault else 0
    )


@pytest.mark.parametrize("fault", ["none", "usage-on-finish-chunk"])
def test_usage_is_read_from_any_chunk(provider: ProviderControl, fault: str) -> None:
    usages = [chunk.usage for chunk in ask(provider, fault) if chunk.usage]

    assert len(usages) == 1
    assert usages[0].input_tokens > 0
    assert usages[0].output_tokens > 0
    assert usages[0].raw["total_tokens"] == usages[0].input_tokens + usages[0].output_tokens


def test_missing_usage_is_none(provider: ProviderControl) -> None:
    assert [chunk.usage for chunk in ask(provider, "missing-usage") if chunk.usage] == []


def test_request_is_what_the_wire_wants(provider: ProviderControl) -> None:
    lines = (
        Line("system", "人设"),
        Line("user", "在吗"),
        Line("assistant", "在"),
        Line("user", "?"),
    )
    capabilities = {"safety_identifier": True}
    endpoint_asked = endpoint(provider, max_output_tokens=77, capabilities=capabilities)

    list(openai.stream(endpoint_asked, request(lines=lines)))

    body = settled(provider)[0]["body"]
    assert body == {
        "model": "fake-light",
        "messages": [
            {"role": "system", "content": "人设"},
            {"role": "user", "content": "在吗"},
            {"role": "assistant", "content": "在"},
            {"role": "user", "content": "?"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 77,
        "safety_identifier": "pseudonym",
    }


def test_older_servers_get_the_parameters_they_know(provider: ProviderControl) -> None:
    capabilities = {"max_tokens": True, "usage": False}

    list(openai.stream(endpoint(provider, capabilities=capabilities), request()))

    body = settled(provider)[0]["body"]
    assert body["max_tokens"] == 512
    assert not {"max_completion_tokens", "stream_options", "safety_identifier"} & set(body)


def test_chunks_come_as_they_are_said(provider: ProviderControl) -> None:
    provider.set_scenario([{"answer": WHOLE, "ttft_ms": 50, "interval_ms": 20}])
    started = time.monotonic()
    at: list[float] = []

    for chunk in openai.stream(endpoint(provider), request()):
        if chunk.text:
            at.append(time.monotonic() - started)

    assert at[0] < at[-1] / 2


def test_closing_the_stream_closes_the_connection(provider: ProviderControl) -> None:
    provider.set_scenario([{"interval_ms": 200}])
    chunks = openai.stream(endpoint(provider), request())
    while not next(chunks).text:
        pass

    chunks.close()

    assert settled(provider)[0]["outcome"] == "client_closed"


def test_connection_is_used_again(provider: ProviderControl) -> None:
    asked = endpoint(provider)

    assert openai.client(asked) is openai.client(asked)
    assert said(list(openai.stream(asked, request()))) != ""


def test_server_that_is_not_there_is_unavailable(provider: ProviderControl) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    for url in (f"http://127.0.0.1:{port}/v1", f"https://{provider.url.partition('//')[2]}/v1"):
        with pytest.raises(ModelError) as caught:
            list(openai.stream(endpoint(provider, base_url=url), request()))
        assert caught.value.kind == ErrorClass.UNAVAILABLE


# --- frames no fake sends ----------------------------------------------------------------------------


def test_comments_and_other_fields_are_skipped() -> None:
    lines = [": keep-alive", "event: message", "id: 7", *events(delta("好", "stop"), "[DONE]")]

    assert said(list(openai.chunks(iter(lines)))) == "好"


def test_finish_without_a_terminal_marker_is_a_whole_answer() -> None:
    assert said(list(openai.chunks(events(delta("好", "stop"))))) == "好"


def test_terminal_marker_without_a_finish_is_not() -> None:
    with pytest.raises(ModelError) as caught:
        list(openai.chunks(events(delta("好"), "[DONE]")))

    assert caught.value.kind == ErrorClass.BAD_OUTPUT


def test_null_error_is_no_error() -> None:
    assert said(list(openai.chunks(events(delta("好", "stop", error=None))))) == "好"


def test_null_fields_are_nothing() -> None:
    empty: list[object] = [
        {"choices": None},
        {"choices": []},
        {"choices": [{"index": 0, "delta": None, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {"content": None}}], "usage": None},
    ]

    found = list(openai.chunks(events(*empty, delta("好", "stop"))))

    assert said(found) == "好"
    assert all(chunk.usage is None for chunk in found)


@pytest.mark.parametrize(
    "frame",
    [
        "5",
        "null",
        "[]",
        '"text"',
        "{",
        {"choices": 5},
        {"choices": [5]},
        {"choices": [{"delta": "x"}]},
        {"choices": [{"delta": {"content": ["x"]}}]},
        {"choices": [{"delta": {"content": 5}}]},
    ],
    ids=str,
)
def test_frame_of_another_shape_is_bad_output(frame: object) -> None:
    with pytest.raises(ModelError) as caught:
        list(openai.chunks(events(frame, delta("", "stop"))))

    assert caught.value.kind == ErrorClass.BAD_OUTPUT


@pytest.mark.parametrize("usage", [5, "many", [], {"prompt_tokens": "many"}, {"x": 1}], ids=str)
def test_usage_of_another_shape_counts_as_none(usage: object) -> None:
    found = list(openai.chunks(events(delta("好", "stop", usage=usage))))

    assert said(found) == "好"
    assert [chunk.usage for chunk in found] == [None]


def test_usage_keeps_what_the_vendor_sent() -> None:
    raw = {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 2},
    }

    assert openai.usage_of(raw) == Usage(input_tokens=3, output_tokens=4, raw=raw)


def test_in_stream_quota_and_rate_are_told_apart() -> None:
    for code, kind in (
        ("insufficient_quota", ErrorClass.QUOTA_AUTH),
        ("rate_limit_exceeded", ErrorClass.RATE_LIMIT),
        ("server_error", ErrorClass.UNAVAILABLE),
    ):
        with pytest.raises(ModelError) as caught:
            list(openai.chunks(events({"error": {"code": code, "message": "no"}})))
        assert caught.value.kind == kind
