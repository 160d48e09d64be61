"""DashScope's own wire: the request as the API wants it, and frames of every shape."""

from typing import Any

import pytest

from prompts.llm import providers
from prompts.llm.catalogue import Capabilities
from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.providers import dashscope, exchange
from prompts.llm.types import Chunk, JsonShape, Line, Request, ToolCall, Usage
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import TOOL, endpoint, request, said, settled
from tests.prompts.llm.serving import dashscope_result, frame

CALL = ToolCall("call_1", TOOL.name, '{"order_number": "7"}')
SHAPE = JsonShape("mood", {"type": "object", "properties": {"mood": {"type": "string"}}})


def sent(provider: ProviderControl, wanted: Request, **capabilities: Any) -> dict[str, Any]:
    """The body that reached the fake."""
    chosen = endpoint(
        provider,
        wire="dashscope",
        max_output_tokens=77,
        capabilities=Capabilities(**capabilities),
    )
    list(providers.stream(chosen, wanted))
    body: dict[str, Any] = settled(provider)[0]["body"]
    return body


def read(*frames: object) -> list[Chunk]:
    """The chunks of a stream of these frames."""
    return list(exchange.chunks(map(frame, frames), dashscope.take, tools=(TOOL,)))


def numbered(number: int, arguments: str, **fields: str) -> bytes:
    """A frame with a fragment of a tool call."""
    function = {"name": fields.get("name", ""), "arguments": arguments}
    call = {"index": 0, "id": fields.get("id", ""), "type": "function", "function": function}
    message = {"role": "assistant", "content": "", "tool_calls": [call]}
    choice = {"message": message, "finish_reason": "null"}
    return b"id:%d\nevent:result\n:HTTP_STATUS/200\n" % number + frame(
        {"output": {"choices": [choice]}}
    )


def test_request_is_what_the_wire_wants(provider: ProviderControl) -> None:
    lines = (Line("system", "人设"), Line("user", "在吗"))

    body = sent(provider, request(lines=lines))

    assert body == {
        "model": "fake-light",
        "input": {
            "messages": [
                {"role": "system", "content": "人设"},
                {"role": "user", "content": "在吗"},
            ]
        },
        "parameters": {"result_format": "message", "incremental_output": True, "max_tokens": 77},
    }


@pytest.mark.parametrize(("wanted", "expected"), [(0.2, 0.2), (2.0, dashscope.HOTTEST)])
def test_temperature_stays_in_the_range_of_the_api(
    provider: ProviderControl, wanted: float, expected: float
) -> None:
    body = sent(provider, request(temperature=wanted))

    assert body["parameters"]["temperature"] == expected


def test_temperature_is_not_sent_where_it_is_not_taken(provider: ProviderControl) -> None:
    body = sent(provider, request(temperature=0.2), sampling=False)

    assert "temperature" not in body["parameters"]


def test_tools_and_their_thread_are_what_the_wire_wants(provider: ProviderControl) -> None:
    lines = (
        Line("user", "到哪了"),
        Line("assistant", "", tools=(CALL,)),
        Line("tool", "杭州", call_id="call_1"),
    )

    body = sent(provider, request(lines=lines, tools=(TOOL,), tool_choice=TOOL.name), tools=True)

    function = {"name": CALL.name, "arguments": CALL.arguments}
    assert body["input"]["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "杭州"},
    ]
    offered = {"name": TOOL.name, "description": "查物流", "parameters": TOOL.schema}
    assert body["parameters"]["tools"] == [{"type": "function", "function": offered}]
    assert body["parameters"]["tool_choice"] == {
        "type": "function",
        "function": {"name": TOOL.name},
    }


@pytest.mark.parametrize(
    ("thinking", "shape", "expected"),
    [(True, None, True), (True, SHAPE, False), (False, None, False), (False, SHAPE, False)],
)
def test_model_does_not_think_where_json_is_wanted(
    provider: ProviderControl, thinking: bool, shape: JsonShape | None, expected: bool
) -> None:
    body = sent(provider, request(json=shape), thinking=thinking, json_schema=True)

    assert body["parameters"]["enable_thinking"] is expected


