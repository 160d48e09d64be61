"""REST: the client API for visitors without sockets, and the agent API. Mounted by config.api under /api/v1/."""

from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import File, Router, Schema, Status
from ninja.files import UploadedFile
from ninja.security import HttpBearer, SessionAuth
from pydantic import ConfigDict, Field

from chat import auth, desk, media, protocol, showing, transcript, vault
from chat.actions import agent as agent_actions
from chat.actions import attending, choosing, history, images, leaving, privacy, session
from chat.actions import visitor as visitor_actions
from chat.models import Agent, Attachment, Conversation, Inbox, Visitor
from chat.protocol import ProtocolError
from chat.states import Presence
from prompts import admission


class VisitorAuth(HttpBearer):
    """`Authorization: Bearer <visitor token>`."""

    def authenticate(self, request: HttpRequest, token: str) -> Visitor | None:
        try:
            visitor = auth.visitor(token)
        except auth.NotAllowed:
            return None
        check_origin(request, visitor.inbox)
        return visitor


class AgentAuth(SessionAuth):
    """A signed-in member of staff; the session cookie counts only with its CSRF token."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Agent | None:
        try:
            return auth.agent_of(request.user)
        except auth.NotAllowed:
            return None


client = Router(tags=["client"])
agent = Router(tags=["agent"], auth=AgentAuth())


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
    to: int
    note: protocol.Summary = ""


class PresenceIn(Schema):
    status: Literal["online", "busy", "away"]


@client.post("/sessions", response={201: SessionOut}, auth=None)
def open_session(request: HttpRequest, body: SessionIn) -> Status[dict[str, Any]]:
    """Opens a visitor's session; `resume` is an earlier token, expired or not, that names the visitor."""
    inbox = Inbox.objects.filter(key=body.inbox, enabled=True).first()
    if inbox is None:
        raise ProtocolError("not_found")
    check_origin(request, inbox)
    visitor = session.open_session(
        inbox,
        locale=body.locale,
        resume=body.resume,
        address=address_of(request),
        vouched=body.identity,
    )
    if body.widget and auth.origin_allowed(
        body.widget.origin, host=request.get_host(), inbox=inbox
    ):
        session.note_sighting(inbox, origin=body.widget.origin, version=body.widget.version)
    token = auth.issue(visitor)
    return Status(
        201,
        {
            "token": token.text,
            "visitor_id": visitor.pk,
            "expires_at": protocol.iso(token.expires_at),
            "verified": visitor.verified,
            "inbox": showing.inbox_fields(inbox, locale=visitor.locale),
        },
    )


@client.get("/conversation", auth=VisitorAuth())
def read_conversation(request: HttpRequest, after_seq: int = 0) -> dict[str, Any]:
    """The same body as the socket's `ready`."""
    visitor = bearer(request)
    conversation = visitor_actions.enter(visitor)
    frame = visitor_actions.ready(conversation, after_seq=max(0, after_seq))
    return vault.Values(visitor.pk).in_frame(frame)


@client.post("/messages", response={202: PostedOut}, auth=VisitorAuth())
def post_message(request: HttpRequest, body: LineIn) -> Status[PostedOut]:
    """Takes a visitor's line; the answer arrives by `GET /conversation?after_seq=…`."""
    visitor, address = bearer(request), address_of(request)
    is_words = body.text or not body.attachments
    text = protocol.check_text(body.text) if is_words else ""
    admission.ARRIVALS.add(body.client_id, visitor=visitor.pk.hex, address=address)
    posted = visitor_actions.post_message(
        visitor,
        client_id=body.client_id,
        text=text,
        address=address,
        attachments=body.attachments,
    )
    return Status(202, PostedOut(seq=posted.seq, turn_id=posted.turn_id))


