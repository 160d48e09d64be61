"""A message for the shop's people, left while none of them is there. Called by consumers and api."""

from typing import Any

from django.db import transaction

from chat import escalation, ownership, protocol, push, transcript, vault
from chat.actions import telling
from chat.actions.admitting import check_admitted
from chat.actions.visitor import Posted, find_earlier, lock_open
from chat.models import Visitor
from chat.states import Owner, Role
from prompts import admission


def leave_message(visitor: Visitor, left: protocol.MessageLeave, *, address: str) -> Posted:
    """Stores the message and how to reach its writer, and puts the conversation where agents look.

    Idempotent on `client_id`. Raises ProtocolError `conflict`, `rate_limited`.
    """
    check_admitted(
        admission.admit_message(visitor.pk.hex, address=address), client_id=left.client_id
    )
    vault.load()
    change = None
    with transaction.atomic():
        conversation = lock_open(visitor)
        masked = vault.mask(visitor, left.text)
        before = find_earlier(conversation, left.client_id, masked=masked, raw=left.text)
        if before is not None:
            return before
        message = transcript.append(
            conversation,
            role=Role.VISITOR,
            text=masked,
            client_id=left.client_id,
            visitor=visitor,
            meta={"left": True, "contact": reachable(visitor, left.contact)},
        )
        if conversation.owner == Owner.BOT:
            reasons = escalation.MESSAGE_LEFT.because()
            change = ownership.move(
                conversation, Owner.QUEUE, notice="message_left", reasons=reasons
            )
    push.frames(conversation, transcript.as_frame(message))
    if change is not None:
        ownership.announce(conversation, change)
    return Posted(conversation.pk, message.seq, None)


def reachable(visitor: Visitor, contact: protocol.Contact | None) -> dict[str, Any]:
    """The contact as placeholders."""
    given = contact.model_dump(exclude_none=True) if contact else {}
    return {name: telling.kept(visitor, text, holds=name) for name, text in given.items()}
