"""How waiting conversations reach agents: the rules in force, who is there, and the doorbell of whoever gives them out.

Called by ownership and actions, which ring it, and by escalation, waiting and assigning, which read it.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from kombu.exceptions import OperationalError

from chat.models import Agent, Conversation, IntakePolicy, Ring
from chat.states import Intake, Owner, Presence
from prompts import snapshot

log = structlog.get_logger(__name__)

ASSIGN = "chat.tasks.assign"
# A console that was not heard of for so many beats has fallen silent: two in vain, and half a one to be late by.
BEATS = 2.5


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy's row as a value."""

    taken_at: float
    pushes: bool = False
    paused: bool = False
    ring_seconds: int = 20
    misses_most: int = 3
    affinity: bool = True
    over_capacity: bool = True


def take() -> Rules:
    taken_at = time.monotonic()
    row = IntakePolicy.objects.filter(pk=1).first() or IntakePolicy()
    return Rules(
        taken_at=taken_at,
        pushes=row.mode == Intake.PUSH.value,
        paused=row.paused,
        ring_seconds=row.ring_seconds,
        misses_most=row.misses_most,
        affinity=row.affinity,
        over_capacity=row.over_capacity,
    )


CACHE: snapshot.Cache[Rules] = snapshot.also_drop(snapshot.Cache(take))


def rules() -> Rules:
    """The rules in force; every process hears of a change within seconds."""
    return CACHE.get()


def silent_since() -> datetime:
    """Whoever was last heard of before this is gone, for whatever asks: 50 s ago with beats every 20 s."""
    return timezone.now() - timedelta(seconds=BEATS * settings.HEARTBEAT_SECONDS)


def online() -> QuerySet[Agent]:
    """Agents who take conversations now; one whose console fell silent does not."""
    heard = Q(seen_at=None) | Q(seen_at__gte=silent_since())
    return Agent.objects.filter(heard, presence=Presence.ONLINE.value)


def presence_of(agent: Agent) -> str:
    """What the agent last said, as long as the console is heard of."""
    silent = agent.seen_at is not None and agent.seen_at < silent_since()
    return Presence.AWAY.value if silent else agent.presence


def in_hand() -> QuerySet[Conversation]:
    """What agents have at this moment, set aside or not."""
    return Conversation.objects.filter(owner=Owner.AGENT.value, resolved_at=None)


def ringing() -> QuerySet[Ring]:
    """What rings at somebody at this moment."""
    return Ring.objects.filter(ended_at=None)


def number_of(rows: "QuerySet[Conversation] | QuerySet[Ring]") -> Coalesce:
    """In a query of agents: how many of the rows are each one's. A count of its own, so that none multiplies another."""
    mine = rows.filter(agent=OuterRef("pk")).order_by().values("agent")
    return Coalesce(Subquery(mine.annotate(number=Count("pk")).values("number")), 0)


def set_paused(*, paused: bool) -> None:
    """Whether the queue is closed to new customers; every process hears of it."""
    IntakePolicy.objects.update_or_create(pk=1, defaults={"paused": paused})
    snapshot.announce()


def assign_soon() -> None:
    """Rings for whoever gives conversations out, once the transaction is committed; nothing where agents take them."""
    if rules().pushes:
        transaction.on_commit(ring)


def ring() -> None:
    try:
        current_app.send_task(ASSIGN)
    except (OperationalError, OSError) as error:
        log.warning("assign_doorbell_lost", error=type(error).__name__)
