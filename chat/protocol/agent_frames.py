"""The frames that consoles send, parsed: docs/protocol.md §4."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError, model_validator

from chat.protocol.checks import ClientId, ProtocolError, Seq, Words, check_text
from chat.protocol.frames import Frame, Ping, find_client_id, loads

Summary = Annotated[Words, Field(max_length=1000)]
Tags = Annotated[list[Annotated[Words, Field(min_length=1, max_length=30)]], Field(max_length=10)]
Reason = Annotated[Words, Field(min_length=2, max_length=150)]
RowId = Annotated[int, Field(ge=1, le=2**53)]
Placeholder = Annotated[str, Field(pattern=r"^<[A-Z_]{1,20}_\d{1,6}>$")]


class PresenceSet(Frame):
    type: Literal["presence.set"]
    status: Literal["online", "busy", "away"]


class QueueList(Frame):
    type: Literal["queue.list"]


class OfConversation(Frame):
    conversation_id: ClientId


class Claim(OfConversation):
    type: Literal["claim"]


class Open(OfConversation):
    type: Literal["open"]
    after_seq: Seq = 0


class Reply(OfConversation):
    type: Literal["reply"]
    client_id: ClientId
    text: str
    epoch: Seq


class NoteFrame(OfConversation):
    type: Literal["note"]
    client_id: ClientId
    text: str


class Transfer(OfConversation):
    type: Literal["transfer"]
    # An agent, or a team: one of both.
    to: RowId | None = None
    team: RowId | None = None
    note: Summary = ""


class BoardGet(Frame):
    type: Literal["board.get"]


class Barge(OfConversation):
    type: Literal["barge"]


class Reassign(OfConversation):
    type: Literal["reassign"]
    to: RowId


class Whisper(OfConversation):
    type: Literal["whisper"]
    client_id: ClientId
    text: str


class IntakePause(Frame):
    type: Literal["intake.pause"]
    paused: bool


class RingDecline(OfConversation):
    type: Literal["ring.decline"]


class HandBack(OfConversation):
    type: Literal["hand_back"]
    note: Summary = ""


class Resolve(OfConversation):
    type: Literal["resolve"]
    summary: Summary = ""
    tags: Tags = []


class RevealFrame(OfConversation):
    type: Literal["reveal"]
    placeholder: Placeholder
    reason: Reason


class TagsSet(OfConversation):
    type: Literal["tags.set"]
    tags: Tags


class Snooze(OfConversation):
    type: Literal["snooze"]
    # None: until the visitor writes.
    until: AwareDatetime | None = None


class Wake(OfConversation):
    type: Literal["wake"]


class Search(Frame):
    type: Literal["search"]
    query: Annotated[Words, Field(min_length=1, max_length=100)]


class CannedList(Frame):
    type: Literal["canned.list"]


class CannedSave(Frame):
    type: Literal["canned.save"]
    id: RowId | None = None
    folder: Annotated[Words, Field(max_length=100)] = ""
    title: Annotated[Words, Field(min_length=1, max_length=60)]
    text: Annotated[Words, Field(min_length=1, max_length=2000)]


class CannedRemove(Frame):
    type: Literal["canned.remove"]
    id: RowId


class Suggest(OfConversation):
    type: Literal["suggest"]
    client_id: ClientId
    kind: Literal["draft", "rewrite", "summary", "translate"]
    # Of a rewriting and a translation: what was typed; of the former, how it is to be.
    text: str = ""
    style: Literal["shorter", "warmer", "formal", "typos"] | None = None
    # The agent's own, for what colleagues read.
    language: Literal["zh", "en"] = "zh"

    @model_validator(mode="after")
    def is_complete(self) -> Self:
        if not suits(self.kind, self.text, self.style):
            raise ValueError("a text and a style where they belong")
        return self


def suits(kind: str, text: str, style: str | None) -> bool:
    """Whether a kind of help has the text and the style that it needs, and no others."""
    typed = kind in {"rewrite", "translate"}
    return typed == bool(text.strip()) and (kind == "rewrite") == (style is not None)


class Translate(OfConversation):
    type: Literal["translate"]
    language: Literal["zh", "en"]


class SuggestCancel(Frame):
    type: Literal["suggest.cancel"]
    suggestion_id: ClientId


class BriefGrade(OfConversation):
    type: Literal["brief.grade"]
    # None takes a grade back.
    grade: Literal["good", "bad"] | None
    # Of the brief that was read; of the last one where it is not said.
    epoch: Annotated[int, Field(ge=0)] | None = None
    word: Annotated[Words, Field(max_length=150)] = ""


class MentionsRead(OfConversation):
    type: Literal["mentions.read"]


class AgentTyping(OfConversation):
    type: Literal["typing"]
    on: bool


class AgentRead(OfConversation):
    type: Literal["read"]
    seq: Seq


AgentFrame = Annotated[
    PresenceSet
    | QueueList
    | Claim
    | Open
    | Reply
    | NoteFrame
    | Transfer
    | HandBack
    | Resolve
    | RevealFrame
    | TagsSet
    | Snooze
    | Wake
    | BoardGet
    | Barge
    | Reassign
    | Whisper
    | IntakePause
    | RingDecline
    | Search
    | CannedList
    | CannedSave
    | CannedRemove
    | Suggest
    | SuggestCancel
    | BriefGrade
    | Translate
    | MentionsRead
    | AgentTyping
    | AgentRead
    | Ping,
    Field(discriminator="type"),
]
AGENT_FRAME: TypeAdapter[AgentFrame] = TypeAdapter(AgentFrame)


def parse_agent(raw: str) -> AgentFrame:
    """The frame in `raw`. Raises ProtocolError: `too_long` for a long text, else `invalid_frame`."""
    fields = loads(raw)
    try:
        frame = AGENT_FRAME.validate_python(fields)
    except (ValidationError, RecursionError):
        raise ProtocolError("invalid_frame", client_id=find_client_id(fields)) from None
    if isinstance(frame, Reply | NoteFrame | Whisper) or (
        isinstance(frame, Suggest) and frame.text
    ):
        try:
            check_text(frame.text)
        except ProtocolError as error:
            raise ProtocolError(error.code, client_id=frame.client_id) from None
    return frame
