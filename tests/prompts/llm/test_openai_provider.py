"""The OpenAI wire: the request as servers want it, and frames of every shape, those that no fake sends included."""

from typing import Any

import pytest

from prompts.llm import providers
from prompts.llm.catalogue import Capabilities
from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.providers import exchange, openai
from prompts.llm.types import Chunk, JsonShape, Line, Request, ToolCall, Usage
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import TOOL, endpoint, request, said, settled
from tests.prompts.llm.serving import frame, openai_delta

CALL = ToolCall("call_1", TOOL.name, '{"order_number": "7"}')
AS_FUNCTION = {"name": TOOL.name, "description": "查物流", "parameters": TOOL.schema}


def sent(provider: ProviderControl, wanted: Request, **capabilities: Any) -> dict[str, Any]:
    """The body that reached the fake."""
    chosen = endpoint(provider, max_output_tokens=77, capabilities=Capabilities(**capabilities))
    list(providers.stream(chosen, wanted))
    body: dict[str, Any] = settled(provider)[0]["body"]
    return body


def read(*frames: object) -> list[Chunk]:
    """The chunks of a stream of these frames."""
    return list(exchange.chunks(map(frame, frames), openai.take, tools=(TOOL,)))


def fragment(index: int | None = 0, **fields: Any) -> dict[str, Any]:
    function = {key: fields.pop(key) for key in ("name", "arguments") if key in fields}
    call = {"index": index, "function": function, **fields}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}


def test_request_is_what_the_wire_wants(provider: ProviderControl) -> None:
    lines = (
        Line("system", "人设"),
        Line("user", "在吗"),
        Line("assistant", "在"),
        Line("user", "?"),
    )

    body = sent(provider, request(lines=lines, temperature=0.2), safety_identifier=True)

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
        "temperature": 0.2,
    }


def test_older_servers_get_the_parameters_they_know(provider: ProviderControl) -> None:
    body = sent(provider, request(temperature=0.2), max_tokens=True, usage=False, sampling=False)

    assert (set(body), body["max_tokens"]) == ({"model", "messages", "stream", "max_tokens"}, 77)


def test_model_that_reasons_is_told_how_much(provider: ProviderControl) -> None:
    body = sent(provider, request(), reasoning_effort="minimal", thinking=False)

    assert (body["reasoning_effort"], body["enable_thinking"]) == ("minimal", False)


def test_shorter_limit_of_the_request_wins(provider: ProviderControl) -> None:
    assert sent(provider, request(max_output_tokens=60))["max_completion_tokens"] == 60


def test_tools_and_their_thread_are_what_the_wire_wants(provider: ProviderControl) -> None:
    lines = (
        Line("user", "到哪了"),
        Line("assistant", "", tools=(CALL,)),
        Line("tool", "杭州", call_id="call_1"),
    )

    body = sent(provider, request(lines=lines, tools=(TOOL,), tool_choice=TOOL.name), tools=True)

    function = {"name": CALL.name, "arguments": CALL.arguments}
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "杭州"},
    ]
    assert body["tools"] == [{"type": "function", "function": AS_FUNCTION}]
    assert body["tool_choice"] == {"type": "function", "function": {"name": TOOL.name}}


def test_json_is_asked_for_strictly(provider: ProviderControl) -> None:
    shape = JsonShape("mood", {"type": "object", "properties": {"mood": {"type": "string"}}})

    body = sent(provider, request(json=shape), json_schema=True)

    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"] == {
        "name": "mood",
        "strict": True,
        "schema": {**shape.schema, "additionalProperties": False, "required": ["mood"]},
    }


def test_all_components_of_usage_are_read() -> None:
    raw = {
        "prompt_tokens": 30,
        "completion_tokens": 9,
        "total_tokens": 39,
        "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }

    assert openai.usage_of(raw) == Usage(30, 9, 20, 4, 5, raw=raw)


def test_usage_of_other_servers_is_read() -> None:
    deepseek = {"prompt_tokens": 3, "completion_tokens": 4, "prompt_cache_hit_tokens": 2}
    alibaba = {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 1, "cache_creation_input_tokens": 2},
    }

    assert openai.usage_of(deepseek) == Usage(3, 4, 2, raw=deepseek)
    assert openai.usage_of(alibaba) == Usage(3, 4, 1, 2, raw=alibaba)


