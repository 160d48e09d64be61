"""Turns an ask, its answer and a fault into a `Playback`: what is sent, when, and how it ends. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from random import Random

from tests.fakes.provider_brain import cut, estimate_tokens
from tests.fakes.provider_encoding import encode
from tests.fakes.provider_latency import Latency
from tests.fakes.provider_playback import Ending, Playback
from tests.fakes.provider_types import (
    Answer,
    Ask,
    Delivery,
    Fault,
    FaultKind,
    Finish,
    Frames,
    Problem,
    ProviderWire,
    UsagePlace,
)

HTTP_FAULTS = frozenset(
    {
        FaultKind.RATE_LIMIT,
        FaultKind.RATE_LIMIT_SECONDS,
        FaultKind.RATE_LIMIT_MILLISECONDS,
        FaultKind.RATE_LIMIT_DATE,
        FaultKind.THROTTLING,
        FaultKind.INSUFFICIENT_QUOTA,
        FaultKind.BAD_REQUEST,
        FaultKind.CONTEXT_OVERFLOW,
        FaultKind.UNAUTHORIZED,
        FaultKind.FORBIDDEN,
        FaultKind.UNKNOWN_MODEL,
        FaultKind.REQUEST_TIMEOUT,
        FaultKind.TOO_LARGE,
        FaultKind.SERVER_ERROR,
        FaultKind.BAD_GATEWAY_HTML,
        FaultKind.UNAVAILABLE,
        FaultKind.GATEWAY_TIMEOUT,
        FaultKind.OVERLOADED,
        FaultKind.ERROR_WITH_200,
        FaultKind.WRONG_CONTENT_TYPE,
    }
)
_ENDINGS = {
    FaultKind.CUT: Ending.CUT,
    FaultKind.RST: Ending.RESET,
    FaultKind.HANG_MID_STREAM: Ending.HANG,
    FaultKind.CLEAN_EOF: Ending.COMPLETE,
}
_USAGE_PLACES = {
    FaultKind.MISSING_USAGE: UsagePlace.NOWHERE,
    FaultKind.USAGE_ON_FINISH_CHUNK: UsagePlace.FINISH_CHUNK,
}
_EVENT_LINE = re.compile(rb"^event:[^\n]*\n", re.M)
_DEFAULT_AFTER_TOKENS = 3
_DRIP_MS = 1000.0
_DRIPS = 8
# Made-up data in the formats a redactor has to catch on the way out.
_PERSONAL_DATA = (
    "电话13812345678，身份证11010519491231002X，卡号4111111111111111，邮箱someone@example.com"
)
_NO_SUCH_TOOL = "no_such_tool"
_BAD_ARGUMENTS = '{"order_number": "2025010'
_SPOILED_TEXTS = {
    FaultKind.INVALID_JSON_CONTENT: '{"reply": "好的，我马上帮您查',
    FaultKind.SCHEMA_VIOLATION: '{"unexpected": [1, "二", null]}',
    FaultKind.REFUSAL: "抱歉，这个问题我不能回答。",
}


def compose(
    ask: Ask,
    answer: Answer,
    delivery: Delivery,
    *,
    wire: ProviderWire,
    fault: Fault,
    latency: Latency,
    draw: Random,
) -> Playback:
    """The reply to `ask`; `draw` decides jitter. Times count from the moment a place was free."""
    if fault.kind in HTTP_FAULTS or _is_inspected(wire, ask, fault):
        reply = wire.error(Problem(fault.kind, ask.model), request_id=delivery.request_id)
        return Playback(
            reply.status,
            tail=reply.body,
            content_type=reply.content_type,
            hold_ms=fault.delay_ms or 0.0,
        )
    if fault.kind is FaultKind.RST and fault.after_tokens is None:
        return Playback(None, ending=Ending.RESET, hold_ms=fault.delay_ms or 0.0)
    if fault.kind is FaultKind.HANG_BEFORE_HEADERS and fault.delay_ms is None:
        return Playback(None, ending=Ending.HANG)
    if fault.kind is FaultKind.SLOW_DRIP:
        latency = replace(
            latency, interval_ms=_DRIP_MS if fault.delay_ms is None else fault.delay_ms
        )
    answer = spoil(answer, ask, fault, draw=draw)
    delivery = replace(delivery, usage=_USAGE_PLACES.get(fault.kind, delivery.usage))
    if ask.stream:
        frames = _broken(wire.frames(ask, answer, delivery), answer, delivery, wire, fault)
        return _stream(frames, fault, latency, draw)
    body = _broken_body(wire.whole(ask, answer, delivery), delivery, wire, fault)
    return _whole(body, len(answer.pieces), fault, latency, draw)


def _is_inspected(wire: ProviderWire, ask: Ask, fault: Fault) -> bool:
    """Whether the vendor stops this before it sends anything; what it stops later ends in an error frame."""
    kinds = {FaultKind.REFUSAL} if ask.stream else {FaultKind.REFUSAL, FaultKind.CONTENT_FILTER}
    return wire.inspects and fault.kind in kinds


def spoil(answer: Answer, ask: Ask, fault: Fault, *, draw: Random) -> Answer:
    """The answer as a fault of content leaves it; other faults leave it alone."""
    match fault.kind:
        case FaultKind.EMPTY_ANSWER:
            return Answer(())
        case (
            FaultKind.INVALID_JSON_CONTENT | FaultKind.SCHEMA_VIOLATION | FaultKind.REFUSAL as kind
        ):
            return Answer(cut(_SPOILED_TEXTS[kind], draw=draw), refusal=kind is FaultKind.REFUSAL)
        case FaultKind.PII_ECHO:
            return Answer(cut(f"好的，跟您核对一下：{ask.question}，{_PERSONAL_DATA}", draw=draw))
        case FaultKind.UNKNOWN_TOOL if answer.tool is not None:
            return replace(answer, tool=_NO_SUCH_TOOL)
        case FaultKind.BAD_TOOL_ARGUMENTS if answer.tool is not None:
            return replace(answer, pieces=cut(_BAD_ARGUMENTS, draw=draw))
        case FaultKind.LENGTH:
            return replace(answer, pieces=answer.pieces[: _after(fault)], finish=Finish.LENGTH)
        case FaultKind.CONTENT_FILTER:
            return replace(
                answer, pieces=answer.pieces[: _after(fault)], finish=Finish.CONTENT_FILTER
            )
        case _:
            return answer


def prompt_tokens(ask: Ask) -> int:
    """An estimate of what the vendor would bill for the request."""
    texts = [text for _, text in ask.turns]
    texts += [f"{tool.name}{tool.description}{encode(tool.schema)}" for tool in ask.tools]
    texts += [f"{each.instructions}{encode(each.options)}" for each in ask.questions]
    return estimate_tokens(ask.system) + sum(estimate_tokens(text) + 3 for text in texts)


def _after(fault: Fault) -> int:
    return _DEFAULT_AFTER_TOKENS if fault.after_tokens is None else fault.after_tokens


def _stream(frames: Frames, fault: Fault, latency: Latency, draw: Random) -> Playback:
    due_ms = latency.due_ms(len(frames.content), draw=draw)
    return Playback(
        200,
        steps=[(0.0, frames.head), *zip(due_ms, frames.content, strict=False)],
        tail=frames.tail,
        end_ms=due_ms[-1],
        ending=_ENDINGS.get(fault.kind, Ending.COMPLETE),
        content_type="text/event-stream; charset=utf-8",
        hold_ms=_hold_ms(fault),
        ttft_ms=due_ms[0],
    )


def _broken(
    frames: Frames, answer: Answer, delivery: Delivery, wire: ProviderWire, fault: Fault
) -> Frames:
    """The frames as a fault of the stream leaves them."""
    after = _after(fault)
    kept, rest = frames.content[:after], frames.content[after:]
    if fault.kind in _ENDINGS:
        return replace(frames, content=kept, tail=b"")
    if fault.kind is FaultKind.ERROR_FRAME or (
        wire.inspects and fault.kind is FaultKind.CONTENT_FILTER
    ):
        frame = wire.error_frame(fault.kind, after=len(kept), request_id=delivery.request_id)
        return replace(frames, content=kept, tail=frame)
    if fault.kind is FaultKind.MALFORMED_FRAME:
        return replace(frames, content=(*kept, wire.malformed_frame(), *rest))
    if fault.kind is FaultKind.MISSING_EVENT_LINE:
        return replace(frames, content=(*kept, *(_EVENT_LINE.sub(b"", each) for each in rest)))
    if answer.tool is not None:
        return replace(frames, content=_shuffled(frames.content, fault))
    return frames


def _shuffled(content: tuple[bytes, ...], fault: Fault) -> tuple[bytes, ...]:
    """The frames of a tool call, each sent twice, or each pair in the wrong order."""
    match fault.kind:
        case FaultKind.DUPLICATE_TOOL_FRAGMENTS:
            return tuple(frame for frame in content for _ in range(2))
        case FaultKind.OUT_OF_ORDER_TOOL_FRAGMENTS:
            pairs = [content[at : at + 2] for at in range(0, len(content), 2)]
            return tuple(frame for pair in pairs for frame in reversed(pair))
        case _:
            return content


def _broken_body(body: bytes, delivery: Delivery, wire: ProviderWire, fault: Fault) -> bytes:
    """A whole answer as a fault leaves it; what is cut stays valid UTF-8."""
    if fault.kind is FaultKind.ERROR_FRAME:
        problem = Problem(FaultKind.ERROR_WITH_200)
        return wire.error(problem, request_id=delivery.request_id).body
    if fault.kind in _ENDINGS or fault.kind is FaultKind.MALFORMED_FRAME:
        return body[: len(body) // 2].decode("utf-8", "ignore").encode()
    return body


def _whole(body: bytes, tokens: int, fault: Fault, latency: Latency, draw: Random) -> Playback:
    total_ms = latency.due_ms(tokens, draw=draw)[-1]
    drips: list[tuple[float, bytes]] = []
    if fault.kind is FaultKind.SLOW_DRIP:
        size = len(body) // _DRIPS
        drips = [
            (latency.ttft_ms + at * latency.interval_ms, body[at * size :][:size])
            for at in range(_DRIPS)
        ]
        body = body[_DRIPS * size :]
    elif fault.kind in _ENDINGS:
        drips, body = [(total_ms, body)], b""
    return Playback(
        200,
        steps=drips,
        tail=body,
        end_ms=max(total_ms, drips[-1][0]) if drips else total_ms,
        ending=_ENDINGS.get(fault.kind, Ending.COMPLETE),
        hold_ms=_hold_ms(fault),
        ttft_ms=total_ms,
    )


def _hold_ms(fault: Fault) -> float:
    return (fault.delay_ms or 0.0) if fault.kind is FaultKind.HANG_BEFORE_HEADERS else 0.0
