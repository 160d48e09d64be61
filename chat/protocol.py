"""The frames of docs/protocol.md §3: parsing what browsers send, building what they receive.

Plain Python. Every byte from outside passes `parse` or `check_text` before anything else sees it.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NoReturn
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

SUBPROTOCOL = "yingda.v1"
TEXT_MAX_CHARS = 4000
CLOSE_INVALID, CLOSE_UNAUTHORIZED, CLOSE_ORIGIN = 4400, 4401, 4403
CLOSE_FLOODING = 4429  # 4408 and 1012 are sent by the server underneath, see config.web

# C0 and C1 controls except tab, newline and carriage return; also the two noncharacters.
FORBIDDEN_CHARS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")

ErrorCode = Literal[
    "unauthorized",
    "forbidden_origin",
    "identity_invalid",
    "invalid_frame",
    "too_long",
    "rate_limited",
    "conflict",
    "not_found",
    "unavailable",
]

ERROR_TEXTS: dict[ErrorCode, tuple[str, str]] = {
    "unauthorized": ("会话已失效，请刷新页面", "Your session has ended. Please reload the page."),
    "forbidden_origin": ("此网站未获授权使用客服", "This site may not use this chat."),
    "identity_invalid": ("身份信息无效", "The identity is not valid."),
    "invalid_frame": ("消息格式有误，未发送", "The message was malformed and was not sent."),
    "too_long": (
        f"消息过长，请控制在{TEXT_MAX_CHARS}字以内",
        f"The message is too long. Please keep it under {TEXT_MAX_CHARS:,} characters.",
    ),
    "rate_limited": ("发送太快了，请稍后再试", "You are sending too fast. Please wait a moment."),
    "conflict": ("消息重复，未发送", "That message conflicts with an earlier one."),
    "not_found": ("没有找到对应的会话", "That conversation was not found."),
    "unavailable": (
        "服务暂时不可用，请稍后重试",
        "The service is unavailable. Please try again shortly.",
    ),
}


class ProtocolError(Exception):
    """A frame or body that cannot be accepted; carries what the sender needs to be told."""

    def __init__(
        self,
        code: ErrorCode,
        *,
        client_id: UUID | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(code)
        self.code: ErrorCode = code
        self.client_id = client_id
        self.retry_after_ms = retry_after_ms


def check_text(text: str) -> str:
    """`text` as it may be stored: something visible, no control characters, encodable, not too long.

    Raises ProtocolError with `too_long` or `invalid_frame`.
    """
    if len(text) > TEXT_MAX_CHARS:
        raise ProtocolError("too_long")
    if not text.strip() or not storable(text):
        raise ProtocolError("invalid_frame")
    return text


def storable(text: str) -> bool:
    """False for control characters and for what UTF-8 cannot carry."""
    return not FORBIDDEN_CHARS.search(text) and encodable(text)


def as_storable(text: str) -> str:
    if not storable(text):
        raise ValueError("control characters")
    return text


def encodable(text: str) -> bool:
    """False for lone surrogates, which JSON can carry and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_uuid(value: object) -> UUID:
    if not isinstance(value, str):
        raise ValueError("a UUID string is wanted")
    return UUID(value)


Words = Annotated[str, AfterValidator(as_storable)]
ClientId = Annotated[UUID, BeforeValidator(as_uuid)]
Seq = Annotated[int, Field(ge=0, le=2**53)]


class Frame(BaseModel):
    # Unknown fields are ignored and never stored, so that newer clients keep working.
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Hello(Frame):
    type: Literal["hello"]
    token: Annotated[str, Field(max_length=2000)]
    after_seq: Seq = 0
    conversation_id: str | None = None


class MessageSend(Frame):
    type: Literal["message.send"]
    client_id: ClientId
    text: str
    context: dict[str, Any] | None = None


class Typing(Frame):
    type: Literal["typing"]
    on: bool


class HumanRequest(Frame):
    type: Literal["human.request"]
    reason: Annotated[Words, Field(max_length=200)] | None = None


class HumanCancel(Frame):
    type: Literal["human.cancel"]


class Choice(Frame):
    type: Literal["choice"]
    client_id: ClientId
    message_seq: Seq
    value: str


class Rate(Frame):
    type: Literal["rate"]
    score: Annotated[int, Field(ge=1, le=5)]
    resolved: bool
    tags: Annotated[list[Annotated[Words, Field(max_length=50)]], Field(max_length=20)] = []
    comment: Annotated[Words, Field(max_length=1000)] | None = None


class Feedback(Frame):
    type: Literal["feedback"]
    message_seq: Seq
    value: Literal["up", "down"]
    reason: Annotated[Words, Field(max_length=500)] | None = None


class Read(Frame):
    type: Literal["read"]
    seq: Seq


class Sync(Frame):
    type: Literal["sync"]
    after_seq: Seq


class Ping(Frame):
    type: Literal["ping"]


# What a visitor may send once `hello` was accepted.
VisitorFrame = (
    MessageSend | Typing | HumanRequest | HumanCancel | Choice | Rate | Feedback | Read | Sync
)
ClientFrame = Annotated[Hello | Ping | VisitorFrame, Field(discriminator="type")]
CLIENT_FRAME: TypeAdapter[ClientFrame] = TypeAdapter(ClientFrame)


def parse(raw: str) -> ClientFrame:
    """The frame in `raw`. Raises ProtocolError: `too_long` for a long text, else `invalid_frame`.

    Duplicate keys, NaN, endless nesting and numbers of thousands of digits are refused too.
    """
    fields = loads(raw)
    try:
        frame = CLIENT_FRAME.validate_python(fields)
    except (ValidationError, RecursionError):
        raise ProtocolError("invalid_frame", client_id=find_client_id(fields)) from None
    if isinstance(frame, MessageSend | Choice):
        check_line(frame)
    return frame


def check_line(frame: MessageSend | Choice) -> None:
    try:
        check_text(frame.text if isinstance(frame, MessageSend) else frame.value)
    except ProtocolError as error:
        raise ProtocolError(error.code, client_id=frame.client_id) from None


def loads(raw: str) -> object:
    try:
        return json.loads(raw, object_pairs_hook=without_duplicates, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise ProtocolError("invalid_frame") from None


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("duplicate key")
    return fields


def refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def peek_client_id(raw: str) -> UUID | None:
    """The client_id of a frame that is refused unread, if it has one."""
    try:
        return find_client_id(loads(raw))
    except ProtocolError:
        return None


def find_client_id(fields: object) -> UUID | None:
    """The client_id of a frame that is wrong elsewhere, so that the client knows which line failed."""
    try:
        return as_uuid(fields.get("client_id")) if isinstance(fields, dict) else None
    except ValueError:
        return None


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


def turn(turn_id: UUID, state: str) -> dict[str, Any]:
    return {"type": "turn", "turn_id": str(turn_id), "state": state}


def heartbeat(seq: int) -> dict[str, Any]:
    return {"type": "heartbeat", "seq": seq}