@pytest.mark.parametrize(
    "usage",
    [
        5,
        "many",
        [],
        [1],
        {"prompt_tokens": "many"},
        {"x": 1},
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": True, "completion_tokens": 1},
        {"prompt_tokens": 10**30, "completion_tokens": 1},
    ],
    ids=str,
)
def test_usage_of_another_shape_counts_as_none(usage: object) -> None:
    found = read(openai_delta("好", "stop", usage=usage))

    assert said(found) == "好"
    assert [chunk.usage for chunk in found] == [None, None]


def test_details_of_another_shape_count_as_nothing() -> None:
    raw = {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": [3]}

    assert openai.usage_of(raw) == Usage(1, 2, raw=raw)


def test_finish_without_a_terminal_marker_is_a_whole_answer() -> None:
    assert said(read(openai_delta("好", "stop"))) == "好"


def test_terminal_marker_without_a_finish_is_not() -> None:
    with pytest.raises(ModelError) as caught:
        read(openai_delta("好"), "[DONE]")

    assert caught.value.kind == ErrorClass.BAD_OUTPUT


def test_nothing_is_read_after_the_terminal_marker() -> None:
    assert said(read(openai_delta("好", "stop"), "[DONE]", openai_delta("坏", "length"))) == "好"


def test_null_fields_are_nothing() -> None:
    empty: list[object] = [
        {"choices": None},
        {"choices": []},
        {"choices": [{"index": 0, "delta": None, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {"content": None}}], "usage": None},
        {"choices": [{"index": 0, "delta": {"tool_calls": None}}], "error": None, "code": None},
    ]

    found = read(*empty, openai_delta("好", "stop", error=None))

    assert said(found) == "好"
    assert all(chunk.usage is None for chunk in found)


@pytest.mark.parametrize(
    "data",
    [
        "5",
        "null",
        "[]",
        '"text"',
        "{",
        '{"choices": [{"delta": {"content": "\\ud83d"}}]}',
        {"choices": 5},
        {"choices": [5]},
        {"choices": [{"delta": "x"}]},
        {"choices": [{"delta": {"content": ["x"]}}]},
        {"choices": [{"delta": {"content": 5}}]},
        {"choices": [{"delta": {"tool_calls": [5]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": "x"}]}}]},
    ],
    ids=str,
)
def test_frame_of_another_shape_is_bad_output(data: object) -> None:
    with pytest.raises(ModelError) as caught:
        read(data, openai_delta("", "stop"))

    assert caught.value.kind == ErrorClass.BAD_OUTPUT


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"error": {"code": "insufficient_quota", "message": "no"}}, ErrorClass.QUOTA_AUTH),
        ({"error": {"code": "rate_limit_exceeded", "message": "no"}}, ErrorClass.RATE_LIMIT),
        ({"error": {"type": "server_error"}}, ErrorClass.UNAVAILABLE),
        ({"error": "触发限流"}, ErrorClass.RATE_LIMIT),
        ({"object": "error", "message": "no", "code": 400}, ErrorClass.BAD_REQUEST),
    ],
    ids=str,
)
def test_error_in_the_stream_has_its_class(error: object, expected: ErrorClass) -> None:
    with pytest.raises(ModelError) as caught:
        read(openai_delta("好"), error)

    assert caught.value.kind == expected


def test_error_that_is_no_event_is_seen() -> None:
    blocks = [frame(openai_delta("好")), b'{"error": {"code": "1302"}}\n']

    with pytest.raises(ModelError) as caught:
        list(exchange.chunks(iter(blocks), openai.take))

    assert caught.value.kind == ErrorClass.RATE_LIMIT


def test_two_calls_are_put_together() -> None:
    frames = [
        fragment(0, id="a", name=TOOL.name, arguments=""),
        fragment(1, id="b", name=TOOL.name, arguments='{"order_number"'),
        fragment(0, arguments='{"order_number": "1"}'),
        fragment(1, arguments=': "2"}'),
        openai_delta(None, "tool_calls"),
    ]

    last = read(*frames)[-1]

    assert last.finish == "tool_calls"
    assert last.tools == (
        ToolCall("a", TOOL.name, '{"order_number": "1"}'),
        ToolCall("b", TOOL.name, '{"order_number": "2"}'),
    )


def test_fragments_may_lack_what_they_need_not_have() -> None:
    frames = [
        fragment(None, id="a", name=TOOL.name, arguments=None),
        fragment(None, id=None, name=None, arguments="{}"),
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": None}]}}]},
        openai_delta(None, "stop"),
    ]

    assert read(*frames)[-1].tools == (ToolCall("a", TOOL.name, "{}"),)
