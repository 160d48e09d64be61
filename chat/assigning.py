"""Gives waiting conversations to agents: asks one, and the next when that one does not answer. Called by tasks and actions.

One at a time does so in the whole platform, under an advisory lock, so that nobody is asked beyond what they can take.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.utils import timezone

from chat import desk, intake, matching, protocol, push, serving
from chat.dialogue import open_topics, read_dialogue
from chat.matching import Free, Wish
from chat.models import Agent, Conversation, Ring, Skill
from chat.states import Owner, Presence, RingEnd
from prompts.locks import Lock

# Whoever did not take a conversation is asked for it again after so long, when there is nobody else.
ASKED = timedelta(minutes=2)
SWEPT_AT_ONCE = 200


def assign() -> int:
    """Asks agents with room for what waits; how many. Nothing where agents take conversations themselves."""
    rules = intake.rules()
    if not rules.pushes or rules.paused:
        return 0
    with transaction.atomic():
        hold_the_lock()
        now = timezone.now()
        wishes, agents = waiting(now, affinity=rules.affinity), free(now)
        until = now + timedelta(seconds=rules.ring_seconds)
        rings = [
            Ring(conversation_id=pk, agent_id=agent, at=now, until=until)
            for pk, agent in matching.pairs(wishes, agents)
        ]
        # Who left the queue this moment is left alone: the condition is looked at under the row's lock.
        rings = still_waiting(rings)
        Ring.objects.bulk_create(rings)
    tell(rings)
    return len(rings)


def hold_the_lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.GIVING_OUT])


def still_waiting(rings: list[Ring]) -> list[Ring]:
    ids = [ring.conversation_id for ring in rings]
    rows = Conversation.objects.select_for_update(no_key=True, skip_locked=True)
    held = rows.filter(pk__in=ids, owner=Owner.QUEUE.value, resolved_at=None)
    there = set(map(str, held.values_list("pk", flat=True)))
    return [ring for ring in rings if str(ring.conversation_id) in there]


def waiting(now: datetime, *, affinity: bool) -> list[Wish]:
    """What waits and rings nowhere, in the queue's order."""
    order = {place["conversation_id"]: at for at, place in enumerate(desk.queue())}
    ringing = Ring.objects.filter(ended_at=None).values("conversation")
    earlier = Conversation.objects.filter(visitor=OuterRef("visitor"), agent__isnull=False)
    known = earlier.exclude(pk=OuterRef("pk")).order_by("-created_at").values("agent")[:1]
    rows: list[Any] = list(
        Conversation.objects.filter(owner=Owner.QUEUE.value, resolved_at=None)
        .exclude(pk__in=ringing)
        .annotate(known=Subquery(known))
    )
    asked = asked_already(rows, now)
    skills = list(Skill.objects.values_list("pk", "inbox_id", "intents"))
    wishes = [
        Wish(
            id=str(row.pk),
            inbox=row.inbox_id,
            skills=needed(row, skills),
            team=row.team_id,
            known=row.known if affinity else None,
            asked=frozenset(asked[row.pk]),
        )
        for row in rows
    ]
    return sorted(wishes, key=lambda wish: order.get(wish.id, len(order)))


def asked_already(rows: Iterable[Conversation], now: datetime) -> dict[UUID, set[int]]:
    found: dict[UUID, set[int]] = defaultdict(set)
    ends = [RingEnd.MISSED.value, RingEnd.DECLINED.value]
    rings = Ring.objects.filter(conversation__in=[row.pk for row in rows], end__in=ends)
    for pk, agent in rings.filter(ended_at__gt=now - ASKED).values_list("conversation", "agent"):
        found[pk].add(agent)
    return found


def needed(row: Conversation, skills: list[Any]) -> frozenset[int]:
    """The skills that this conversation's inbox and open topics call for."""
    intents = {topic.intent for topic in open_topics(read_dialogue(row.dialogue))}
    return frozenset(
        pk
        for pk, inbox, about in skills
        if (inbox or about)
        and inbox in {None, row.inbox_id}
        and (not about or intents.intersection(about))
    )


