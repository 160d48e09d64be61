"""Passes a conversation from one owner to the next. Called by the other actions, inside their transactions."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from chat import protocol, push, tasks, transcript
from chat.models import Agent, Conversation, Message, Turn
from chat.states import TURN_OPEN, Owner, Role, TurnState, check_owner_move
from prompts import completion, ledger


@dataclass(frozen=True, slots=True)
class Change:
    """What an ownership change wrote, to be announced after commit."""

    notice: Message
    superseded: tuple[UUID, ...]


def move(
    conversation: Conversation, to: Owner, *, notice: str, agent: Agent | None = None
) -> Change:
    """Makes `to` the owner of the locked conversation and tells the visitor so in one transaction.

    The epoch moves on, so nothing that was started before can commit a message; turns that wait or run
    are superseded. Raises states.IllegalMove.
    """
    check_owner_move(Owner(conversation.owner), to)
    conversation.owner = to.value
    conversation.agent = agent
    conversation.epoch += 1
    conversation.waiting_since = timezone.now() if to is Owner.QUEUE else None
    message = transcript.append(
        conversation,
        role=Role.SYSTEM,
        text=notice_text(conversation, notice, agent=agent),
        also=("owner", "agent", "epoch", "waiting_since"),
    )
    superseded = supersede(conversation)
    if to is not Owner.BOT:
        mark_taken_over(conversation)
    if to is Owner.BOT:
        queue_unanswered(conversation)
    return Change(notice=message, superseded=superseded)


def notice_text(conversation: Conversation, purpose: str, *, agent: Agent | None) -> str:
    name = agent.name if agent else ""
    return completion.text(purpose, language=conversation.visitor.language, agent=name)


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


def queue_unanswered(conversation: Conversation) -> None:
    """One turn over every visitor line that no turn has answered and no agent has written after."""
    lines = Message.objects.filter(conversation=conversation)
    ended = Turn.objects.filter(
        conversation=conversation, state__in=[TurnState.DONE.value, TurnState.FAILED.value]
    )
    replied = lines.filter(role=Role.AGENT.value).aggregate(seq=Max("seq"))["seq"] or 0
    after = max(replied, ended.aggregate(seq=Max("last_seq"))["seq"] or 0)
    open_seqs = list(
        lines.filter(role=Role.VISITOR.value, seq__gt=after)
        .order_by("seq")
        .values_list("seq", flat=True)
    )
    if open_seqs:
        turn = Turn.objects.create(
            conversation=conversation,
            first_seq=open_seqs[0],
            last_seq=open_seqs[-1],
            epoch=conversation.epoch,
        )
        tasks.ring_on_commit(turn.pk)


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
