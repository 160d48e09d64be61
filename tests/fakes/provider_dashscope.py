"""DashScope's own wire for text generation: requests into `Ask`, answers and errors into its bytes.

Knows nothing of sockets or time. `DashScopeWire` is a `ProviderWire`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tests.fakes.provider_encoding import encode, json_bytes, utf8
from tests.fakes.provider_errors import DASHSCOPE_ERRORS, error_row, page_of
from tests.fakes.provider_openai_ask import (
    read_messages,
    read_schema,
    read_tool_choice,
    read_tools,
    system_of,
    turns_of,
)
from tests.fakes.provider_requests import check_bearer, read_body, read_limit, read_model, refusal
from tests.fakes.provider_types import (
    Answer,
    Ask,
    Delivery,
    FaultKind,
    Frames,
    Json,
    Problem,
    Reply,
    UsagePlace,
)

_NOT_YET = "null"  # the word, not JSON's null


class DashScopeWire:
    """POST /api/v1/services/aigc/text-generation/generation; streamed when X-DashScope-SSE says "enable"."""

    provider = "dashscope"
    request_id_header = b"x-request-id"
    inspects = True

    def parse(self, raw: bytes, *, headers: Mapping[bytes, bytes]) -> Ask:
        """Raises: BadAskError for a missing key or a body that DashScope would not take."""
        check_bearer(headers)
        stream = headers.get(b"x-dashscope-sse", b"").lower() == b"enable"
        return read_body(raw, partial(_ask_of, stream=stream))

    def frames(self, ask: Ask, answer: Answer, delivery: Delivery) -> Frames:
        deltas = _tool_deltas(ask, answer, delivery) if answer.tool else _text_deltas(ask, answer)
        first = 0 if answer.tool else 1  # the frame that names a call is no token
        frames = [
            _result(at + 1, message, _NOT_YET, delivery, tokens=at + first)
            for at, message in enumerate(deltas)
        ]
        return Frames(b"", tuple(frames), _tail(ask, answer, delivery, number=len(frames) + 1))

    def whole(self, ask: Ask, answer: Answer, delivery: Delivery) -> bytes:
        said = "".join(answer.pieces)
        message = _message(said)
        if answer.tool:
            message = _message("", _call(answer.tool, said, call_id=_call_id(delivery)))
        body = _body(message, answer.finish.value, delivery, tokens=len(answer.pieces), last=True)
        return json_bytes(body)

    def error(self, problem: Problem, *, request_id: str) -> Reply:
        if page := page_of(problem.kind):
            return page
        row = error_row(DASHSCOPE_ERRORS, problem)
        body = {"code": row.code, "message": row.message, "request_id": request_id}
        return Reply(row.status, json_bytes(body))

    def error_frame(self, kind: FaultKind, *, after: int, request_id: str) -> bytes:
        reply = self.error(Problem(kind), request_id=request_id)
        return _frame(after + 1, "error", reply.status, reply.body)

    def malformed_frame(self) -> bytes:
        return _frame(0, "result", 200, b'{"output":{"choices":[{"message":{"content":"')


def _ask_of(body: Mapping[str, Json], *, stream: bool) -> Ask:
    model, fault = read_model(body.get("model"))
    given, parameters = body.get("input") or {}, body.get("parameters") or {}
    _check_ranges(parameters, stream=stream)
    messages = read_messages(_messages_in(given))
    tools = read_tools(parameters.get("tools") or ())
    return Ask(
        model=model,
        fault=fault,
        system=system_of(messages),
        turns=turns_of(messages),
        stream=stream,
        include_usage=True,
        max_tokens=read_limit(parameters.get("max_tokens"), name="max_tokens"),
        tools=tools,
        tool_choice=read_tool_choice(parameters.get("tool_choice") or "auto", tools),
        schema=read_schema(parameters.get("response_format") or {}, messages),
        cumulative=parameters.get("incremental_output") is not True,
    )


def _messages_in(given: Mapping[str, Json]) -> Json:
    if given.get("messages") is None and given.get("prompt") is not None:
        return [{"role": "user", "content": given["prompt"]}]
    if not given.get("messages"):
        raise refusal('Either "prompt" or "messages" must exist and cannot both be none')
    return given["messages"]


def _check_ranges(parameters: Mapping[str, Json], *, stream: bool) -> None:
    if not 0 <= parameters.get("temperature", 1) < 2:
        raise refusal("Temperature should be in [0.0, 2.0)")
    if not 0 < parameters.get("top_p", 1) <= 1:
        raise refusal("Range of top_p should be (0.0, 1.0]")
    thinks = parameters.get("enable_thinking") is True
    if thinks and not stream:
        raise refusal("parameter.enable_thinking must be set to false for non-streaming calls")
    if thinks and parameters.get("response_format"):
        raise refusal("Json mode response is not supported when enable_thinking is true")
    if parameters.get("result_format", "message") != "message":
        raise refusal("This stand-in only knows the result_format 'message'.")


def _text_deltas(ask: Ask, answer: Answer) -> list[dict[str, Json]]:
    return [_message(text) for text in _told(ask, answer)]


def _tool_deltas(ask: Ask, answer: Answer, delivery: Delivery) -> list[dict[str, Json]]:
    """The first frame names the call, the others carry its arguments under an empty id and an empty name."""
    name, call_id = answer.tool or "", _call_id(delivery)
    later = (name, call_id) if ask.cumulative else ("", "")
    calls = [_call(name, "", call_id=call_id)]
    calls += [_call(later[0], text, call_id=later[1]) for text in _told(ask, answer)]
    return [_message("", call) for call in calls]


def _told(ask: Ask, answer: Answer) -> list[str]:
    """What each frame says: its own piece, or everything up to it."""
    if not ask.cumulative:
        return list(answer.pieces)
    told, texts = "", []
    for piece in answer.pieces:
        told += piece
        texts.append(told)
    return texts


def _tail(ask: Ask, answer: Answer, delivery: Delivery, *, number: int) -> bytes:
    told = "".join(answer.pieces) if ask.cumulative else ""
    message = _message("" if answer.tool else told)
    if answer.tool and ask.cumulative:
        message = _message("", _call(answer.tool, told, call_id=_call_id(delivery)))
    tokens = len(answer.pieces)
    return _result(number, message, answer.finish.value, delivery, tokens=tokens, last=True)


def _message(content: str, *calls: Json) -> dict[str, Json]:
    message: dict[str, Json] = {"content": content, "role": "assistant"}
    return {**message, "tool_calls": list(calls)} if calls else message


def _call(name: str, arguments: str, *, call_id: str) -> dict[str, Json]:
    function = {"name": name, "arguments": arguments}
    return {"index": 0, "id": call_id, "type": "function", "function": function}


def _call_id(delivery: Delivery) -> str:
    return f"call_{delivery.serial}"


def _result(
    number: int,
    message: Json,
    finish: str,
    delivery: Delivery,
    *,
    tokens: int,
    last: bool = False,
) -> bytes:
    data = encode(_body(message, finish, delivery, tokens=tokens, last=last))
    return _frame(number, "result", 200, utf8(data))


def _body(
    message: Json, finish: str, delivery: Delivery, *, tokens: int, last: bool
) -> dict[str, Json]:
    choice = {"message": message, "index": 0, "finish_reason": finish}
    body: dict[str, Json] = {"output": {"choices": [choice]}}
    if delivery.usage is UsagePlace.USUAL or (last and delivery.usage is UsagePlace.FINISH_CHUNK):
        body["usage"] = {
            "input_tokens": delivery.prompt_tokens,
            "output_tokens": tokens,
            "total_tokens": delivery.prompt_tokens + tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
        }
    return {**body, "request_id": delivery.request_id}


def _frame(number: int, event: str, status: int, data: bytes) -> bytes:
    return b"id:%d\nevent:%b\n:HTTP_STATUS/%d\ndata:%b\n\n" % (number, event.encode(), status, data)
