"""The Anthropic wire: the request as the API wants it, threads of other vendors, and frames of every shape."""

from typing import Any

import pytest

from prompts.llm import providers
from prompts.llm.catalogue import Capabilities
from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.providers import anthropic, exchange
from prompts.llm.types import Chunk, JsonShape, Line, Request, ToolCall, Usage
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import TOOL, endpoint, request, said, settled
from tests.prompts.llm.serving import anthropic_delta, anthropic_end, frame

CALLS = (
    ToolCall("functions.get:0", TOOL.name, '{"order_number": "1"}'),
    ToolCall("call_2", TOOL.name, "{}"),
)


def sent(provider: ProviderControl, wanted: Request, **capabilities: Any) -> dict[str, Any]:
    """The body that reached the fake."""
    chosen = endpoint(
        provider,
        wire="anthropic",
        max_output_tokens=77,
        capabilities=Capabilities(**capabilities),
    )
    list(providers.stream(chosen, wanted))
    body: dict[str, Any] = settled(provider)[0]["body"]
    return body


def read(*frames: object) -> list[Chunk]:
    """The chunks of a stream of these frames, none of which has an `event:` line."""
    return list(exchange.chunks(map(frame, frames), anthropic.take, tools=(TOOL,)))


def started(**usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": "m", "content": [], "usage": usage}}


def tool_start(index: int, **fields: Any) -> dict[str, Any]:
    block = {"type": "tool_use", "id": "t", "name": TOOL.name, "input": {}, **fields}
    return {"type": "content_block_start", "index": index, "content_block": block}


def tool_delta(index: int, text: str) -> dict[str, Any]:
    delta = {"type": "input_json_delta", "partial_json": text}
    return {"type": "content_block_delta", "index": index, "delta": delta}


def test_request_is_what_the_wire_wants(provider: ProviderControl) -> None:
    lines = (
        Line("system", "人设"),
        Line("system", "知识"),
        Line("user", "在吗"),
        Line("assistant", "在"),
        Line("user", "?"),
    )

    body = sent(provider, request(lines=lines, temperature=0.2))

    assert body == {
        "model": "fake-light",
        "system": "人设\n\n知识",
        "messages": [
            {"role": "user", "content": "在吗"},
            {"role": "assistant", "content": "在"},
            {"role": "user", "content": "?"},
        ],
        "max_tokens": 77,
        "stream": True,
        "metadata": {"user_id": "pseudonym"},
    }


def test_tools_and_their_thread_are_what_the_wire_wants(provider: ProviderControl) -> None:
    lines = (
        Line("user", "到哪了"),
        Line("assistant", "我来查", tools=CALLS),
        Line("tool", "杭州", call_id="functions.get:0"),
        Line("tool", "", call_id="call_2"),
        Line("user", "快点"),
    )

    body = sent(provider, request(lines=lines, user="", tools=(TOOL,)), tools=True)

    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "我来查"},
                {
                    "type": "tool_use",
                    "id": "functions_get_0",
                    "name": TOOL.name,
                    "input": {"order_number": "1"},
                },
                {"type": "tool_use", "id": "call_2", "name": TOOL.name, "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "functions_get_0", "content": "杭州"},
                {"type": "tool_result", "tool_use_id": "call_2", "content": ""},
                {"type": "text", "text": "快点"},
            ],
        },
    ]
    assert body["tools"] == [
        {"name": TOOL.name, "description": "查物流", "input_schema": TOOL.schema}
    ]
    assert body["tool_choice"] == {"type": "auto"}
    assert "metadata" not in body


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        (TOOL.name, {"type": "tool", "name": TOOL.name}),
    ],
)
def test_choice_of_tools_has_its_words(choice: str, expected: dict[str, str]) -> None:
    assert anthropic.as_choice(choice) == expected


def test_thread_begins_with_the_customer_and_has_no_empty_line() -> None:
    greeted = (Line("assistant", "您好"), Line("user", "在吗"), Line("assistant", " "))

    assert anthropic.messages(greeted) == [
        {"role": "user", "content": anthropic.OPENING},
        {"role": "assistant", "content": "您好"},
        {"role": "user", "content": "在吗"},
    ]
    assert anthropic.messages(()) == [{"role": "user", "content": anthropic.OPENING}]


def test_json_is_asked_for_within_the_limits_of_the_api(provider: ProviderControl) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}

    body = sent(provider, request(json=JsonShape("count", schema)), json_schema=True)

    wanted = body["output_config"]["format"]
    assert wanted["type"] == "json_schema"
    assert wanted["schema"]["additionalProperties"] is False
    assert wanted["schema"]["required"] == ["n"]
    assert "minimum" not in wanted["schema"]["properties"]["n"]


