"""The frames that browsers send, parsed. Every byte from outside passes `parse` or `check_text` first."""

import json
from typing import Annotated, Any, Literal, NoReturn
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, WrapValidator

from chat.protocol.checks import (
    ATTACHMENTS_MOST,
    ClientId,
    Label,
    Link,
    ProtocolError,
    Seq,
    Words,
    as_uuid,
    check_text,
    else_none,
)


class Frame(BaseModel):
    # Unknown fields are ignored and never stored, so that newer clients keep working.
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Product(Frame):
    """What the visitor looks at, as the shop's page says."""

    title: Label
    id: Label | None = None
    price: Label | None = None
    url: Link | None = None


class Order(Frame):
    number: Label
    title: Label | None = None
    status: Label | None = None
    total: Label | None = None
    url: Link | None = None


class Context(Frame):
    """Where a line was written. Nobody has verified it."""

    product: Product | None = None
    order: Order | None = None
    page: Link | None = None


class Contact(Frame):
    """How the shop can reach whoever left a message."""

    name: Label | None = None
    phone: Label | None = None
    email: Label | None = None


class Hello(Frame):
    type: Literal["hello"]
    token: Annotated[str, Field(max_length=2000)]
    after_seq: Seq = 0
    conversation_id: str | None = None


class MessageSend(Frame):
    type: Literal["message.send"]
    client_id: ClientId
    text: str = ""
    # A page that says nonsense must not cost its visitor a line: what is no context is read as none.
    context: Annotated[Context | None, WrapValidator(else_none)] = None
    attachments: Annotated[list[ClientId], Field(max_length=ATTACHMENTS_MOST)] = []


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


class ContextSet(Context):
    """A field that is null is removed, one that is left out stays as it was."""

    type: Literal["context.set"]
    attributes: Annotated[
        dict[Annotated[Words, Field(max_length=40)], Label | bool | None], Field(max_length=20)
    ] = {}


class FormSend(Frame):
    type: Literal["form.send"]
    answers: Annotated[
        dict[Annotated[Words, Field(max_length=40)], Annotated[Words, Field(max_length=500)]],
        Field(max_length=20),
    ]


class MessageLeave(Frame):
    type: Literal["message.leave"]
    client_id: ClientId
    text: str
    contact: Contact | None = None


class ConversationStart(Frame):
    type: Literal["conversation.start"]


class ConversationEnd(Frame):
    type: Literal["conversation.end"]


# What a visitor may send once `hello` was accepted.
VisitorFrame = (
    MessageSend
    | Typing
    | HumanRequest
    | HumanCancel
    | Choice
    | Rate
    | Feedback
    | Read
    | Sync
    | ContextSet
    | FormSend
    | MessageLeave
    | ConversationStart
    | ConversationEnd
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
    if isinstance(frame, MessageSend | MessageLeave | Choice):
        check_line(frame)
    return frame


def check_line(frame: MessageSend | MessageLeave | Choice) -> None:
    try:
        if isinstance(frame, Choice):
            check_text(frame.value)
        elif isinstance(frame, MessageLeave) or frame.text or not frame.attachments:
            check_text(frame.text)
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
