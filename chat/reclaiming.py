"""Takes conversations back from agents who are gone: whoever writes to nobody waits for somebody else instead.

Called by tasks. With a sweep each second a customer waits a minute at most.
"""

from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from chat import escalation, intake, ownership, serving
from chat.models import Conversation, Message
from chat.states import Role

log = structlog.get_logger(__name__)

TAKEN_AT_ONCE = 50


def sweep() -> int:
    """Puts what absent agents leave unanswered back into the queue; how many. Safe to run beside itself."""
    taken = list(left_alone().values_list("pk", flat=True)[:TAKEN_AT_ONCE])
    return sum(map(try_to_take_back, taken))


def try_to_take_back(conversation_id: UUID) -> bool:
    """One that cannot be taken back now keeps no other from it."""
    try:
        return take_back(conversation_id)
    except DatabaseError as error:
        log.warning(
            "not_taken_back", conversation_id=str(conversation_id), error=type(error).__name__
        )
        return False


def left_alone() -> QuerySet[Conversation]:
    """In the hands of an agent who fell silent, or left the staff, with a line that nobody answered; or whose inbox that agent serves no more."""
    gone = Q(agent__seen_at__lt=intake.silent_since())
    gone |= Q(agent__user__is_active=False) | Q(agent__user__is_staff=False)
    unserved = ~serving.is_served(OuterRef("agent"), OuterRef("inbox"))
    lines = Message.objects.filter(conversation=OuterRef("pk"))
    said = lines.filter(role=Role.AGENT.value).order_by("-seq").values("seq")[:1]
    unanswered = lines.filter(role=Role.VISITOR.value, seq__gt=OuterRef("said"))
    return (
        intake.in_hand()
        .filter(gone | unserved, snoozed=False)
        .annotate(said=Coalesce(Subquery(said), 0))
        # What its agent can neither see nor end would stay in their hands, answered or not.
        .filter(unserved | Exists(unanswered))
    )


def take_back(conversation_id: UUID) -> bool:
    """False when it is not left alone any more, or somebody else works on it at this moment."""
    with transaction.atomic():
        rows = Conversation.objects.select_for_update(no_key=True, skip_locked=True)
        held = rows.filter(pk=conversation_id).first()
        if held is None or not left_alone().filter(pk=conversation_id).exists():
            return False
        change = escalation.open_for(held, escalation.AGENT_GONE)
    ownership.announce(held, change)
    return True
