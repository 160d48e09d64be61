"""The end of a conversation by its visitor, and the next one. Called by consumers and api."""

from django.db import transaction
from django.utils import timezone

from chat import ownership, places, protocol, push, transcript
from chat.actions.visitor import cancel_human, enter, open_conversation
from chat.models import Conversation, Visitor
from chat.states import EscalationEnd, Owner, Reception, Role, TurnState


def end(visitor: Visitor) -> None:
    """Resolves the visitor's conversation, whoever owns it; nothing when it is resolved or nothing was said."""
    with transaction.atomic():
        held = Conversation.objects.select_for_update(no_key=True)
        conversation = held.filter(visitor=visitor, resolved_at=None).first()
        if conversation is None or not conversation.last_seq:
            return
        conversation.visitor = visitor
        conversation.resolved_at = timezone.now()
        conversation.epoch += 1
        message = transcript.append(
            conversation,
            role=Role.SYSTEM,
            text=ownership.notice_text(conversation, "conversation_resolved", agent=None),
            also=("resolved_at", "epoch"),
        )
        waited = conversation.owner == Owner.QUEUE
        superseded = ownership.supersede(conversation)
        ownership.end_escalation(conversation, EscalationEnd.RESOLVED)
        ownership.note_resolved(conversation, by="visitor")
    for turn_id in superseded:
        push.cancel(turn_id)
    push.frames(
        conversation,
        *(protocol.turn(turn_id, TurnState.SUPERSEDED) for turn_id in superseded),
        transcript.as_frame(message),
        transcript.state_frame(conversation),
    )
    if waited:
        places.TELLER.tell_soon(conversation.inbox_id)


def leave_queue(visitor: Visitor) -> None:
    """Takes the visitor's conversation out of the queue: back to the bot, or to its end where no bot receives."""
    if visitor.inbox.reception != Reception.HUMAN_ONLY:
        cancel_human(visitor)
    elif Conversation.objects.filter(
        visitor=visitor, resolved_at=None, owner=Owner.QUEUE.value
    ).exists():
        end(visitor)


def start(visitor: Visitor) -> None:
    """Opens the next conversation if the latest is resolved."""
    if enter(visitor).resolved_at is not None:
        open_conversation(visitor)
