"""The wire of Anthropic as the fake speaks it: through the real SDK and raw HTTP, with every fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest
from pydantic import BaseModel

from tests.fakes.provider_clients import HASTY_SECONDS, ORDER_SCHEMA, anthropic_client, post
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.fakes.provider_types import FaultKind

PARCEL = "订单20250101888的快递到哪了"
LOGISTICS_TOOL = {
    "name": "get_logistics",
    "description": "Where a parcel is",
    "input_schema": ORDER_SCHEMA,
}


class Turn(BaseModel):
    reply: str
    intent: str


@pytest.fixture(scope="module")
def fake() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=5, interval_ms=1))) as control:
        yield control


@pytest.fixture(autouse=True)
def _fresh(fake: ProviderControl) -> None:
    fake.reset()


@pytest.fixture(scope="module")
def client(fake: ProviderControl) -> Iterator[anthropic.Anthropic]:
    with anthropic_client(fake.anthropic_base_url) as made:
        yield made


def body(text: str = "我的快递到哪了", **options: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": text}]
    return {"model": "fake-light", "max_tokens": 100, "messages": turns, **options}


def ask(client: anthropic.Anthropic, text: str = "我的快递到哪了", **options: Any) -> Any:
    return client.messages.create(**body(text, **options))


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The frames of a stream as (event, data)."""
    frames = [frame.split("\n") for frame in text.split("\n\n")[:-1]]
    return [
        (name.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for name, data in frames
    ]


# -- the wire


def test_stream_frames_exact(fake: ProviderControl) -> None:
    reply = post(fake, "/v1/messages", body(stream=True))

    seen = events(reply.text)
    names = [name for name, _ in seen]
    start, tail = seen[0][1]["message"], seen[-2][1]
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["request-id"] == "req_fake1"
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert set(names[3:-3]) == {"content_block_delta"}
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert all(name == data["type"] for name, data in seen)
    assert (start["content"], start["stop_reason"], start["usage"]["output_tokens"]) == (
        [],
        None,
        1,
    )
    assert seen[1][1]["content_block"] == {"type": "text", "text": ""}
    assert tail["delta"] == {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None}
    assert tail["usage"] == {"output_tokens": names.count("content_block_delta")}


def test_long_stream_counts_and_pings_on_its_way(fake: ProviderControl) -> None:
    fake.set_scenario([{"tokens": 20}])

    seen = events(post(fake, "/v1/messages", body(stream=True)).text)

    counts = [data["usage"]["output_tokens"] for name, data in seen if name == "message_delta"]
    reasons = [data["delta"]["stop_reason"] for name, data in seen if name == "message_delta"]
    assert (counts, reasons) == ([9, 17, 20], [None, None, "end_turn"])
    assert [name for name, _ in seen].count("ping") == 3


def test_whole_says_the_same_as_stream(client: anthropic.Anthropic) -> None:
    with client.messages.stream(**body()) as stream:
        streamed = "".join(stream.text_stream)
        final = stream.get_final_message()
    whole = ask(client)

    assert [block.text for block in whole.content] == [streamed]
    assert (whole.stop_reason, final.stop_reason) == ("end_turn", "end_turn")
    assert whole.usage == final.usage
    assert whole.usage.input_tokens > 0


def test_max_tokens_cuts(client: anthropic.Anthropic) -> None:
    reply = ask(client, max_tokens=2)

    assert (reply.stop_reason, reply.usage.output_tokens) == ("max_tokens", 2)


def test_tokens_are_counted_without_an_answer(client: anthropic.Anthropic) -> None:
    turns = [{"role": "user", "content": "我的快递到哪了"}]

    counted = client.messages.count_tokens(model="fake-light", messages=turns)  # type: ignore[arg-type]

    assert counted.input_tokens == ask(client).usage.input_tokens


def test_models_are_listed(client: anthropic.Anthropic) -> None:
    assert [model.id for model in client.models.list()] == [
        "fake-light",
        "fake-standard",
        "fake-strong",
    ]


def test_tool_use_streams_its_input_in_pieces(client: anthropic.Anthropic) -> None:
    with client.messages.stream(**body(PARCEL, tools=[LOGISTICS_TOOL])) as stream:
        pieces = [
            event.delta.partial_json
            for event in stream
            if event.type == "content_block_delta" and event.delta.type == "input_json_delta"
        ]
        final = stream.get_final_message()

    block = final.content[0]
    assert len(pieces) > 3
    assert isinstance(block, anthropic.types.ToolUseBlock)
    assert (block.name, block.input) == ("get_logistics", {"order_number": "20250101888"})
    assert block.id.startswith("toolu_")
    assert final.stop_reason == "tool_use"


def test_tool_use_whole_then_its_result(client: anthropic.Anthropic) -> None:
    first = ask(client, PARCEL, tools=[LOGISTICS_TOOL])
    result = {"type": "tool_result", "tool_use_id": first.content[0].id, "content": "派送中"}
    thread = [
        {"role": "user", "content": PARCEL},
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]

    after = ask(client, messages=thread, tools=[LOGISTICS_TOOL])

    assert first.stop_reason == "tool_use"
    assert after.stop_reason == "end_turn"
    assert "派送中" in after.content[0].text


@pytest.mark.parametrize(
    "choice", [{"type": "any"}, {"type": "tool", "name": "get_logistics"}], ids=["any", "named"]
)
def test_tool_choice_is_kept(client: anthropic.Anthropic, choice: dict[str, str]) -> None:
    reply = ask(client, "你好", tools=[LOGISTICS_TOOL], tool_choice=choice)

    assert reply.content[0].name == "get_logistics"


def test_output_format_is_filled(client: anthropic.Anthropic) -> None:
    reply = client.messages.parse(**body("我要投诉"), output_format=Turn)

    assert reply.parsed_output is not None
    assert reply.parsed_output.intent == "complaint"


def closed(**properties: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": properties,
        "required": [],
        "additionalProperties": False,
    }
    return {"format": {"type": "json_schema", "schema": schema}}


UNANSWERED = [
    {"role": "user", "content": "hi"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "x", "input": {}}]},
    {"role": "user", "content": "and?"},
]
STRAY = [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]}]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"temperature": 0.2}, "temperature: Extra inputs are not permitted"),
        ({"top_p": 0.2}, "top_p: Extra inputs are not permitted"),
        ({"top_k": 5}, "top_k: Extra inputs are not permitted"),
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": ""}]}, "non-empty content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": UNANSWERED}, "without a result"),
        ({"messages": STRAY}, "answers no tool call"),
        ({"tools": [{"name": "x"}]}, "input_schema: Field required"),
        ({"tool_choice": {"type": "tool", "name": "x"}}, "tool 'x' not found"),
        ({"output_config": {"format": {"type": "json_object"}}}, "json_schema"),
        ({"output_config": closed(n={"type": "number", "minimum": 0})}, "minimum"),
        ({"output_config": closed(o={"type": "object"})}, "additionalProperties"),
        ({"output_config": 1}, "wrong type"),
    ],
)
def test_bad_body_is_refused(fake: ProviderControl, changes: dict[str, Any], words: str) -> None:
    reply = post(fake, "/v1/messages", body(**changes))

    told = reply.json()
    assert reply.status_code == 400
    assert (told["type"], told["error"]["type"]) == ("error", "invalid_request_error")
    assert words in told["error"]["message"]
    assert told["request_id"] == reply.headers["request-id"]


