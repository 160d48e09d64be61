"""What a supervisor sees of the desk now and of today: the queue, who is there with how much in hand, and how it went.

Reads only. Called by consumers and api.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from statistics import median
from typing import Any

from django.db.models import Avg, Count, Min, OuterRef, Q, Subquery
from django.utils import timezone

from chat import intake, protocol, serving
from chat.models import Agent, Brief, Conversation, Escalation, Message, Rating
from chat.states import EscalationEnd, Grade, Owner, Role, Writing

QUICK_SECONDS = 30
# So far back are the grades of briefs counted on the board.
GRADED_DAYS = 30


@dataclass(frozen=True, slots=True)
class Day:
    """An agent's day. Shares are 0 to 1; None where there is nothing to say it of."""

    served: int = 0
    resolved: int = 0
    quick_share: float | None = None
    reply_seconds: float | None = None
    score: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "served": self.served,
            "resolved": self.resolved,
            "quick_share": self.quick_share,
            "reply_seconds": self.reply_seconds,
            "score": self.score,
        }


def read(reader: Agent | None = None) -> dict[str, Any]:
    """The `board` frame: `{queue, agents[], briefs[], mode, paused, at}`.

    Of the inboxes that the reader serves, and of the agents who serve one of them; None: of all.
    """
    now, rules = timezone.now(), intake.rules()
    members = list(staff(reader))
    days = today(now, agents=[agent.pk for agent in members])
    return {
        "queue": queue(reader),
        "agents": [as_agent(agent, days[agent.pk]) for agent in members],
        "briefs": graded(days=GRADED_DAYS, reader=reader),
        "mode": "push" if rules.pushes else "pull",
        "paused": rules.paused,
        "at": protocol.iso(now),
    }


def queue(reader: Agent | None) -> list[dict[str, Any]]:
    """How many wait in each inbox, and since when the first."""
    waits = Conversation.objects.filter(owner=Owner.QUEUE.value, resolved_at=None)
    waits = serving.scoped(waits, reader)
    by_inbox = waits.values("inbox__name").annotate(n=Count("pk"), since=Min("waiting_since"))
    return [
        {"inbox": row["inbox__name"], "waiting": row["n"], "since": protocol.iso(row["since"])}
        for row in by_inbox.order_by("-n", "inbox__name")
    ]


def staff(reader: Agent | None) -> Iterable[Any]:
    agents = Agent.objects.filter(user__is_active=True, user__is_staff=True).annotate(
        load=intake.number_of(intake.in_hand().filter(snoozed=False)),
        aside=intake.number_of(intake.in_hand().filter(snoozed=True)),
        ringing=intake.number_of(intake.ringing()),
    )
    own = serving.inboxes_of(reader)
    if own is not None:
        shared = [serving.is_served(OuterRef("pk"), inbox) for inbox in own]
        agents = agents.filter(reduce(or_, shared))
    return agents.order_by("name")


def as_agent(agent: Any, day: Day) -> dict[str, Any]:
    return {
        "id": agent.pk,
        "name": agent.name,
        "presence": intake.presence_of(agent),
        "load": agent.load,
        "aside": agent.aside,
        "ringing": agent.ringing,
        "capacity": agent.capacity,
        "today": day.as_json(),
    }


def today(now: datetime, *, agents: Iterable[int]) -> dict[int, Day]:
    """The day so far of these agents, by the shop's natural day."""
    since = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    agents = list(agents)
    spans, served = replies(since, agents=agents)
    # Whatever was resolved since was also active since, and that is indexed.
    ended = Conversation.objects.filter(last_activity_at__gte=since, resolved_at__gte=since)
    resolved = counted(ended.filter(owner=Owner.AGENT.value, agent__in=agents).values("agent"))
    ratings = Rating.objects.filter(at__gte=since, conversation__agent__in=agents)
    scores = ratings.values("conversation__agent").annotate(score=Avg("score"))
    liked = {row["conversation__agent"]: round(row["score"], 2) for row in scores}
    days: dict[int, Day] = defaultdict(Day)
    for pk in {*served, *resolved, *liked}:
        seconds = spans[pk]
        days[pk] = Day(
            served=len(served[pk]),
            resolved=resolved.get(pk, 0),
            quick_share=share(seconds),
            reply_seconds=round(median(seconds), 1) if seconds else None,
            score=liked.get(pk),
        )
    return days


def counted(rows: Any) -> dict[int, int]:
    return {row["agent"]: row["n"] for row in rows.annotate(n=Count("pk"))}


def replies(
    since: datetime, *, agents: list[int]
) -> tuple[dict[int, list[float]], dict[int, set[Any]]]:
    """By agent: seconds from each claim of today to the first reply after it, and the conversations claimed."""
    first = Message.objects.filter(
        conversation=OuterRef("conversation"), role=Role.AGENT.value, at__gte=OuterRef("ended_at")
    )
    claims = Escalation.objects.filter(
        end=EscalationEnd.CLAIMED.value, ended_at__gte=since, agent__in=agents
    ).annotate(replied_at=Subquery(first.order_by("seq").values("at")[:1]))
    spans: dict[int, list[float]] = defaultdict(list)
    served: dict[int, set[Any]] = defaultdict(set)
    for row in claims.values_list("agent", "conversation", "ended_at", "replied_at"):
        agent, conversation, claimed_at, replied_at = row
        served[agent].add(conversation)
        if replied_at is not None:
            spans[agent].append((replied_at - claimed_at).total_seconds())
    return spans, served


def share(seconds: list[float]) -> float | None:
    quick = sum(span <= QUICK_SECONDS for span in seconds)
    return round(quick / len(seconds), 3) if seconds else None


def own(agent: Agent) -> dict[str, Any]:
    """The agent's own day, for the strip at the top."""
    return today(timezone.now(), agents=[agent.pk])[agent.pk].as_json()


def graded(*, days: int, reader: Agent | None = None) -> list[dict[str, Any]]:
    """How briefs of the last days were graded, by who wrote them: `{source, briefs, good, bad}`."""
    since = timezone.now() - timedelta(days=days)
    rows = serving.scoped(Brief.objects.filter(at__gte=since), reader, inbox="conversation__inbox")
    by_model = Q(state=Writing.DONE.value)
    return [
        {
            "source": source,
            **rows.filter(which).aggregate(
                briefs=Count("pk"),
                good=Count("pk", filter=Q(grade=Grade.GOOD.value)),
                bad=Count("pk", filter=Q(grade=Grade.BAD.value)),
            ),
        }
        for source, which in (("model", by_model), ("template", ~by_model))
    ]
