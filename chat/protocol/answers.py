"""The frames that browsers receive, built."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chat.protocol.checks import ERROR_TEXTS, ErrorCode


@dataclass(frozen=True, slots=True)
class Partial:
    """The text so far of a turn in flight. `n` counts its deltas."""

    turn_id: str
    n: int
    text: str


def dumps(frame: dict[str, Any]) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`, as 2026-01-31T08:15:00.123Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def error(
    code: ErrorCode,
    *,
    locale: str,
    request_id: str,
    client_id: UUID | None = None,
    retry_after_ms: int | None = None,
) -> dict[str, Any]:
    """An `error` frame in the visitor's language."""
    frame: dict[str, Any] = {
        "type": "error",
        "code": code,
        "message": error_text(code, locale=locale),
        "request_id": request_id,
    }
    if client_id is not None:
        frame["client_id"] = str(client_id)
    if retry_after_ms is not None:
        frame["retry_after_ms"] = retry_after_ms
    return frame


def error_text(code: ErrorCode, *, locale: str) -> str:
    chinese, english = ERROR_TEXTS[code]
    return chinese if locale.lower().startswith("zh") else english


def ack(client_id: UUID, *, seq: int, turn_id: UUID | None) -> dict[str, Any]:
    frame: dict[str, Any] = {"type": "ack", "client_id": str(client_id), "seq": seq}
    return frame if turn_id is None else {**frame, "turn_id": str(turn_id)}


def delta(turn_id: str, *, n: int, offset: int, text: str) -> dict[str, Any]:
    """A piece of a turn's text; `offset` in characters from the start of that text."""
    return {"type": "delta", "turn_id": turn_id, "n": n, "offset": offset, "text": text}


def turn(turn_id: UUID, state: str, **heard: Any) -> dict[str, Any]:
    """`heard` is what was understood, once it is: intents, emotion, trend."""
    return {"type": "turn", "turn_id": str(turn_id), "state": state, **heard}


def read(who: str, seq: int) -> dict[str, Any]:
    return {"type": "read", "who": who, "seq": seq}


def heartbeat(seq: int) -> dict[str, Any]:
    return {"type": "heartbeat", "seq": seq}
