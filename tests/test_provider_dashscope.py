"""The wires of DashScope as the fake speaks them: its own and its dress of OpenAI, through the real SDKs."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import httpx_sse
import openai
import pytest
from dashscope.v2 import errors

from tests.fakes.provider_clients import (
    HASTY_SECONDS,
    ORDER_SCHEMA,
    dashscope_client,
    openai_client,
    post,
)
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.fakes.provider_types import FaultKind

NATIVE = "/api/v1/services/aigc/text-generation/generation"
COMPATIBLE = "/compatible-mode/v1/chat/completions"
PARCEL = "订单20250101888的快递到哪了"
LOGISTICS_TOOL = {
    "type": "function",
    "function": {
        "name": "get_logistics",
        "description": "Where a parcel is",
        "parameters": ORDER_SCHEMA,
    },
}
FRAME = re.compile(r"id:(\d+)\nevent:(\w+)\n:HTTP_STATUS/(\d+)\ndata:(\{.*\})\n\n")


@pytest.fixture(scope="module")
def fake() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=5, interval_ms=1))) as control:
        yield control


@pytest.fixture(autouse=True)
def _fresh(fake: ProviderControl) -> None:
    fake.reset()


@pytest.fixture(scope="module")
def client(fake: ProviderControl) -> Iterator[Any]:
    with dashscope_client(fake.dashscope_base_url) as made:
        yield made


@pytest.fixture(scope="module")
def compatible(fake: ProviderControl) -> Iterator[openai.OpenAI]:
    with openai_client(fake.compatible_base_url) as made:
        yield made


def turns(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def ask(client: Any, text: str = "我的快递到哪了", **options: Any) -> Any:
    wanted = {"model": "fake-light", "messages": turns(text), **options}
    return client.chat.completions.create(**wanted)


def body(text: str = "你好", **parameters: Any) -> dict[str, Any]:
    shape = {"result_format": "message", "incremental_output": True, **parameters}
    return {"model": "fake-light", "input": {"messages": turns(text)}, "parameters": shape}


# -- the wire


def test_stream_frames_exact(fake: ProviderControl) -> None:
    reply = post(fake, NATIVE, body("我的快递到哪了"), x_dashscope_sse="enable")

    frames = FRAME.findall(reply.text)
    data = [json.loads(each[3]) for each in frames]
    choices = [each["output"]["choices"][0] for each in data]
    assert FRAME.sub("", reply.text) == ""
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert [int(each[0]) for each in frames] == list(range(1, len(frames) + 1))
    assert {each[1:3] for each in frames} == {("result", "200")}
    assert [each["finish_reason"] for each in choices] == ["null"] * (len(frames) - 1) + ["stop"]
    assert choices[-1]["message"] == {"content": "", "role": "assistant"}
    assert [each["usage"]["output_tokens"] for each in data[:-1]] == list(range(1, len(frames)))
    assert data[-1]["usage"] == data[-2]["usage"]
    assert {each["request_id"] for each in data} == {"req_fake1"}


def test_whole_says_the_same_as_stream(client: Any) -> None:
    streamed = "".join(ask(client, stream=True).text_stream)
    whole = ask(client)

    assert whole.output_text == streamed
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens


def test_text_comes_whole_in_each_frame_unless_increments_are_asked_for(client: Any) -> None:
    chunks = list(ask(client, stream=True, parameters={"incremental_output": False}))

    told = [chunk.delta.content for chunk in chunks]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(told))
    assert told[-1] == ask(client).output_text


def test_max_tokens_cuts(client: Any) -> None:
    reply = ask(client, max_tokens=2)

    assert (reply.choices[0].finish_reason, reply.usage.output_tokens) == ("length", 2)


def test_tool_call_names_itself_once(client: Any) -> None:
    chunks = list(ask(client, PARCEL, tools=[LOGISTICS_TOOL], stream=True))

    calls = [call for chunk in chunks for call in chunk.delta.tool_calls or ()]
    arguments = "".join(call.function.arguments for call in calls)
    assert (calls[0].function.name, calls[0].function.arguments) == ("get_logistics", "")
    assert calls[0].id.startswith("call_")
    assert {(call.index, call.id, call.function.name) for call in calls[1:]} == {(0, "", "")}
    assert json.loads(arguments) == {"order_number": "20250101888"}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("incremental", [True, False])
def test_tool_call_is_put_together_by_the_sdk(client: Any, incremental: bool) -> None:
    options = {"tools": [LOGISTICS_TOOL], "parameters": {"incremental_output": incremental}}

    final = ask(client, PARCEL, stream=True, **options).get_final_message()

    call = final.choices[0].message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == (
        "get_logistics",
        '{"order_number":"20250101888"}',
    )


def test_tool_call_whole_then_its_result(client: Any) -> None:
    first = ask(client, PARCEL, tools=[LOGISTICS_TOOL]).choices[0]
    call = first.message.tool_calls[0]
    thread = [
        *turns(PARCEL),
        {"role": "assistant", "content": "", "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": "派送中"},
    ]

    after = ask(client, messages=thread, tools=[LOGISTICS_TOOL])

    assert first.finish_reason == "tool_calls"
    assert "派送中" in after.output_text


def test_json_object_needs_the_word(client: Any) -> None:
    wanted = {"type": "json_object"}

    with pytest.raises(errors.BadRequestError, match="must contain the word 'json'"):
        ask(client, "我要退款", response_format=wanted)
    told = json.loads(ask(client, "我要退款，用JSON回答", response_format=wanted).output_text)

    assert told["intent"] == "refund_progress"


def test_json_schema_is_filled(client: Any) -> None:
    fields = {"intent": {"type": "string", "enum": ["refund", "other"]}}
    schema = {"type": "object", "properties": fields, "required": ["intent"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "turn", "schema": schema}}

    assert ask(client, "我要退款", response_format=wanted).output_text == '{"intent":"refund"}'


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": ""}, "model"),
        ({"input": {}}, 'Either "prompt" or "messages"'),
        ({"messages": turns("hi"), "input": None}, 'Either "prompt" or "messages"'),
        ({"parameters": {"temperature": 2}}, "Temperature"),
        ({"parameters": {"top_p": 0}}, "top_p"),
        ({"parameters": {"max_tokens": 0}}, "max_tokens"),
        ({"parameters": {"enable_thinking": True}}, "enable_thinking must be set to false"),
        ({"parameters": {"tools": [{}]}}, "function with a name"),
        ({"parameters": 1}, "wrong type"),
    ],
)
def test_bad_body_is_refused(fake: ProviderControl, changes: dict[str, Any], words: str) -> None:
    reply = post(fake, NATIVE, body() | changes)

    assert reply.status_code == 400
    assert reply.json()["code"] == "InvalidParameter"
    assert words in reply.json()["message"]
    assert reply.json()["request_id"] == reply.headers["x-request-id"]


def test_missing_key_is_refused(fake: ProviderControl) -> None:
    native = post(fake, NATIVE, body(), authorization="")
    dressed = post(fake, COMPATIBLE, {}, authorization="")

    assert (native.status_code, native.json()["code"]) == (401, "InvalidApiKey")
    assert (dressed.status_code, dressed.json()["error"]["code"]) == (401, "invalid_api_key")


# -- faults, as the SDK sees them

STATUS_FAULTS = {
    "429": "RateLimitError 429 Throttling.RateQuota",
    "429-s": "RateLimitError 429 Throttling.RateQuota",
    "429-ms": "RateLimitError 429 Throttling.RateQuota",
    "429-date": "RateLimitError 429 Throttling.RateQuota",
    "throttling": "RateLimitError 429 Throttling.AllocationQuota",
    "insufficient_quota": "PermissionDeniedError 400 Arrearage",
    "400": "BadRequestError 400 InvalidParameter",
    "400-context": "BadRequestError 400 InvalidParameter",
    "401": "AuthenticationError 401 InvalidApiKey",
    "403": "PermissionDeniedError 403 AccessDenied",
    "404": "NotFoundError 404 ModelNotFound",
    "408": "APIStatusError 408 RequestTimeOut",
    "413": "RequestTooLargeError 413 BadRequest.TooLarge",
    "500": "InternalServerError 500 InternalError",
    "502-html": "APIStatusError 502 None",
    "503": "ServiceUnavailableError 503 ServiceUnavailable",
    "504": "GatewayTimeoutError 504 GatewayTimeout",
    "529": "ServiceUnavailableError 503 ModelServingError",
    "refusal": "ContentFilterError 400 DataInspectionFailed",
}
# kind: (what a stream gives after three tokens, what a whole answer gives)
BODY_FAULTS = {
    "none": ("stop", "stop"),
    "200-with-error-json": ("SSEError", "InternalServerError 200 InternalError"),
    "wrong-content-type": ("SSEError", "JSONDecodeError"),
    "hang-before-headers": ("APITimeoutError", "APITimeoutError"),
    "hang-mid-stream": ("ReadTimeout", "APITimeoutError"),
    "cut": ("RemoteProtocolError", "APIConnectionError"),
    "rst": ("APIConnectionError", "APIConnectionError"),
    "clean-eof": ("null", "JSONDecodeError"),
    "malformed-frame": ("DashScopeError", "JSONDecodeError"),
    "missing-event-line": ("stop", "stop"),
    "error-frame": (
        "RateLimitError 200 Throttling.RateQuota",
        "InternalServerError 200 InternalError",
    ),
    "empty-answer": ("stop", "stop"),
    "invalid-json-content": ("stop", "stop"),
    "schema-violation": ("stop", "stop"),
    "duplicate-tool-fragments": ("stop", "stop"),
    "out-of-order-tool-fragments": ("stop", "stop"),
    "unknown-tool": ("stop", "stop"),
    "bad-tool-arguments": ("stop", "stop"),
    "length": ("length", "length"),
    "content-filter": (
        "ContentFilterError 200 DataInspectionFailed",
        "ContentFilterError 400 DataInspectionFailed",
    ),
    "missing-usage": ("stop", "stop"),
    "usage-on-finish-chunk": ("stop", "stop"),
    "slow-drip": ("stop", "stop"),
    "pii-echo": ("stop", "stop"),
}
# What the dress of OpenAI answers otherwise than DashScope's own wire, as the SDK of OpenAI sees it.
COMPATIBLE_FAULTS = {
    "429": "RateLimitError 429 limit_requests",
    "throttling": "RateLimitError 429 1302",
    "insufficient_quota": "BadRequestError 400 Arrearage",
    "400": "BadRequestError 400 invalid_parameter_error",
    "401": "AuthenticationError 401 invalid_api_key",
    "404": "NotFoundError 404 model_not_found",
    "500": "InternalServerError 500 internal_error",
    "529": "InternalServerError 503 model_serving_error",
    "refusal": "BadRequestError 400 data_inspection_failed",
    "content-filter": "APIError None data_inspection_failed",
}


def observe(client: Any, model: str, *, stream: bool) -> str:
    """What a caller of the SDK meets: the error, or how the answer ended."""
    options: dict[str, Any] = {"timeout": HASTY_SECONDS} if "hang" in model else {}
    try:
        reply = ask(client, model=model, stream=stream, **options)
        if stream:
            return str([chunk.choices[0].finish_reason for chunk in reply][-1])
    except errors.APIStatusError as error:
        return f"{type(error).__name__} {error.status_code} {error.code}"
    except (errors.DashScopeError, httpx.TransportError, httpx_sse.SSEError, ValueError) as error:
        return type(error).__name__
    return str(reply.choices[0].finish_reason)


def test_tables_cover_every_fault() -> None:
    assert {kind.value for kind in FaultKind} == STATUS_FAULTS.keys() | BODY_FAULTS.keys()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("kind", STATUS_FAULTS)
def test_status_fault(client: Any, kind: str, stream: bool) -> None:
    assert observe(client, f"fake-light@fault:{kind}", stream=stream) == STATUS_FAULTS[kind]


@pytest.mark.parametrize("kind", BODY_FAULTS)
def test_body_fault(client: Any, kind: str) -> None:
    suffix = "slow-drip:20" if kind == "slow-drip" else kind
    seen = tuple(
        observe(client, f"fake-light@fault:{suffix}", stream=stream) for stream in (True, False)
    )

    assert seen == BODY_FAULTS[kind]


@pytest.mark.parametrize("kind", COMPATIBLE_FAULTS)
def test_compatible_fault(compatible: openai.OpenAI, kind: str) -> None:
    with pytest.raises(openai.APIError) as caught:
        list(ask(compatible, model=f"m@fault:{kind}", stream=True))

    status = getattr(caught.value, "status_code", None)
    seen = f"{type(caught.value).__name__} {status} {caught.value.code}"
    assert seen == COMPATIBLE_FAULTS[kind]


def test_error_frame_says_its_status(fake: ProviderControl) -> None:
    request = body() | {"model": "m@fault:error-frame:2"}

    reply = post(fake, NATIVE, request, x_dashscope_sse="enable")

    number, event, status, data = FRAME.findall(reply.text)[-1]
    assert (number, event, status) == ("3", "error", "429")
    assert json.loads(data)["code"] == "Throttling.RateQuota"


def test_usage_places(client: Any) -> None:
    def counted(kind: str) -> list[bool]:
        chunks = list(ask(client, model=f"m@fault:{kind}", stream=True))
        return [chunk.usage is not None for chunk in (chunks[0], chunks[-1])]

    places = {kind: counted(kind) for kind in ("none", "missing-usage", "usage-on-finish-chunk")}

    assert places == {
        "none": [True, True],
        "missing-usage": [False, False],
        "usage-on-finish-chunk": [False, True],
    }
