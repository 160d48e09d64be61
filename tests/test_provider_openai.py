"""The wire of OpenAI as the fake speaks it: through the real SDK and raw HTTP, with every fault."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.fakes.provider_clients import HASTY_SECONDS, ORDER_SCHEMA, openai_client
from tests.fakes.provider_clients import post as post_to
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.fakes.provider_types import FaultKind

LOGISTICS_TOOL = {
    "type": "function",
    "function": {
        "name": "get_logistics",
        "description": "Where a parcel is",
        "parameters": ORDER_SCHEMA,
    },
}
ORDER_TOOL = {
    "type": "function",
    "function": {"name": "get_order", "description": "One order", "parameters": ORDER_SCHEMA},
}


@pytest.fixture(scope="module")
def fake() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=5, interval_ms=1))) as control:
        yield control


@pytest.fixture(autouse=True)
def _fresh(fake: ProviderControl) -> None:
    fake.reset()


@pytest.fixture(scope="module")
def client(fake: ProviderControl) -> Iterator[openai.OpenAI]:
    with openai_client(fake.base_url) as made:
        yield made


def ask(client: openai.OpenAI, text: str = "我的快递到哪了", **options: Any) -> Any:
    wanted = {"model": "fake-light", "messages": [{"role": "user", "content": text}], **options}
    return client.chat.completions.create(**wanted)


def said(client: openai.OpenAI, text: str, **options: Any) -> str:
    return str(ask(client, text, **options).choices[0].message.content)


def post(fake: ProviderControl, body: Any, **headers: str) -> httpx.Response:
    return post_to(fake, "/v1/chat/completions", body, **headers)


def body(text: str = "你好", **options: Any) -> dict[str, Any]:
    return {"model": "fake-light", "messages": [{"role": "user", "content": text}], **options}


def test_stream_frames_exact(fake: ProviderControl) -> None:
    reply = post(fake, body(stream=True, stream_options={"include_usage": True}))

    frames = reply.text.split("\n\n")
    chunks = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert frames[-2:] == ["data: [DONE]", ""]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert {key for chunk in chunks[1:-2] for key in chunk["choices"][0]["delta"]} == {"content"}
    assert chunks[-2]["choices"][0] == {
        "index": 0,
        "delta": {},
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == len(chunks) - 3
    assert len({(chunk["id"], chunk["created"], chunk["object"]) for chunk in chunks}) == 1


def test_stream_pieces_have_one_to_four_characters(client: openai.OpenAI) -> None:
    chunks = list(ask(client, stream=True))

    pieces = [chunk.choices[0].delta.content for chunk in chunks[1:-1]]
    assert pieces
    assert all(1 <= len(piece) <= 4 for piece in pieces)
    assert all(chunk.usage is None for chunk in chunks)


def test_whole_says_the_same_as_stream(client: openai.OpenAI) -> None:
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in ask(client, stream=True))
    whole = ask(client)

    assert whole.choices[0].message.content == streamed
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens


def test_max_tokens_cuts_with_finish_length(client: openai.OpenAI) -> None:
    chunks = list(ask(client, stream=True, max_completion_tokens=2))

    assert len(chunks) == 1 + 2 + 1
    assert chunks[-1].choices[0].finish_reason == "length"


def test_connection_is_kept_alive(fake: ProviderControl) -> None:
    with httpx.Client(trust_env=False, headers={"authorization": "Bearer k"}) as http:
        ports = set()
        for stream in (True, False, True):
            with http.stream(
                "POST", f"{fake.base_url}/chat/completions", json=body(stream=stream)
            ) as reply:
                reply.read()
                wire: socket.socket = reply.extensions["network_stream"].get_extra_info("socket")
                ports.add(wire.getsockname()[1])
    assert len(ports) == 1


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [
        "fake-light",
        "fake-standard",
        "fake-strong",
    ]


@pytest.mark.parametrize(
    ("raw", "status", "param"),
    [
        (b"{", 400, None),
        (b"[]", 400, None),
        (b"\xff\xfe", 400, None),
        (b'{"messages": []}', 400, "model"),
        (b'{"model": "m", "messages": []}', 400, "messages"),
        (b'{"model": "m", "messages": ["x"]}', 400, "messages"),
        (b'{"model": "m@fault:nonsense", "messages": [{"role": "user"}]}', 400, "model"),
        (
            b'{"model": "m", "messages": [{"role": "user"}], "max_tokens": 0}',
            400,
            "max_completion_tokens",
        ),
        (b'{"model": "m", "messages": [{"role": "user"}], "tools": [{}]}', 400, "tools"),
        (b'{"model": "m", "messages": [{"role": "user"}], "stream_options": 1}', 400, None),
    ],
)
def test_bad_body_is_refused(
    fake: ProviderControl, raw: bytes, status: int, param: str | None
) -> None:
    reply = post(fake, raw)

    assert reply.status_code == status
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert reply.json()["error"]["param"] == param


def test_missing_key_is_refused(fake: ProviderControl) -> None:
    assert post(fake, body(), authorization="").status_code == 401


def test_lone_surrogate_is_answered(fake: ProviderControl) -> None:
    raw = b'{"model": "m@fault:pii-echo", "messages": [{"role": "user", "content": "\\ud800"}]}'

    assert "13812345678" in post(fake, raw).json()["choices"][0]["message"]["content"]


def test_tool_call_streams_by_index(client: openai.OpenAI) -> None:
    tools = [ORDER_TOOL, LOGISTICS_TOOL]
    chunks = list(ask(client, "订单20250101888的快递到哪了", tools=tools, stream=True))

    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    arguments = "".join(call.function.arguments or "" for call in calls)
    assert calls[0].function.name == "get_logistics"
    assert calls[0].id
    assert [call.id for call in calls[1:]] == [None] * (len(calls) - 1)
    assert json.loads(arguments) == {"order_number": "20250101888"}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_tool_call_whole_then_its_result(client: openai.OpenAI) -> None:
    first = ask(client, "订单20250101888的快递到哪了", tools=[LOGISTICS_TOOL]).choices[0]
    call = first.message.tool_calls[0]
    thread = [
        {"role": "user", "content": "订单20250101888的快递到哪了"},
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": '{"status": "派送中"}'},
    ]

    after = ask(client, messages=thread, tools=[LOGISTICS_TOOL]).choices[0]

    assert (first.finish_reason, first.message.content) == ("tool_calls", None)
    assert after.finish_reason == "stop"
    assert "派送中" in after.message.content


def test_tool_that_needs_an_order_number_waits_for_it(client: openai.OpenAI) -> None:
    reply = ask(client, "我的快递到哪了", tools=[LOGISTICS_TOOL])
    forced = ask(client, "你好", tools=[LOGISTICS_TOOL], tool_choice="required")

    assert reply.choices[0].message.tool_calls is None
    assert forced.choices[0].message.tool_calls[0].function.name == "get_logistics"


def test_json_schema_is_filled_with_what_was_said(client: openai.OpenAI) -> None:
    fields = {
        "reply": {"type": "string"},
        "intent": {"type": "string", "enum": ["greeting", "refund", "logistics", "other"]},
        "emotion": {"$ref": "#/$defs/mood"},
        "emotion_score": {"type": "number", "minimum": 0, "maximum": 1},
        "order_no": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "phone": {"type": ["string", "null"]},
        "needs_human": {"type": "boolean"},
        "steps": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
    }
    schema = {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
        "$defs": {"mood": {"type": "string", "enum": ["calm", "angry"]}},
    }
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "turn", "strict": True, "schema": schema},
    }

    value = json.loads(said(client, "垃圾快递,12345678901到哪了", response_format=wanted))

    assert len(value.pop("reply")) > 5
    assert value == {
        "intent": "logistics",
        "emotion": "angry",
        "emotion_score": 0.9,
        "order_no": "12345678901",
        "phone": None,
        "needs_human": False,
        "steps": [0, 0],
    }


def test_recursive_schema_ends(client: openai.OpenAI) -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "node", "schema": node}}

    assert said(client, "hi", response_format=wanted).startswith('{"next":{')


# -- faults, as the SDK sees them

STATUS_FAULTS = {
    "429": "RateLimitError 429 rate_limit_exceeded",
    "429-s": "RateLimitError 429 rate_limit_exceeded",
    "429-ms": "RateLimitError 429 rate_limit_exceeded",
    "429-date": "RateLimitError 429 rate_limit_exceeded",
    "insufficient_quota": "RateLimitError 429 insufficient_quota",
    "400": "BadRequestError 400 None",
    "400-context": "BadRequestError 400 context_length_exceeded",
    "401": "AuthenticationError 401 invalid_api_key",
    "403": "PermissionDeniedError 403 unsupported_country",
    "404": "NotFoundError 404 model_not_found",
    "408": "APIStatusError 408 None",
    "413": "APIStatusError 413 None",
    "throttling": "RateLimitError 429 1302",
    "500": "InternalServerError 500 None",
    "502-html": "InternalServerError 502 None",
    "503": "InternalServerError 503 None",
    "504": "InternalServerError 504 None",
    "529": "InternalServerError 529 overloaded",
}
# kind: (what a stream gives after three tokens, what a whole answer gives)
BODY_FAULTS = {
    "none": ("stop", "stop"),
    "200-with-error-json": ("no finish", "no choices"),
    "wrong-content-type": ("no finish", "str"),
    "hang-before-headers": ("APITimeoutError", "APITimeoutError"),
    "hang-mid-stream": ("APITimeoutError", "APITimeoutError"),
    "cut": ("APIConnectionError", "APIConnectionError"),
    "rst": ("APIConnectionError", "APIConnectionError"),
    "clean-eof": ("no finish", "JSONDecodeError"),
    "malformed-frame": ("JSONDecodeError", "JSONDecodeError"),
    "error-frame": ("APIError", "no choices"),
    "empty-answer": ("stop", "stop"),
    "invalid-json-content": ("stop", "stop"),
    "schema-violation": ("stop", "stop"),
    "missing-event-line": ("stop", "stop"),
    "duplicate-tool-fragments": ("stop", "stop"),
    "out-of-order-tool-fragments": ("stop", "stop"),
    "unknown-tool": ("stop", "stop"),
    "bad-tool-arguments": ("stop", "stop"),
    "length": ("length", "length"),
    "content-filter": ("content_filter", "content_filter"),
    "refusal": ("stop", "stop"),
    "missing-usage": ("stop", "stop"),
    "usage-on-finish-chunk": ("stop", "stop"),
    "slow-drip": ("stop", "stop"),
    "pii-echo": ("stop", "stop"),
}


def impatient(client: openai.OpenAI, kind: str) -> openai.OpenAI:
    """A client that gives up soon, where the fault is that nothing comes."""
    return client.with_options(timeout=HASTY_SECONDS) if "hang" in kind else client


def observe(client: openai.OpenAI, model: str, *, stream: bool) -> str:
    """What a caller of the SDK meets: the error, or how the answer ended."""
    try:
        reply = ask(impatient(client, model), model=model, stream=stream)
        if stream:
            finishes = [chunk.choices[0].finish_reason for chunk in reply if chunk.choices]
            return next(filter(None, finishes), "no finish")
    except openai.APIStatusError as error:
        return f"{type(error).__name__} {error.status_code} {error.code}"
    except (openai.APIError, ValueError) as error:
        return type(error).__name__
    if not isinstance(reply, openai.types.chat.ChatCompletion):
        return type(reply).__name__
    return reply.choices[0].finish_reason if reply.choices else "no choices"


def test_tables_cover_every_fault() -> None:
    assert {kind.value for kind in FaultKind} == STATUS_FAULTS.keys() | BODY_FAULTS.keys()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("kind", STATUS_FAULTS)
def test_status_fault(client: openai.OpenAI, kind: str, stream: bool) -> None:
    assert observe(client, f"fake-light@fault:{kind}", stream=stream) == STATUS_FAULTS[kind]


@pytest.mark.parametrize("kind", BODY_FAULTS)
def test_body_fault(client: openai.OpenAI, kind: str) -> None:
    suffix = "slow-drip:20" if kind == "slow-drip" else kind
    seen = tuple(
        observe(client, f"fake-light@fault:{suffix}", stream=stream) for stream in (True, False)
    )

    assert seen == BODY_FAULTS[kind]


@pytest.mark.parametrize(
    "kind", ["cut", "rst", "hang-mid-stream", "malformed-frame", "error-frame", "clean-eof"]
)
@pytest.mark.parametrize("after", [0, 1, 4])
def test_mid_stream_fault_comes_after_the_wanted_tokens(
    fake: ProviderControl, client: openai.OpenAI, kind: str, after: int
) -> None:
    # A RST throws away what the client has not read yet, so it gets time to read.
    fake.set_scenario({"latency": {"slow": {"interval_ms": 20}}})
    pieces = []
    with contextlib.suppress(openai.APIError, ValueError):
        for chunk in ask(impatient(client, kind), model=f"slow@fault:{kind}:{after}", stream=True):
            pieces.append(chunk.choices[0].delta.content)

    assert len([piece for piece in pieces if piece]) == after


@pytest.mark.parametrize(
    ("model", "header", "value"),
    [
        ("m@fault:429", "retry-after", None),
        ("m@fault:429:2000", "retry-after", "2"),
        ("m@fault:429-s", "retry-after", "1"),
        ("m@fault:429-ms:250", "retry-after-ms", "250"),
        ("m@fault:503:1500", "retry-after", "2"),
        ("m@fault:500", "retry-after", None),
    ],
)
def test_retry_after_header(
    fake: ProviderControl, model: str, header: str, value: str | None
) -> None:
    assert post(fake, body(model=model)).headers.get(header) == value


def test_usage_places(client: openai.OpenAI) -> None:
    def usage_choices(kind: str) -> list[int]:
        options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
        chunks = ask(client, model=f"m@fault:{kind}", **options)
        return [len(chunk.choices) for chunk in chunks if chunk.usage]

    places = {
        kind: usage_choices(kind) for kind in ("none", "missing-usage", "usage-on-finish-chunk")
    }

    assert places == {"none": [0], "missing-usage": [], "usage-on-finish-chunk": [1]}


def test_contents_of_spoiled_answers(client: openai.OpenAI) -> None:
    def content(kind: str) -> Any:
        return ask(client, "我叫13900000000", model=f"m@fault:{kind}").choices[0].message

    assert content("empty-answer").content == ""
    assert content("refusal").refusal
    with pytest.raises(json.JSONDecodeError):
        json.loads(content("invalid-json-content").content)
    assert "unexpected" in json.loads(content("schema-violation").content)
    assert {"13900000000", "13812345678"} <= set(
        re.findall(r"\d{11}(?!\d)", content("pii-echo").content)
    )
