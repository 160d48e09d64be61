"""The wire of Anthropic's Messages API: answers and errors into the bytes that Anthropic would send.

Knows nothing of sockets or time. `AnthropicWire` and `TokenCountWire` are `ProviderWire`s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from typing_extensions import override

from tests.fakes.provider_anthropic_ask import ask_of, check_headers, counted_ask_of
from tests.fakes.provider_encoding import encode, json_bytes, utf8
from tests.fakes.provider_errors import ANTHROPIC_ERRORS, error_row, page_of
from tests.fakes.provider_requests import read_body
from tests.fakes.provider_types import (
    MODELS,
    Answer,
    Ask,
    Delivery,
    FaultKind,
    Finish,
    Frames,
    Json,
    Problem,
    Reply,
    UsagePlace,
)

_STOP_REASONS = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.CONTENT_FILTER: "refusal",
}
_TOKENS_BETWEEN_SIGNS_OF_LIFE = 8
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'


class AnthropicWire:
    """POST /v1/messages, streamed (`event:` and `data:` lines up to `message_stop`) and whole."""

    provider = "anthropic"
    request_id_header = b"request-id"
    inspects = False

    def parse(self, raw: bytes, *, headers: Mapping[bytes, bytes]) -> Ask:
        """Raises: BadAskError for a missing key or version, or a body that the API would not take."""
        check_headers(headers)
        return read_body(raw, ask_of)

    def frames(self, ask: Ask, answer: Answer, delivery: Delivery) -> Frames:
        first = delivery.usage is not UsagePlace.FINISH_CHUNK
        message = _message(ask, delivery) | {"content": [], **_ending(None)}
        if delivery.usage is not UsagePlace.NOWHERE:
            message["usage"] = _usage(delivery.prompt_tokens if first else 0, int(first))
        head = _event("message_start", message=message)
        if _has_block(answer):
            head += _event("content_block_start", index=0, content_block=_opening(answer, delivery))
        return Frames(head + _PING, _deltas(answer, delivery), _tail(answer, delivery))

    def whole(self, ask: Ask, answer: Answer, delivery: Delivery) -> bytes:
        body = _message(ask, delivery) | {"content": _content(answer, delivery), **_ending(answer)}
        if delivery.usage is not UsagePlace.NOWHERE:
            body["usage"] = _usage(delivery.prompt_tokens, _output_tokens(answer))
        return json_bytes(body)

    def error(self, problem: Problem, *, request_id: str) -> Reply:
        if page := page_of(problem.kind):
            return page
        row = error_row(ANTHROPIC_ERRORS, problem)
        error: dict[str, Json] = {"type": row.type, "message": row.message}
        if row.code:
            error["details"] = {"error_code": row.code}
        body = {"type": "error", "error": error, "request_id": request_id}
        return Reply(row.status, json_bytes(body))

    def error_frame(self, kind: FaultKind, *, after: int, request_id: str) -> bytes:
        return (
            b"event: error\ndata: "
            + self.error(Problem(kind), request_id=request_id).body
            + b"\n\n"
        )

    def malformed_frame(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\n'


class TokenCountWire(AnthropicWire):
    """POST /v1/messages/count_tokens: what a request would cost, and nothing said."""

    @override
    def parse(self, raw: bytes, *, headers: Mapping[bytes, bytes]) -> Ask:
        check_headers(headers)
        return read_body(raw, counted_ask_of)

    @override
    def whole(self, ask: Ask, answer: Answer, delivery: Delivery) -> bytes:
        return json_bytes({"input_tokens": delivery.prompt_tokens})


def models_body() -> dict[str, Json]:
    """The answer of GET /v1/models to a client of Anthropic; any other model name is served too."""
    rows = [
        {
            "type": "model",
            "id": name,
            "display_name": name.replace("-", " ").title(),
            "created_at": "2025-01-01T00:00:00Z",
            "lifecycle": "active",
        }
        for name in MODELS
    ]
    return {"data": rows, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}


def _message(ask: Ask, delivery: Delivery) -> dict[str, Json]:
    return {
        "model": ask.model,
        "id": f"msg_{delivery.serial}",
        "type": "message",
        "role": "assistant",
    }


def _ending(answer: Answer | None) -> dict[str, Json]:
    """Why a message ends; None for one that has only begun."""
    if answer is None:
        return {"stop_reason": None, "stop_sequence": None, "stop_details": None}
    refused = answer.refusal or answer.finish is Finish.CONTENT_FILTER
    details = {
        "type": "refusal",
        "category": None,
        "explanation": "".join(answer.pieces) if answer.refusal else None,
    }
    return {
        "stop_reason": "refusal" if refused else _STOP_REASONS[answer.finish],
        "stop_sequence": None,
        "stop_details": details if refused else None,
    }


def _usage(input_tokens: int, output_tokens: int) -> dict[str, Json]:
    return {
        "input_tokens": input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }


def _output_tokens(answer: Answer) -> int:
    """An answer is billed one token even when it is empty."""
    return max(len(answer.pieces), 1)


def _has_block(answer: Answer) -> bool:
    """A refusal has nothing to say in its content, and an empty answer has no block."""
    return answer.tool is not None or bool(answer.pieces and not answer.refusal)


def _opening(answer: Answer, delivery: Delivery) -> dict[str, Json]:
    if answer.tool is None:
        return {"type": "text", "text": ""}
    return {"type": "tool_use", "id": f"toolu_{delivery.serial}", "name": answer.tool, "input": {}}


def _content(answer: Answer, delivery: Delivery) -> list[Json]:
    if not _has_block(answer):
        return []
    said = "".join(answer.pieces)
    filled = {"text": said} if answer.tool is None else {"input": _input(said)}
    return [_opening(answer, delivery) | filled]


def _input(arguments: str) -> Json:
    """Arguments of a tool are an object on this wire; what is no JSON arrives as an object of the wrong shape."""
    try:
        return json.loads(arguments)
    except ValueError:
        return {"unexpected": arguments}


def _deltas(answer: Answer, delivery: Delivery) -> tuple[bytes, ...]:
    if answer.refusal:
        return ()
    kind, key = (
        ("text_delta", "text") if answer.tool is None else ("input_json_delta", "partial_json")
    )
    opening = (
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
        f'{{"type":"{kind}","{key}":'
    )
    frames = [utf8(f"{opening}{encode(piece)}}}}}\n\n") for piece in answer.pieces]
    for at in range(_TOKENS_BETWEEN_SIGNS_OF_LIFE, len(frames), _TOKENS_BETWEEN_SIGNS_OF_LIFE):
        frames[at] += _PING + _counted(None, at + 1, delivery)
    return tuple(frames)


def _tail(answer: Answer, delivery: Delivery) -> bytes:
    stop = _event("content_block_stop", index=0) if _has_block(answer) else b""
    counted = _counted(answer, _output_tokens(answer), delivery)
    return stop + counted + _event("message_stop")


def _counted(answer: Answer | None, output_tokens: int, delivery: Delivery) -> bytes:
    """A `message_delta`: how many tokens so far and, once `answer` is out, why it ends."""
    usage: dict[str, Json] = {"output_tokens": output_tokens}
    if delivery.usage is UsagePlace.FINISH_CHUNK:
        usage = _usage(delivery.prompt_tokens, output_tokens)
    fields: dict[str, Json] = {"delta": _ending(answer), "usage": usage}
    if delivery.usage is UsagePlace.NOWHERE:
        del fields["usage"]
    return _event("message_delta", **fields)


def _event(name: str, **fields: Json) -> bytes:
    return utf8(f"event: {name}\ndata: {encode({'type': name, **fields})}\n\n")