def test_all_components_of_usage_are_read() -> None:
    start = {"input_tokens": 3, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 7}
    end = {
        "output_tokens": 9,
        "input_tokens": None,
        "output_tokens_details": {"thinking_tokens": 5},
    }
    finish = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": end}

    usages = [chunk.usage for chunk in read(started(**start), finish) if chunk.usage]

    raw = {**start, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 5}}
    assert usages == [Usage(30, 9, 20, 7, 5, raw=raw)]


def test_usage_before_the_end_is_an_estimate() -> None:
    chunks = read(started(input_tokens=3, output_tokens=1), *anthropic_end())

    counted = [
        (chunk.usage.output_tokens, chunk.usage.estimated) for chunk in chunks if chunk.usage
    ]
    assert counted == [(1, True), (2, False)]


@pytest.mark.parametrize("usage", [5, "many", [], {"input_tokens": "x"}, {}, None], ids=str)
def test_usage_of_another_shape_counts_as_none(usage: object) -> None:
    frames = [
        {"type": "message_start", "message": {"usage": usage}},
        anthropic_delta("好"),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage},
    ]

    found = read(*frames)

    assert said(found) == "好"
    assert [chunk.usage for chunk in found if chunk.usage] == []


def test_frames_that_say_nothing_are_skipped() -> None:
    thinking = {"type": "thinking_delta", "thinking": "嗯"}
    frames = [
        {"type": "ping"},
        {"type": "message_start", "message": None},
        {"type": "content_block_start", "index": 0, "content_block": None},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}},
        {"type": "content_block_delta", "index": 0, "delta": thinking},
        {"type": "content_block_delta", "index": 0, "delta": None},
        {"type": "content_block_stop", "index": 0},
        {"type": "something_new", "text": "x"},
    ]

    assert said(read(*frames, anthropic_delta("好"), *anthropic_end())) == "好"


def test_text_that_a_block_begins_with_is_not_lost() -> None:
    begun = {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": "您"},
    }

    assert said(read(begun, anthropic_delta("好"), *anthropic_end())) == "您好"


@pytest.mark.parametrize(
    "data",
    [
        "5",
        "null",
        "[]",
        "{",
        {},
        {"type": 5},
        {"delta": {"text": "x"}},
        {"type": "content_block_delta", "delta": "x"},
        {"type": "content_block_delta", "delta": {"text": 5}},
        {"type": "content_block_delta", "index": "x", "delta": {"text": "x"}},
    ],
    ids=str,
)
def test_frame_of_another_shape_is_bad_output(data: object) -> None:
    with pytest.raises(ModelError) as caught:
        read(data, *anthropic_end())

    assert caught.value.kind == ErrorClass.BAD_OUTPUT


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded_error", ErrorClass.UNAVAILABLE),
        ("rate_limit_error", ErrorClass.RATE_LIMIT),
        ("invalid_request_error", ErrorClass.BAD_REQUEST),
        ("billing_error", ErrorClass.QUOTA_AUTH),
    ],
)
def test_error_in_the_stream_has_its_class(kind: str, expected: ErrorClass) -> None:
    with pytest.raises(ModelError) as caught:
        read(anthropic_delta("好"), {"type": "error", "error": {"type": kind, "message": "x"}})

    assert caught.value.kind == expected


def test_error_is_known_by_its_event_line_too() -> None:
    blocks = [b'event: error\ndata: {"error": {"type": "rate_limit_error"}}\n\n']

    with pytest.raises(ModelError) as caught:
        list(exchange.chunks(iter(blocks), anthropic.take))

    assert caught.value.kind == ErrorClass.RATE_LIMIT


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("max_tokens", ErrorClass.BAD_OUTPUT),
        ("refusal", ErrorClass.CONTENT),
        ("model_context_window_exceeded", ErrorClass.OVERFLOW),
    ],
)
def test_stop_reason_has_its_class(reason: str, expected: ErrorClass) -> None:
    with pytest.raises(ModelError) as caught:
        read(anthropic_delta("好"), *anthropic_end(reason))

    assert caught.value.kind == expected


def test_stream_without_a_stop_reason_is_not_whole() -> None:
    with pytest.raises(ModelError) as caught:
        read(anthropic_delta("好"), {"type": "message_stop"})

    assert caught.value.kind == ErrorClass.BAD_OUTPUT


def test_calls_are_put_together_beside_text() -> None:
    frames = [
        anthropic_delta("我查"),
        tool_start(1, id="a"),
        tool_delta(1, '{"order_number"'),
        tool_delta(1, ': "1"}'),
        tool_start(2, id="b", input={"order_number": "二"}),
        tool_start(3, id="c"),
    ]

    chunks = read(*frames, *anthropic_end("tool_use"))

    assert (said(chunks), chunks[-1].finish) == ("我查", "tool_calls")
    assert chunks[-1].tools == (
        ToolCall("a", TOOL.name, '{"order_number": "1"}'),
        ToolCall("b", TOOL.name, '{"order_number": "二"}'),
        ToolCall("c", TOOL.name, "{}"),
    )