def test_json_is_asked_for_strictly(provider: ProviderControl) -> None:
    body = sent(provider, request(json=SHAPE), json_schema=True)

    assert body["parameters"]["response_format"] == {
        "type": "json_schema",
        "json_schema": {
            "name": "mood",
            "strict": True,
            "schema": {**SHAPE.schema, "additionalProperties": False, "required": ["mood"]},
        },
    }


def test_all_components_of_usage_are_read_from_every_frame() -> None:
    raw = {
        "input_tokens": 30,
        "output_tokens": 9,
        "total_tokens": 39,
        "prompt_tokens_details": {"cached_tokens": 20, "cache_creation_input_tokens": 4},
        "output_tokens_details": {"reasoning_tokens": 5},
    }

    chunks = read(dashscope_result("好", usage=raw), dashscope_result("", "stop", usage=raw))

    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(30, 9, 20, 4, 5, raw=raw)] * 2


@pytest.mark.parametrize("usage", [5, "many", [], {"input_tokens": "x"}, {"x": 1}, None], ids=str)
def test_usage_of_another_shape_counts_as_none(usage: object) -> None:
    found = read(dashscope_result("好", "stop", usage=usage))

    assert said(found) == "好"
    assert [chunk.usage for chunk in found if chunk.usage] == []


def test_finish_reason_is_the_word_null_until_the_end() -> None:
    with pytest.raises(ModelError) as caught:
        read(dashscope_result("好"))

    assert caught.value.kind == ErrorClass.BAD_OUTPUT
    assert said(read(dashscope_result("好"), dashscope_result("。", "stop"))) == "好。"


def test_frames_that_say_nothing_are_skipped() -> None:
    frames = [
        {"output": None, "usage": None, "code": ""},
        {"output": {"choices": None}},
        {"output": {"choices": []}},
        {"output": {"choices": [{"message": None, "finish_reason": None}]}},
        {"output": {"choices": [{"message": {"content": None, "reasoning_content": "嗯"}}]}},
    ]

    assert said(read(*frames, dashscope_result("好", "stop"))) == "好"


@pytest.mark.parametrize(
    "data",
    [
        "5",
        "[]",
        "{",
        {"output": 5},
        {"output": {"choices": [{"message": {"content": 5}}]}},
        {"output": {"choices": [{"message": {"content": ["x"]}}]}},
        {"output": {"choices": [{"finish_reason": 5}]}},
    ],
    ids=str,
)
def test_frame_of_another_shape_is_bad_output(data: object) -> None:
    with pytest.raises(ModelError) as caught:
        read(data, dashscope_result("", "stop"))

    assert caught.value.kind == ErrorClass.BAD_OUTPUT


@pytest.mark.parametrize(
    ("head", "data", "expected"),
    [
        (b"", b'{"code": "Throttling", "message": "x"}', ErrorClass.RATE_LIMIT),
        (b"event:error\n", b'{"code": "Arrearage"}', ErrorClass.QUOTA_AUTH),
        (b"event:error\n:HTTP_STATUS/429\n", b'{"message": "x"}', ErrorClass.RATE_LIMIT),
        (b"event:error\n:HTTP_STATUS/504\n", b'{"code": "New"}', ErrorClass.TIMEOUT),
        (b"event: error\n:HTTP_STATUS/400\n", b"no JSON", ErrorClass.BAD_REQUEST),
        (b"event:error\n:HTTP_STATUS/xyz\n", b"{}", ErrorClass.UNAVAILABLE),
    ],
)
def test_error_in_the_stream_has_its_class(head: bytes, data: bytes, expected: ErrorClass) -> None:
    blocks = [frame(dashscope_result("好")), head + b"data:" + data + b"\n\n"]

    with pytest.raises(ModelError) as caught:
        list(exchange.chunks(iter(blocks), dashscope.take))

    assert caught.value.kind == expected


def test_fragments_are_ordered_by_the_numbers_of_their_frames() -> None:
    blocks = [
        numbered(3, ' "11"}'),
        numbered(1, "", id="a", name=TOOL.name),
        numbered(2, '{"order_number":'),
        numbered(2, '{"order_number":'),
        frame(dashscope_result("", "tool_calls")),
    ]

    chunks = list(exchange.chunks(iter(blocks), dashscope.take, tools=(TOOL,)))

    assert chunks[-1].tools == (ToolCall("a", TOOL.name, '{"order_number": "11"}'),)
