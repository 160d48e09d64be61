"""Passes a conversation from one owner to the next. Called by actions and escalation, inside their transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Case, Value, When
from django.utils import timezone

from chat import doorbell, intake, outbox, places, protocol, push, transcript, waiting
from chat.models import Agent, Conversation, Escalation, Message, Ring, Turn
from chat.states import (
    TURN_OPEN,
    EscalationEnd,
    Event,
    Owner,
    RingEnd,
    Role,
    TurnState,
    check_owner_move,
)
from prompts import assistance, completion, ledger

# How a wait in the queue ended, by whoever owns the conversation next.
ENDS = {Owner.AGENT: EscalationEnd.CLAIMED, Owner.BOT: EscalationEnd.LEFT}
OWNER_FIELDS = ("owner", "agent", "epoch", "waiting_since", "handover_epoch")
# Of this hand-over a model writes a brief, if there is one; after so many seconds the agent has read the thread.
WRITE_BRIEF, BRIEF_SECONDS = "chat.tasks.write_brief", 30
EVENTS = {
    Owner.AGENT: Event.CLAIMED,
    Owner.BOT: Event.HANDED_BACK,
    Owner.QUEUE: Event.QUEUED,
}


@dataclass(frozen=True, slots=True)
class Change:
    """What an ownership change wrote, to be announced after commit."""

    notice: Message
    superseded: tuple[UUID, ...]
    queue_moved: bool = False


def move(
    conversation: Conversation,
    to: Owner,
    *,
    notice: str,
    agent: Agent | None = None,
    reasons: Sequence[dict[str, Any]] = (),
    also: tuple[str, ...] = (),
) -> Change:
    """Makes `to` the owner of the locked conversation and tells the visitor so in one transaction.

    The epoch moves on, so nothing that was started before can commit a message; turns that wait or run
    are superseded. `reasons` say why it joins the queue; `also` names further fields to save with it.
    Raises states.IllegalMove.
    """
    check_owner_move(Owner(conversation.owner), to)
    left_queue = conversation.owner == Owner.QUEUE
    handed_over = to is Owner.QUEUE or (to is Owner.AGENT and conversation.owner == Owner.BOT)
    conversation.owner = to.value
    conversation.agent = agent
    conversation.epoch += 1
    conversation.waiting_since = timezone.now() if to is Owner.QUEUE else None
    if to is Owner.QUEUE and "team" not in also:
        # For whom it waited another time says nothing of this one.
        conversation.team, also = None, (*also, "team")
    if handed_over:
        conversation.handover_epoch = conversation.epoch
    message = transcript.append(
        conversation,
        role=Role.SYSTEM,
        text=notice_text(conversation, notice, agent=agent),
        also=(*OWNER_FIELDS, *also, *transcript.wake(conversation)),
    )
    superseded = supersede(conversation)
    if left_queue:
        end_escalation(conversation, ENDS[to], agent=agent)
    if to is Owner.QUEUE:
        Escalation.objects.create(
            conversation=conversation, opened_at=message.at, reasons=list(reasons)
        )
    if agent is not None:
        Agent.objects.filter(pk=agent.pk).exclude(misses=0).update(misses=0)
    if to is not Owner.BOT:
        mark_taken_over(conversation)
    outbox.note(conversation, EVENTS[to], lambda: owner_fields(conversation, reasons))
    if handed_over:
        ask_for_brief(conversation)
    queue_moved = left_queue or to is Owner.QUEUE
    return Change(notice=message, superseded=superseded, queue_moved=queue_moved)


def ask_for_brief(conversation: Conversation) -> None:
    """Rings for a model's brief of this hand-over; the template's is there without it."""
    if assistance.is_available():
        args = (str(conversation.pk), conversation.handover_epoch)
        doorbell.ring_on_commit(WRITE_BRIEF, *args, expires=BRIEF_SECONDS)


def owner_fields(
    conversation: Conversation, reasons: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """What other systems are told of a change of owner."""
    agent = conversation.agent if conversation.owner == Owner.AGENT else None
    return {
        "owner": conversation.owner,
        "epoch": conversation.epoch,
        "agent": agent and {"id": agent.pk, "name": agent.name},
        "reasons": [reason["code"] for reason in reasons],
    }


def note_resolved(conversation: Conversation, *, by: str) -> None:
    """Tells other systems that the locked conversation has come to its end; `by` is "visitor" or "agent"."""
    outbox.note(
        conversation,
        Event.RESOLVED,
        lambda: {
            **owner_fields(conversation),
            "by": by,
            "summary": conversation.summary,
            "tags": conversation.tags,
        },
    )


def end_escalation(
    conversation: Conversation, end: EscalationEnd, *, agent: Agent | None = None
) -> None:
    """Says how the conversation's wait for a person ended; it rings at nobody any more."""
    now = timezone.now()
    waiting = Escalation.objects.filter(conversation=conversation, ended_at=None)
    waiting.update(ended_at=now, end=end.value, agent=agent)
    ringing = Ring.objects.filter(conversation=conversation, ended_at=None)
    taken = When(agent=agent, then=Value(RingEnd.ACCEPTED.value))
    ringing.update(ended_at=now, end=Case(taken, default=Value(RingEnd.WITHDRAWN.value)))


def notice_text(conversation: Conversation, purpose: str, *, agent: Agent | None) -> str:
    language = conversation.visitor.language
    name = agent.called(language) if agent else ""
    return completion.text(purpose, language=language, agent=name)


def mark_taken_over(conversation: Conversation) -> None:
    """Tells the ledger that the bot's last answer did not settle it."""
    answers = Message.objects.filter(conversation=conversation, role=Role.BOT.value)
    last = answers.order_by("-seq").values_list("turn_id", flat=True).first()
    if last is not None:
        ledger.mark_taken_over(str(last))


def supersede(conversation: Conversation) -> tuple[UUID, ...]:
    """Ends every open turn of the conversation; a worker that still runs one cannot commit it."""
    open_states = [state.value for state in TURN_OPEN]
    turns = Turn.objects.filter(conversation=conversation, state__in=open_states)
    ids = tuple(turns.values_list("pk", flat=True))
    turns.update(state=TurnState.SUPERSEDED.value, finished_at=timezone.now(), lease_until=None)
    return ids


def announce(conversation: Conversation, change: Change) -> None:
    """Tells the browsers after commit, and stops the workers of superseded turns early."""
    for turn_id in change.superseded:
        push.cancel(turn_id)
    push.frames(
        conversation,
        *(protocol.turn(turn_id, TurnState.SUPERSEDED) for turn_id in change.superseded),
        transcript.as_frame(change.notice),
        transcript.state_frame(conversation),
    )
    if change.queue_moved:
        places.TELLER.tell_soon(conversation.inbox_id)
    # Somebody waits, or somebody has room.
    intake.assign_soon()


def tell_every_line() -> None:
    """Tells everybody who waits how long it may take now that an agent has come or gone."""
    waiting.PACES.forget()
    queued = Conversation.objects.filter(owner=Owner.QUEUE.value, resolved_at=None)
    for inbox_id in queued.values_list("inbox_id", flat=True).distinct():
        places.TELLER.tell_soon(inbox_id)
