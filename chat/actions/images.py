"""Images on their way from a visitor to a line. Called by api and the other actions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chat import media
from chat.actions.admitting import check_admitted
from chat.models import Attachment, Message, Visitor
from chat.protocol import ProtocolError
from prompts import admission

STAND_IN = {"zh": "[图片]", "en": "[image]"}


def upload(visitor: Visitor, data: bytes) -> Attachment:
    """Keeps a cleaned image of the visitor until a line sends it.

    Raises ProtocolError `rate_limited`, `not_found` where the inbox takes no images, `invalid_frame` for what is
    none, `unavailable` when it cannot be written.
    """
    if not visitor.inbox.uploads:
        raise ProtocolError("not_found")
    check_admitted(admission.admit_upload(visitor.pk.hex))
    try:
        cleaned = media.clean(data)
    except media.Refused as refused:
        raise ProtocolError("invalid_frame", detail=(refused.zh, refused.en)) from None
    try:
        path = media.store(cleaned)
    except OSError:
        raise ProtocolError("unavailable") from None
    return Attachment.objects.create(
        visitor=visitor,
        path=path,
        type=cleaned.type,
        bytes=len(cleaned.body),
        width=cleaned.width,
        height=cleaned.height,
    )


def find(visitor: Visitor, attachment_id: UUID) -> Attachment:
    """The visitor's own image. Raises ProtocolError `not_found`."""
    found = Attachment.objects.filter(pk=attachment_id, visitor=visitor).first()
    if found is None:
        raise ProtocolError("not_found")
    return found


def take(visitor: Visitor, ids: Sequence[UUID]) -> list[Attachment]:
    """The images a line sends, in its order. Raises ProtocolError `not_found` unless all are the visitor's, unsent."""
    if not ids:
        return []
    unsent = Attachment.objects.filter(pk__in=ids, visitor=visitor, message=None).in_bulk()
    if len(unsent) != len(ids):
        raise ProtocolError("not_found")
    return [unsent[pk] for pk in ids]


def attach(images: Sequence[Attachment], message: Message) -> None:
    if images:
        Attachment.objects.filter(pk__in=[each.pk for each in images]).update(message=message)


def carried(images: Sequence[Attachment], *, text: str) -> dict[str, Any]:
    """The `meta` of a line that sends images."""
    if not images:
        return {}
    return {"attachments": [media.fields(each) for each in images], "image_only": not text}
