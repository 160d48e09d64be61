"""The step into the queue: state, notice and reasons in one transaction. Called by turn and actions."""

from datetime import datetime

from django.utils import timezone

from chat import intake, ownership, serving, showing
from chat.escalation.decide import Action, Reason, Verdict
from chat.models import Conversation, Escalation
from chat.ownership import Change
from chat.states import EscalationEnd, Owner, Reception

ASKED = Verdict(Action.HAND_OVER, 1.0, ((Reason.ASKED, 1.0),))
RECEPTION = Verdict(Action.HAND_OVER, 1.0, ((Reason.RECEPTION, 1.0),))
TRANSFERRED = Verdict(Action.HAND_OVER, 1.0, ((Reason.TRANSFERRED, 1.0),))
MESSAGE_LEFT = Verdict(Action.HAND_OVER, 1.0, ((Reason.MESSAGE_LEFT, 1.0),))
AGENT_GONE = Verdict(Action.HAND_OVER, 1.0, ((Reason.AGENT_GONE, 1.0),))
# What the bot may keep to itself while nobody is there, or after the visitor went back to it.
INSISTENT = frozenset({Reason.ASKED, Reason.RESTRICTED, Reason.AMOUNT})


def open_for(conversation: Conversation, verdict: Verdict, *, also: tuple[str, ...] = ()) -> Change:
    """Puts the locked conversation into the queue and says so; honest when nobody is online."""
    notice = "handoff_notice" if someone_is_online(conversation.inbox_id) else "offline_notice"
    return ownership.move(
        conversation, Owner.QUEUE, notice=notice, reasons=verdict.because(), also=also
    )


def someone_is_online(inbox_id: int) -> bool:
    """Whether an agent takes conversations of the inbox now: not while the intake is paused."""
    return not intake.rules().paused and serving.agents_of(intake.online(), inbox_id).exists()


def begins_with_people(conversation: Conversation) -> bool:
    """Whether the shop's people, not the bot, take the first line of this conversation."""
    if conversation.last_seq:
        return False
    inbox = conversation.visitor.inbox
    if inbox.reception == Reception.HUMAN_ONLY:
        return True
    first = inbox.reception == Reception.HUMAN_FIRST
    return first and showing.is_open(inbox, timezone.now()) and someone_is_online(inbox.pk)


def is_welcome(
    conversation: Conversation, verdict: Verdict, *, said_at: datetime | None = None
) -> bool:
    """Whether handing over would serve this visitor now, for lines of which the latest was said then.

    Where the visitor did not ask: not while nobody is online, and not once the visitor left the queue for the bot.
    """
    left = Escalation.objects.filter(conversation=conversation, end=EscalationEnd.LEFT.value)
    if any(reason in INSISTENT for reason, _ in verdict.reasons):
        # Not for the lines that brought the visitor into the queue that was left since.
        return said_at is None or not left.filter(ended_at__gte=said_at).exists()
    return someone_is_online(conversation.inbox_id) and not left.exists()
