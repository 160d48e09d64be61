"""What requests and answers of the REST API look like."""

from typing import Literal
from uuid import UUID

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field

from chat import protocol


class WidgetIn(Schema):
    """Which version of the widget runs on which page."""

    version: protocol.Words = Field(max_length=30)
    origin: protocol.Words = Field(max_length=200)


class SessionIn(Schema):
    inbox: protocol.Words = Field(max_length=64)
    locale: Literal["zh-CN", "zh-TW", "en"] | None = None
    resume: str | None = Field(default=None, max_length=2000)
    identity: str | None = Field(default=None, max_length=4000)
    widget: WidgetIn | None = None


class FieldOut(Schema):
    """A field of the form before a conversation."""

    name: str
    label: str
    kind: str
    required: bool
    options: list[str] | None = None


class GreetingOut(Schema):
    page: str
    dwell_seconds: int
    returning: bool | None
    text: str


class UploadOut(Schema):
    max_bytes: int
    types: list[str]


class InboxOut(Schema):
    name: str
    locale: str
    theme: str
    reception: str
    ai_label: bool
    quick_questions: list[str]
    bot_name: str
    color: str | None
    logo: str | None
    position: str
    sound: bool
    version: str
    texts: dict[str, str]
    open: bool
    hours_text: str
    hours_zone: str | None
    prechat: list[FieldOut]
    rating_tags: list[str]
    greetings: list[GreetingOut]
    upload: UploadOut | None


class SessionOut(Schema):
    token: str
    visitor_id: UUID
    expires_at: str
    verified: bool
    inbox: InboxOut


class MessageIn(Schema):
    model_config = ConfigDict(strict=True)

    client_id: protocol.ClientId
    text: str


class ChoiceIn(Schema):
    model_config = ConfigDict(strict=True)

    client_id: protocol.ClientId
    message_seq: protocol.Seq
    value: str


class LineIn(MessageIn):
    attachments: list[protocol.ClientId] = Field(default=[], max_length=protocol.ATTACHMENTS_MOST)


class ImageOut(Schema):
    id: UUID
    url: str
    type: str
    width: int
    height: int
    bytes: int


class LeaveIn(MessageIn):
    contact: protocol.Contact | None = None


class PostedOut(Schema):
    seq: int
    turn_id: UUID | None


class ReplyIn(MessageIn):
    epoch: int


class HandBackIn(Schema):
    note: protocol.Summary = ""


class ResolveIn(Schema):
    summary: protocol.Summary = ""
    tags: protocol.Tags = []


class TransferIn(Schema):
    to: int | None = None
    team: int | None = None
    note: protocol.Summary = ""


class ReassignIn(Schema):
    to: int


class IntakeIn(Schema):
    paused: bool


class TagsIn(Schema):
    tags: protocol.Tags


class SnoozeIn(Schema):
    until: AwareDatetime | None = None


class CannedIn(Schema):
    folder: protocol.Words = Field("", max_length=100)
    title: protocol.Words = Field(min_length=1, max_length=60)
    text: protocol.Words = Field(min_length=1, max_length=2000)


class SuggestIn(Schema):
    client_id: protocol.ClientId
    kind: Literal["draft", "rewrite", "summary", "translate"]
    text: str = ""
    style: Literal["shorter", "warmer", "formal", "typos"] | None = None
    language: Literal["zh", "en"] = "zh"


class GradeIn(Schema):
    grade: Literal["good", "bad"] | None
    epoch: int | None = Field(None, ge=0)
    word: protocol.Words = Field("", max_length=150)


class PresenceIn(Schema):
    status: Literal["online", "busy", "away"]
