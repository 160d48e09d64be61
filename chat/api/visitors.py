"""The client API, for visitors without sockets."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import File, Router, Status
from ninja.files import UploadedFile

from chat import auth, media, protocol, showing, vault
from chat.actions import choosing, history, images, leaving, privacy, session
from chat.actions import visitor as visitor_actions
from chat.api.callers import VisitorAuth, address_of, bearer, check_origin
from chat.api.shapes import ChoiceIn, ImageOut, LeaveIn, LineIn, PostedOut, SessionIn, SessionOut
from chat.models import Attachment, Inbox
from chat.protocol import ProtocolError
from prompts import admission

client = Router(tags=["client"])


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
