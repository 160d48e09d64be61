"""Names a conversation by tags, and puts it aside for a while. Called by consumers and api."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from chat import intake, push, transcript, vault
from chat.actions.agent import check_owned, lock_open
from chat.models import Agent, Conversation
from chat.protocol import ProtocolError

LONGEST = timedelta(days=90)


def set_tags(conversation_id: UUID, *, tags: Sequence[str]) -> Conversation:
    """The tags of a conversation, resolved or not, are these from now on. Raises Conversation.DoesNotExist."""
    vault.load()
    with transaction.atomic():
        conversation = transcript.lock(conversation_id)
        masked = [vault.mask(conversation.visitor, tag.strip()) for tag in tags]
        conversation.tags = list(dict.fromkeys(filter(None, masked)))
        conversation.save(update_fields=["tags"])
    push.frames(conversation)
    return conversation


def snooze(conversation_id: UUID, *, agent: Agent, until: datetime | None) -> Conversation:
    """Puts the agent's conversation aside until then, or until its visitor writes; without a time, only for that.

    Raises Conflict unless owned, ProtocolError `invalid_frame` for a time that is over or too far away.
    """
    now = timezone.now()
    if until is not None and not now < until <= now + LONGEST:
        raise ProtocolError("invalid_frame")
    return put_aside(conversation_id, agent=agent, snoozed=True, until=until)


def wake(conversation_id: UUID, *, agent: Agent) -> Conversation:
    """Takes it up again. Raises Conflict unless owned."""
    return put_aside(conversation_id, agent=agent, snoozed=False, until=None)


def put_aside(
    conversation_id: UUID, *, agent: Agent, snoozed: bool, until: datetime | None
) -> Conversation:
    with transaction.atomic():
        conversation = lock_open(conversation_id)
        check_owned(conversation, agent=agent)
        conversation.snoozed, conversation.snoozed_until = snoozed, until
        conversation.save(update_fields=["snoozed", "snoozed_until"])
    push.frames(conversation)
    # What is put aside makes room for another.
    intake.assign_soon()
    return conversation
