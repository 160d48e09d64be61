"""The Chat Completions wire: answers and errors into the bytes that OpenAI, or DashScope in its dress, would send.

Knows nothing of sockets or time. `OpenAIWire` and `CompatibleWire` are `ProviderWire`s.
"""

from __future__ import annotations

from collections.abc import Mapping

from typing_extensions import override

from tests.fakes.provider_encoding import encode, json_bytes, utf8
from tests.fakes.provider_errors import (
    COMPATIBLE_ERRORS,
    OPENAI_ERRORS,
    ErrorRow,
    error_row,
    page_of,
)
from tests.fakes.provider_openai_ask import ask_of
from tests.fakes.provider_requests import check_bearer, read_body
from tests.fakes.provider_types import (
    MODELS,
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


class OpenAIWire:
    """POST /v1/chat/completions, streamed (`data: {...}` frames up to `data: [DONE]`) and whole."""

    provider = "openai"
    request_id_header = b"x-request-id"
    inspects = False
    errors: Mapping[FaultKind, ErrorRow] = OPENAI_ERRORS

    def parse(self, raw: bytes, *, headers: Mapping[bytes, bytes]) -> Ask:
        """Raises: BadAskError for a missing key or a body that OpenAI would not take."""
        check_bearer(headers)
        return read_body(raw, ask_of)

    def frames(self, ask: Ask, answer: Answer, delivery: Delivery) -> Frames:
        opening, closing = _chunk_frame(ask, delivery)
        first = {"role": "assistant", "content": None if answer.tool else "", "refusal": None}
        deltas = _tool_deltas(answer, delivery) if answer.tool else _text_deltas(answer)
        frames = tuple(utf8(f"{opening}{delta}{closing}") for delta in deltas)
        return Frames(utf8(opening + encode(first) + closing), frames, _tail(ask, answer, delivery))

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
        return json_bytes(body)

    def error(self, problem: Problem, *, request_id: str) -> Reply:
        if page := page_of(problem.kind):
            return page
        row = error_row(self.errors, problem)
        return Reply(row.status, json_bytes(self._error_body(row, problem, request_id)))

    def error_frame(self, kind: FaultKind, *, after: int, request_id: str) -> bytes:
        return b"data: " + self.error(Problem(kind), request_id=request_id).body + b"\n\n"

    def malformed_frame(self) -> bytes:
        return b'data: {"id":"chatcmpl-fake","object":"chat.completion.chunk","choices":[{"index":0,"del\n\n'

    def _error_body(self, row: ErrorRow, problem: Problem, request_id: str) -> dict[str, Json]:
        error = {"message": row.message, "type": row.type, "param": problem.param, "code": row.code}
        if not row.type:
            error = {"code": row.code, "message": row.message}
        return {"error": error}


class CompatibleWire(OpenAIWire):
    """POST /compatible-mode/v1/chat/completions: the wire of OpenAI, the errors of DashScope."""

    provider = "dashscope"
    inspects = True
    errors = COMPATIBLE_ERRORS

    @override
    def _error_body(self, row: ErrorRow, problem: Problem, request_id: str) -> dict[str, Json]:
        return {**super()._error_body(row, problem, request_id), "request_id": request_id}


def models_body() -> dict[str, Json]:
    """The answer of GET /v1/models; any other model name is served too."""
    rows = [
        {"id": name, "object": "model", "created": 1735689600, "owned_by": "fake"}
        for name in MODELS
    ]
    return {"object": "list", "data": rows}


def _envelope(ask: Ask, delivery: Delivery, kind: str) -> dict[str, Json]:
    return {
        "id": f"chatcmpl-{delivery.serial}",
        "object": kind,
        "created": delivery.created_seconds,
        "model": ask.model,
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
    }


def _chunk_frame(ask: Ask, delivery: Delivery) -> tuple[str, str]:
    """What stands before and after the delta of a chunk; the same for all chunks, so it is encoded once."""
    envelope = encode(_envelope(ask, delivery, "chat.completion.chunk"))
    opening = f'data: {envelope[:-1]},"choices":[{{"index":0,"delta":'
    usage = ',"usage":null' if _has_usage_chunk(ask, delivery) else ""
    return opening, f',"logprobs":null,"finish_reason":null}}]{usage}}}\n\n'


def _has_usage_chunk(ask: Ask, delivery: Delivery) -> bool:
    return ask.include_usage and delivery.usage is UsagePlace.USUAL


def _text_deltas(answer: Answer) -> list[str]:
    key = "refusal" if answer.refusal else "content"
    return [f'{{"{key}":{encode(piece)}}}' for piece in answer.pieces]


def _tool_deltas(answer: Answer, delivery: Delivery) -> list[str]:
    """The first delta names the call, the others carry fragments of its arguments under the same index."""
    named = {"index": 0, **_tool_call(answer, delivery, arguments="")}
    fragments = [{"index": 0, "function": {"arguments": piece}} for piece in answer.pieces]
    return [encode({"tool_calls": [call]}) for call in (named, *fragments)]


def _tool_call(answer: Answer, delivery: Delivery, *, arguments: str) -> dict[str, Json]:
    return {
        "id": f"call_{delivery.serial}",
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
    return utf8("".join(f"data: {encode(chunk)}\n\n" for chunk in chunks)) + b"data: [DONE]\n\n"


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
