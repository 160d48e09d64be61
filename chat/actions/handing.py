"""Gives a conversation back to the bot, which answers what nobody has. Called by the other actions."""

from django.db.models import Exists, Max, OuterRef, Q

from chat import ownership, tasks
from chat.models import Conversation, Message, Turn
from chat.ownership import Change
from chat.states import Owner, Role, TurnState


def to_bot(conversation: Conversation, *, notice: str) -> Change:
    """Makes the bot the owner of the locked conversation and queues a turn over what is unanswered."""
    change = ownership.move(conversation, Owner.BOT, notice=notice)
    queue_unanswered(conversation)
    return change


def handed_over_unanswered() -> Q:
    """Turns that called a person before they answered. Whoever only asked for one has nothing to be answered."""
    answers = Message.objects.filter(turn=OuterRef("pk"), role=Role.BOT.value)
    wished = Q(decision__escalation__reasons__contains=[{"code": "asked"}])
    return Q(~Exists(answers), decision__escalation__action="hand_over") & ~wished


def queue_unanswered(conversation: Conversation) -> None:
    """One turn over every visitor line that no turn has answered and no agent has written after."""
    lines = Message.objects.filter(conversation=conversation)
    ended = Turn.objects.filter(
        conversation=conversation, state__in=[TurnState.DONE.value, TurnState.FAILED.value]
    ).exclude(handed_over_unanswered())
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