def test_missing_headers_are_refused(fake: ProviderControl) -> None:
    keyless = post(fake, "/v1/messages", body(), authorization="")
    by_header = post(fake, "/v1/messages", body(), authorization="", x_api_key="k")
    dateless = post(fake, "/v1/messages", body(), anthropic_version="")

    assert (keyless.status_code, keyless.json()["error"]["type"]) == (401, "authentication_error")
    assert by_header.status_code == 200
    assert (dateless.status_code, dateless.json()["error"]["type"]) == (
        400,
        "invalid_request_error",
    )


# -- faults, as the SDK sees them

STATUS_FAULTS = {
    "429": "RateLimitError 429 rate_limit_error",
    "429-s": "RateLimitError 429 rate_limit_error",
    "429-ms": "RateLimitError 429 rate_limit_error",
    "429-date": "RateLimitError 429 rate_limit_error",
    "throttling": "RampLimitExceededError 429 rate_limit_error",
    "insufficient_quota": "PaymentRequiredError 402 billing_error",
    "400": "BadRequestError 400 invalid_request_error",
    "400-context": "BadRequestError 400 invalid_request_error",
    "401": "AuthenticationError 401 authentication_error",
    "403": "PermissionDeniedError 403 permission_error",
    "404": "NotFoundError 404 not_found_error",
    "408": "RequestTimeoutError 408 invalid_request_error",
    "413": "ContentTooLargeError 413 request_too_large",
    "500": "InternalServerError 500 api_error",
    "502-html": "InternalServerError 502 None",
    "503": "ServiceUnavailableError 503 api_error",
    "504": "GatewayTimeoutError 504 timeout_error",
    "529": "OverloadedError 529 overloaded_error",
}
# kind: (what a stream gives after three tokens, what a whole answer gives)
BODY_FAULTS = {
    "none": ("end_turn", "end_turn"),
    "200-with-error-json": ("no end", "no content"),
    "wrong-content-type": ("no end", "str"),
    "hang-before-headers": ("APITimeoutError", "APITimeoutError"),
    "hang-mid-stream": ("ReadTimeout", "APITimeoutError"),
    "cut": ("RemoteProtocolError", "APIConnectionError"),
    "rst": ("APIConnectionError", "APIConnectionError"),
    "clean-eof": ("no end", "JSONDecodeError"),
    "malformed-frame": ("JSONDecodeError", "JSONDecodeError"),
    "missing-event-line": ("end_turn", "end_turn"),
    "error-frame": ("APIStatusError 200 overloaded_error", "no content"),
    "empty-answer": ("end_turn", "end_turn"),
    "invalid-json-content": ("end_turn", "end_turn"),
    "schema-violation": ("end_turn", "end_turn"),
    "duplicate-tool-fragments": ("end_turn", "end_turn"),
    "out-of-order-tool-fragments": ("end_turn", "end_turn"),
    "unknown-tool": ("end_turn", "end_turn"),
    "bad-tool-arguments": ("end_turn", "end_turn"),
    "length": ("max_tokens", "max_tokens"),
    "content-filter": ("refusal", "refusal"),
    "refusal": ("refusal", "refusal"),
    "missing-usage": ("end_turn", "end_turn"),
    "usage-on-finish-chunk": ("end_turn", "end_turn"),
    "slow-drip": ("end_turn", "end_turn"),
    "pii-echo": ("end_turn", "end_turn"),
}