def free(now: datetime) -> list[Free]:
    """Everybody online, with what they have in hand."""
    asked = Ring.objects.filter(agent=OuterRef("pk")).order_by("-at")
    agents = (
        intake.online()
        .filter(user__is_active=True, user__is_staff=True)
        .annotate(
            own=intake.number_of(intake.in_hand().filter(snoozed=False)),
            ringing=intake.number_of(intake.ringing()),
            asked_at=Subquery(asked.values("at")[:1]),
        )
        .prefetch_related("skills", "teams")
    )
    online, chosen = list(agents), serving.chosen()
    return [
        Free(
            id=agent.pk,
            load=agent.own + agent.ringing,
            capacity=agent.capacity,
            inboxes=chosen.get(agent.pk, frozenset()),
            skills=frozenset(skill.pk for skill in agent.skills.all()),
            teams=frozenset(team.pk for team in agent.teams.all()),
            since=agent.asked_at.timestamp() if agent.asked_at else 0.0,
        )
        for agent in online
        if agent.capacity
    ]


def tell(rings: Iterable[Ring]) -> None:
    """Every console hears who is asked for what; the one that is meant rings."""
    for ring in rings:
        until = protocol.iso(ring.until)
        fields = {"conversation_id": str(ring.conversation_id), "agent": ring.agent_id}
        push.to_staff({"type": "ring", **fields, "until": until})


def quiet(conversation_id: UUID, agent_id: int) -> None:
    """It rings no more."""
    fields = {"conversation_id": str(conversation_id), "agent": agent_id}
    push.to_staff({"type": "ring", **fields, "until": None})


def sweep() -> None:
    """Ends what rang in vain, sends agents away who miss too many, and asks the next."""
    now = timezone.now()
    over = Ring.objects.filter(ended_at=None, until__lte=now)
    for pk, conversation, agent in over.values_list("pk", "conversation", "agent")[:SWEPT_AT_ONCE]:
        mine = Ring.objects.filter(pk=pk, ended_at=None)
        if mine.update(ended_at=now, end=RingEnd.MISSED.value):
            quiet(conversation, agent)
            count_miss(agent)
    withdraw_absent()
    assign()


def count_miss(agent_id: int) -> None:
    Agent.objects.filter(pk=agent_id).update(misses=F("misses") + 1)
    away = Agent.objects.filter(
        pk=agent_id, misses__gte=intake.rules().misses_most, presence=Presence.ONLINE.value
    )
    if away.update(presence=Presence.AWAY.value, misses=0):
        agent = Agent.objects.get(pk=agent_id)
        push.to_staff({"type": "presence", "agent": desk.agent_fields(agent), "missed": True})


def withdraw_absent() -> None:
    """What rings at somebody who is not there any more, or not for this inbox, is taken back; that is no miss."""
    there = intake.online().values("pk")
    served = serving.is_served(OuterRef("agent"), OuterRef("conversation__inbox"))
    gone = Ring.objects.filter(ended_at=None).filter(~Q(agent__in=there) | ~served)
    for pk, conversation, agent in gone.values_list("pk", "conversation", "agent"):
        mine = Ring.objects.filter(pk=pk, ended_at=None)
        if mine.update(ended_at=timezone.now(), end=RingEnd.WITHDRAWN.value):
            quiet(conversation, agent)


def decline(conversation_id: UUID, *, agent: Agent) -> bool:
    """The agent does not take what rings; the next is asked. False when it rings no more."""
    mine = Ring.objects.filter(conversation=conversation_id, agent=agent, ended_at=None)
    if not mine.update(ended_at=timezone.now(), end=RingEnd.DECLINED.value):
        return False
    quiet(conversation_id, agent.pk)
    intake.assign_soon()
    return True