@client.post("/choices", response={202: PostedOut}, auth=VisitorAuth())
def choose(request: HttpRequest, body: ChoiceIn) -> Status[PostedOut]:
    """Answers a card, a quick reply or a confirmation, as the socket's `choice` does."""
    visitor, address = bearer(request), address_of(request)
    protocol.check_text(body.value)
    admission.ARRIVALS.add(body.client_id, visitor=visitor.pk.hex, address=address)
    chosen = protocol.Choice(
        type="choice", client_id=body.client_id, message_seq=body.message_seq, value=body.value
    )
    posted = choosing.choose(visitor, chosen, address=address)
    return Status(202, PostedOut(seq=posted.seq, turn_id=posted.turn_id))


@client.post("/attachments", response={201: ImageOut}, auth=VisitorAuth())
def upload_image(request: HttpRequest, file: File[UploadedFile]) -> Status[dict[str, Any]]:
    """Takes an image that a line may send; it is decoded and written anew."""
    taken = file.read(settings.UPLOAD_MAX_BYTES + 1)
    return Status(201, image_fields(images.upload(bearer(request), taken)))


@client.get("/attachments/{attachment_id}", response=ImageOut, auth=VisitorAuth())
def read_image(request: HttpRequest, attachment_id: UUID) -> dict[str, Any]:
    """An image of one's own, with a fresh address."""
    return image_fields(images.find(bearer(request), attachment_id))


def image_fields(attachment: Attachment) -> dict[str, Any]:
    return {**media.fields(attachment), "url": media.url(str(attachment.pk))}


@client.post("/logout", response={204: None}, auth=VisitorAuth())
def logout(request: HttpRequest) -> Status[None]:
    """Voids every token of the visitor."""
    session.end_session(bearer(request))
    return Status(204, None)


@client.post("/leave", response={202: PostedOut}, auth=VisitorAuth())
def leave_message(request: HttpRequest, body: LeaveIn) -> Status[PostedOut]:
    """Takes a message for the shop's people."""
    protocol.check_text(body.text)
    left = protocol.MessageLeave(
        type="message.leave", client_id=body.client_id, text=body.text, contact=body.contact
    )
    posted = leaving.leave_message(bearer(request), left, address=address_of(request))
    return Status(202, PostedOut(seq=posted.seq, turn_id=None))


@client.get("/history", auth=VisitorAuth())
def read_history(request: HttpRequest, before: str = "", limit: int = 50) -> dict[str, Any]:
    """Lines before a cursor, oldest first, and the cursor of those before them."""
    visitor = bearer(request)
    page = history.page(visitor, before=before, limit=limit)
    values = vault.Values(visitor.pk)
    return {"messages": [values.in_frame(line) for line in page.messages], "before": page.before}