def observe(client: anthropic.Anthropic, model: str, *, stream: bool) -> str:
    """What a caller of the SDK meets: the error, or how the answer ended."""
    asked = client.with_options(timeout=HASTY_SECONDS) if "hang" in model else client
    try:
        reply = ask(asked, model=model, stream=stream)
        if stream:
            deltas = [event.delta for event in reply if event.type == "message_delta"]
            return next((str(delta.stop_reason) for delta in deltas[-1:]), "no end")
    except anthropic.APIStatusError as error:
        return f"{type(error).__name__} {error.status_code} {error.type}"
    except (anthropic.APIError, httpx2.TransportError, ValueError) as error:
        return type(error).__name__
    if not isinstance(reply, anthropic.types.Message):
        return type(reply).__name__
    content: Any = reply.content
    return str(reply.stop_reason) if content is not None else "no content"


def test_tables_cover_every_fault() -> None:
    assert {kind.value for kind in FaultKind} == STATUS_FAULTS.keys() | BODY_FAULTS.keys()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("kind", STATUS_FAULTS)
def test_status_fault(client: anthropic.Anthropic, kind: str, stream: bool) -> None:
    assert observe(client, f"fake-light@fault:{kind}", stream=stream) == STATUS_FAULTS[kind]


@pytest.mark.parametrize("kind", BODY_FAULTS)
def test_body_fault(client: anthropic.Anthropic, kind: str) -> None:
    suffix = "slow-drip:20" if kind == "slow-drip" else kind
    seen = tuple(
        observe(client, f"fake-light@fault:{suffix}", stream=stream) for stream in (True, False)
    )

    assert seen == BODY_FAULTS[kind]


def test_overflow_says_that_the_prompt_is_too_long(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        ask(client, model="m@fault:400-context")


def test_frames_without_an_event_line_lose_their_text(client: anthropic.Anthropic) -> None:
    def text(model: str) -> str:
        with client.messages.stream(**body(model=model)) as stream:
            return "".join(stream.text_stream)

    whole, part = text("m"), text("m@fault:missing-event-line:2")

    assert whole.startswith(part)
    assert 2 <= len(part) < len(whole)


def test_refusal_is_explained_beside_the_content(client: anthropic.Anthropic) -> None:
    reply = ask(client, model="m@fault:refusal")

    assert reply.content == []
    assert reply.stop_details.explanation


def test_usage_places(client: anthropic.Anthropic) -> None:
    def counts(kind: str) -> tuple[Any, Any]:
        seen = list(ask(client, model=f"m@fault:{kind}", stream=True))
        last = next(event.usage for event in seen if event.type == "message_delta")
        first = seen[0].message.usage
        return first and first.input_tokens > 0, last and last.input_tokens is not None

    places = {kind: counts(kind) for kind in ("none", "missing-usage", "usage-on-finish-chunk")}

    assert places == {
        "none": (True, False),
        "missing-usage": (None, None),
        "usage-on-finish-chunk": (False, True),
    }
