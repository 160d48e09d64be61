"""The Chat Completions wire: requests into `Ask`, answers and errors into the bytes that OpenAI would send.

Knows nothing of sockets or time. `OpenAIWire` is a `ProviderWire`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.fakes.provider_faults import split_model
from tests.fakes.provider_types import (
    Answer,
    Ask,
    BadAskError,
    Delivery,
    FaultKind,
    Frames,
    Json,
    Reply,
    Tool,
    UsagePlace,
)

MODELS = ("fake-light", "fake-standard", "fake-strong")

_ERRORS: dict[FaultKind, tuple[int, str, str | None, str]] = {
    # kind: status, type, code, message
    FaultKind.RATE_LIMIT: (
        429,
        "requests",
        "rate_limit_exceeded",
        "Rate limit reached for {model}.",
    ),
    FaultKind.INSUFFICIENT_QUOTA: (
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    FaultKind.BAD_REQUEST: (
        400,
        "invalid_request_error",
        None,
        "Invalid request: a parameter is not supported.",
    ),
    FaultKind.CONTEXT_OVERFLOW: (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 8192 tokens. Please reduce the length of the messages.",
    ),
    FaultKind.UNAUTHORIZED: (
        401,
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key provided.",
    ),
    FaultKind.FORBIDDEN: (
        403,
        "invalid_request_error",
        "unsupported_country",
        "Access to {model} is forbidden.",
    ),
    FaultKind.UNKNOWN_MODEL: (
        404,
        "invalid_request_error",
        "model_not_found",
        "The model `{model}` does not exist.",
    ),
    FaultKind.REQUEST_TIMEOUT: (408, "timeout", None, "The request timed out."),
    FaultKind.SERVER_ERROR: (
        500,
        "server_error",
        None,
        "The server had an error while processing your request.",
    ),
    FaultKind.UNAVAILABLE: (
        503,
        "server_error",
        None,
        "The engine is currently overloaded, please try again later.",
    ),
    FaultKind.GATEWAY_TIMEOUT: (504, "server_error", None, "The upstream server timed out."),
    FaultKind.OVERLOADED: (529, "overloaded_error", "overloaded", "Overloaded."),
    FaultKind.ERROR_WITH_200: (200, "server_error", None, "Something went wrong on our side."),
}
_SAME_BODY = {
    FaultKind.RATE_LIMIT_SECONDS: FaultKind.RATE_LIMIT,
    FaultKind.RATE_LIMIT_MILLISECONDS: FaultKind.RATE_LIMIT,
    FaultKind.RATE_LIMIT_DATE: FaultKind.RATE_LIMIT,
}
_HTML = b"<html><head><title>%s</title></head><body><center><h1>%s</h1></center></body></html>\n"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class OpenAIWire:
    """POST /v1/chat/completions, streamed (`data: {...}` frames up to `data: [DONE]`) and whole."""

    def parse(self, raw: bytes, *, headers: Mapping[bytes, bytes]) -> Ask:
        """Raises: BadAskError with the status and body that OpenAI answers for a missing key or a bad body."""
        if not headers.get(b"authorization", b"").strip():
            raise BadAskError(
                _error(401, "invalid_request_error", None, "You didn't provide an API key.")
            )
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise _refusal("We could not parse the JSON body of your request.") from error
        if not isinstance(body, dict):
            raise _refusal("The body of the request must be a JSON object.")
        try:
            return _ask(body)
        except (AttributeError, KeyError, TypeError) as error:
            raise _refusal("A field of the request has the wrong type.") from error

    def frames(self, ask: Ask, answer: Answer, delivery: Delivery) -> Frames:
        opening, closing = _chunk_frame(ask, delivery)
        first = {"role": "assistant", "content": None if answer.tool else "", "refusal": None}
        deltas = _tool_deltas(answer, delivery) if answer.tool else _text_deltas(answer)
        frames = tuple(_utf8(f"{opening}{delta}{closing}") for delta in deltas)
        return Frames(
            _utf8(opening + _encode(first) + closing), frames, _tail(ask, answer, delivery)
        )

    def whole(self, ask: Ask, answer: Answer, delivery: Delivery) -> bytes:
        body = _envelope(ask, delivery, "chat.completion")
        body["choices"] = [
            {
                "index": 0,
                "message": _message(answer, delivery),
                "logprobs": None,
                "finish_reason": answer.finish.value,
            }
        ]
        if delivery.usage is not UsagePlace.NOWHERE:
            body["usage"] = _usage(answer, delivery)
        return _utf8(_encode(body))

    def error(self, kind: FaultKind, *, model: str) -> Reply:
        if kind is FaultKind.BAD_GATEWAY_HTML:
            return Reply(502, _HTML % (b"502 Bad Gateway", b"502 Bad Gateway"), "text/html")
        if kind is FaultKind.WRONG_CONTENT_TYPE:
            return Reply(
                200, _HTML % (b"Sign in", b"Sign in to this network"), "text/html; charset=utf-8"
            )
        status, type_, code, message = _ERRORS[_SAME_BODY.get(kind, kind)]
        return _error(status, type_, code, message.format(model=model))

    def error_frame(self) -> bytes:
        status, type_, code, message = _ERRORS[FaultKind.SERVER_ERROR]
        return b"data: " + _error(status, type_, code, message).body + b"\n\n"

    def malformed_frame(self) -> bytes:
        return b'data: {"id":"chatcmpl-fake","object":"chat.completion.chunk","choices":[{"index":0,"del\n\n'


def models_body() -> dict[str, Json]:
    """The answer of GET /v1/models; any other model name is served too."""
    rows = [
        {"id": name, "object": "model", "created": 1735689600, "owned_by": "fake"}
        for name in MODELS
    ]
    return {"object": "list", "data": rows}


def _ask(body: Mapping[str, Json]) -> Ask:
    model, fault = _model(body.get("model"))
    messages = _messages(body.get("messages"))
    options = body.get("stream_options") or {}
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise _refusal(
            "max_completion_tokens must be a positive integer.", param="max_completion_tokens"
        )
    return Ask(
        model=model,
        fault=fault,
        system="\n".join(text for role, text in messages if role in {"system", "developer"}),
        turns=tuple((role, text) for role, text in messages if role not in {"system", "developer"}),
        stream=body.get("stream") is True,
        include_usage=bool(options.get("include_usage")),
        max_tokens=limit,
        tools=_tools(body.get("tools") or ()),
        tool_choice=_tool_choice(body.get("tool_choice") or "auto"),
        schema=_wanted_schema(body.get("response_format") or {}),
    )


def _model(value: Json) -> tuple[str, Json]:
    if not isinstance(value, str) or not value:
        raise _refusal("you must provide a model parameter", param="model")
    try:
        return split_model(value)
    except ValueError as error:
        raise _refusal(str(error), param="model") from error


def _messages(value: Json) -> list[tuple[str, str]]:
    if not isinstance(value, list) or not value:
        raise _refusal("'messages' must be a non-empty array.", param="messages")
    if not all(isinstance(each, dict) and isinstance(each.get("role"), str) for each in value):
        raise _refusal("Each message must be an object with a 'role'.", param="messages")
    return [(each["role"], _text(each.get("content"))) for each in value]


def _text(content: Json) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _tools(rows: Json) -> tuple[Tool, ...]:
    functions = [row.get("function") or {} for row in rows]
    if not all(function.get("name") for function in functions):
        raise _refusal("Each tool must have a function with a name.", param="tools")
    return tuple(
        Tool(
            each["name"],
            each.get("description") or "",
            each.get("parameters") or {"type": "object"},
        )
        for each in functions
    )


def _tool_choice(choice: Json) -> str:
    return str(choice["function"]["name"]) if isinstance(choice, dict) else str(choice)


def _wanted_schema(wanted: Mapping[str, Json]) -> Mapping[str, Json] | None:
    match wanted.get("type"):
        case "json_schema":
            schema: Mapping[str, Json] = wanted.get("json_schema", {}).get("schema") or {}
            return schema
        case "json_object":
            return {}
        case _:
            return None


def _envelope(ask: Ask, delivery: Delivery, kind: str) -> dict[str, Json]:
    return {
        "id": delivery.reply_id,
        "object": kind,
        "created": delivery.created_seconds,
        "model": ask.model,
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
    }


def _chunk_frame(ask: Ask, delivery: Delivery) -> tuple[str, str]:
    """What stands before and after the delta of a chunk; the same for all chunks, so it is encoded once."""
    envelope = _encode(_envelope(ask, delivery, "chat.completion.chunk"))
    opening = f'data: {envelope[:-1]},"choices":[{{"index":0,"delta":'
    usage = ',"usage":null' if _has_usage_chunk(ask, delivery) else ""
    return opening, f',"logprobs":null,"finish_reason":null}}]{usage}}}\n\n'


def _has_usage_chunk(ask: Ask, delivery: Delivery) -> bool:
    return ask.include_usage and delivery.usage is UsagePlace.OWN_CHUNK


def _text_deltas(answer: Answer) -> list[str]:
    key = "refusal" if answer.refusal else "content"
    return [f'{{"{key}":{_encode(piece)}}}' for piece in answer.pieces]


def _tool_deltas(answer: Answer, delivery: Delivery) -> list[str]:
    """The first delta names the call, the others carry fragments of its arguments under the same index."""
    named = {"index": 0, **_tool_call(answer, delivery, arguments="")}
    fragments = [{"index": 0, "function": {"arguments": piece}} for piece in answer.pieces]
    return [_encode({"tool_calls": [call]}) for call in (named, *fragments)]


def _tool_call(answer: Answer, delivery: Delivery, *, arguments: str) -> dict[str, Json]:
    call_id = delivery.reply_id.replace("chatcmpl-", "call_")
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": answer.tool, "arguments": arguments},
    }


def _tail(ask: Ask, answer: Answer, delivery: Delivery) -> bytes:
    finish = _envelope(ask, delivery, "chat.completion.chunk")
    finish["choices"] = [
        {"index": 0, "delta": {}, "logprobs": None, "finish_reason": answer.finish.value}
    ]
    chunks = [finish]
    if _has_usage_chunk(ask, delivery):
        finish["usage"] = None
        own = _envelope(ask, delivery, "chat.completion.chunk")
        chunks.append({**own, "choices": [], "usage": _usage(answer, delivery)})
    if delivery.usage is UsagePlace.FINISH_CHUNK:
        finish["usage"] = _usage(answer, delivery)
    return _utf8("".join(f"data: {_encode(chunk)}\n\n" for chunk in chunks)) + b"data: [DONE]\n\n"


def _message(answer: Answer, delivery: Delivery) -> dict[str, Json]:
    said = "".join(answer.pieces)
    message: dict[str, Json] = {
        "role": "assistant",
        "content": said,
        "refusal": None,
        "annotations": [],
    }
    if answer.refusal:
        message |= {"content": None, "refusal": said}
    if answer.tool:
        message |= {"content": None, "tool_calls": [_tool_call(answer, delivery, arguments=said)]}
    return message


def _usage(answer: Answer, delivery: Delivery) -> dict[str, Json]:
    completion = max(len(answer.pieces), 1 if answer.tool else 0)
    return {
        "prompt_tokens": delivery.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": delivery.prompt_tokens + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _refusal(message: str, *, param: str | None = None) -> BadAskError:
    return BadAskError(_error(400, "invalid_request_error", None, message, param=param))


def _error(
    status: int, type_: str, code: str | None, message: str, *, param: str | None = None
) -> Reply:
    body = {"error": {"message": message, "type": type_, "param": param, "code": code}}
    return Reply(status, _utf8(_encode(body)))


def _utf8(text: str) -> bytes:
    # A lone surrogate in a question may come back in an answer; the wire can only carry its replacement.
    return text.encode("utf-8", "replace")