@client.get("/transcript", auth=VisitorAuth())
def read_transcript(request: HttpRequest) -> HttpResponse:
    """The latest conversation as a text file, as the visitor sees it."""
    response = HttpResponse(
        history.as_text(bearer(request)), content_type="text/plain; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="conversation.txt"'
    response["Cache-Control"] = "no-store"
    return response


@client.get("/data", auth=VisitorAuth())
def export_data(request: HttpRequest, response: HttpResponse) -> dict[str, Any]:
    """Everything kept of the visitor who asks."""
    response["Cache-Control"] = "no-store"
    return privacy.export(bearer(request))


@client.delete("/data", auth=VisitorAuth())
def erase_data(request: HttpRequest) -> dict[str, int]:
    """Removes what the visitor who asks said and gave; it cannot be undone."""
    return privacy.erase(bearer(request))


@agent.post("/conversations/{conversation_id}/claim")
def claim(request: HttpRequest, conversation_id: UUID) -> dict[str, Any]:
    """Takes a conversation over; 409 names the agent who was faster."""
    return described(agent_actions.claim(conversation_id, agent=staff(request)))


@agent.post("/conversations/{conversation_id}/reply", response={202: PostedOut})
def reply(request: HttpRequest, conversation_id: UUID, body: ReplyIn) -> Status[PostedOut]:
    """Sends an agent's line; 409 when `epoch` is no longer the conversation's."""
    message = agent_actions.reply(
        conversation_id,
        agent=staff(request),
        client_id=body.client_id,
        text=protocol.check_text(body.text),
        epoch=body.epoch,
    )
    return Status(202, PostedOut(seq=message.seq, turn_id=None))


@agent.post("/conversations/{conversation_id}/hand_back")
def hand_back(
    request: HttpRequest, conversation_id: UUID, body: HandBackIn | None = None
) -> dict[str, Any]:
    """Gives a conversation back to the bot."""
    note = body.note if body else ""
    return described(agent_actions.hand_back(conversation_id, agent=staff(request), text=note))


@agent.post("/conversations/{conversation_id}/resolve")
def resolve(
    request: HttpRequest, conversation_id: UUID, body: ResolveIn | None = None
) -> dict[str, Any]:
    """Ends a conversation."""
    how = body or ResolveIn()
    return described(
        agent_actions.resolve(
            conversation_id, agent=staff(request), summary=how.summary, tags=how.tags
        )
    )


@agent.post("/conversations/{conversation_id}/note", response={202: dict[str, Any]})
def note(request: HttpRequest, conversation_id: UUID, body: MessageIn) -> Status[dict[str, Any]]:
    """Keeps a line that only agents see."""
    text = protocol.check_text(body.text)
    member, client_id = staff(request), body.client_id
    written = agent_actions.note(conversation_id, agent=member, client_id=client_id, text=text)
    return Status(202, desk.as_note(written))


@agent.post("/conversations/{conversation_id}/transfer")
def transfer(request: HttpRequest, conversation_id: UUID, body: TransferIn) -> dict[str, Any]:
    """Passes a conversation to another agent, by id."""
    to = Agent.objects.filter(pk=body.to, user__is_active=True, user__is_staff=True).first()
    if to is None:
        raise ProtocolError("not_found")
    moved = agent_actions.transfer(conversation_id, agent=staff(request), to=to, text=body.note)
    return described(moved)


@agent.get("/conversations/{conversation_id}")
def read_thread(
    request: HttpRequest, conversation_id: UUID, after_seq: int = 0, lang: str = "zh"
) -> dict[str, Any]:
    """A conversation with its notes, context and brief; personal data as placeholders."""
    language = "en" if lang.startswith("en") else "zh"
    return desk.thread(conversation_id, after_seq=max(0, after_seq), language=language)


@agent.get("/queue")
def read_queue(request: HttpRequest) -> list[dict[str, Any]]:
    """Who waits for a person, whose turn it is first."""
    return desk.queue()


@agent.get("/conversations")
def list_conversations(request: HttpRequest) -> list[dict[str, Any]]:
    """The open conversations, the latest first."""
    return desk.listed()


@agent.post("/presence")
def set_presence(request: HttpRequest, body: PresenceIn) -> dict[str, Any]:
    """Says whether one takes conversations."""
    member = staff(request)
    attending.set_presence(member, Presence(body.status))
    return {"agent": desk.agent_fields(member)}


def described(conversation: Conversation) -> dict[str, Any]:
    return {
        "conversation_id": str(conversation.pk),
        "epoch": conversation.epoch,
        "seq": conversation.last_seq,
        **transcript.state_fields(conversation),
    }


def check_origin(request: HttpRequest, inbox: Inbox) -> None:
    """Raises ProtocolError `forbidden_origin` for a page that the inbox does not list."""
    origin = request.headers.get("Origin")
    if not auth.origin_allowed(origin, host=request.get_host(), inbox=inbox):
        raise ProtocolError("forbidden_origin")


def address_of(request: HttpRequest) -> str:
    """Who sends the request, as far as we believe what we are told."""
    return admission.client_address(
        request.META.get("REMOTE_ADDR", ""), forwarded_for=request.headers.get("X-Forwarded-For")
    )


def bearer(request: HttpRequest) -> Visitor:
    visitor: Visitor = request.auth  # type: ignore[attr-defined]  # set by ninja
    return visitor


def staff(request: HttpRequest) -> Agent:
    member: Agent = request.auth  # type: ignore[attr-defined]  # set by ninja
    return member
