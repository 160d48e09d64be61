"""How long somebody waits for a person: the place in the queue, and an estimate from what conversations took lately.

Called by transcript for the visitor's own frame, and by ownership when the queue moved.
"""

import math
import time
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from chat import intake, serving
from chat.inbox import hours
from chat.models import Conversation, Escalation, Inbox
from chat.states import EscalationEnd, Owner

# Of the last week, so many conversations say how long one takes; from fewer nothing is told.
SAMPLES_MOST, SAMPLES_LEAST = 20, 3
SAMPLED = timedelta(days=7)
KEPT_SECONDS = 15.0
# Far more than anybody waits behind; a bound all the same.
TOLD_MOST = 1000


@dataclass(frozen=True, slots=True)
class Pace:
    """`handle_seconds` is what a person needs for one conversation, None when too few are known."""

    handle_seconds: float | None
    agents: int


class Paces:
    """The pace of each inbox, counted anew after KEPT_SECONDS."""

    def __init__(self) -> None:
        self.kept: dict[int, tuple[float, Pace]] = {}

    def forget(self) -> None:
        """Somebody came or went: the next look counts anew."""
        self.kept = {}

    def get(self, inbox_id: int) -> Pace:
        known = self.kept.get(inbox_id)
        if known is None or time.monotonic() - known[0] > KEPT_SECONDS:
            self.kept[inbox_id] = known = (time.monotonic(), measure(inbox_id))
        return known[1]


PACES = Paces()


def measure(inbox_id: int) -> Pace:
    """From the claim to the end, the median of the latest conversations a person has finished."""
    claimed = Escalation.objects.filter(
        conversation__inbox_id=inbox_id,
        end=EscalationEnd.CLAIMED.value,
        ended_at__gt=timezone.now() - SAMPLED,
        conversation__resolved_at__gt=F("ended_at"),
    ).order_by("-ended_at")
    spans = claimed.values_list("ended_at", "conversation__resolved_at")[:SAMPLES_MOST]
    seconds = [(end - begin).total_seconds() for begin, end in spans if begin and end]
    agents = serving.agents_of(intake.online(), inbox_id).count()
    return Pace(median(seconds) if len(seconds) >= SAMPLES_LEAST else None, agents)


def place(conversation: Conversation) -> dict[str, Any]:
    """`queue` of a waiting conversation: 1 for the one that has waited longest in its inbox."""
    ahead = waiting_in(conversation.inbox_id).filter(waiting_since__lt=conversation.waiting_since)
    return place_fields(1 + ahead.count(), PACES.get(conversation.inbox_id))


def place_fields(position: int, pace: Pace) -> dict[str, Any]:
    """`staffed` says whether anybody is there to whom the line could move."""
    staffed = pace.agents > 0 and not intake.rules().paused
    return {
        "position": position,
        "eta_seconds": eta_seconds(position, pace) if staffed else None,
        "staffed": staffed,
    }


def eta_seconds(position: int, pace: Pace) -> int | None:
    """None where nobody can say: no agent is online, or too little is known."""
    if pace.handle_seconds is None or not pace.agents:
        return None
    return math.ceil(position / pace.agents * pace.handle_seconds)


def waiting_in(inbox_id: int) -> Any:
    return Conversation.objects.filter(
        inbox_id=inbox_id, owner=Owner.QUEUE.value, resolved_at__isnull=True
    )


def line(inbox_id: int) -> list[tuple[UUID, UUID, dict[str, Any]]]:
    """Who waits, longest first: visitor, conversation, and the place of each. Nobody after hours: no queue moves then."""
    rows = waiting_in(inbox_id).order_by("waiting_since").values_list("visitor_id", "pk")
    waiting = list(rows[:TOLD_MOST])
    if not waiting:
        return []
    hours_of = Inbox.objects.values_list("hours", flat=True).get(pk=inbox_id)
    if not hours.is_open(hours_of, at=timezone.now()):
        return []
    pace = PACES.get(inbox_id)
    return [
        (visitor, pk, place_fields(position, pace))
        for position, (visitor, pk) in enumerate(waiting, start=1)
    ]
