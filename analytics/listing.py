"""The conversations behind a figure, the latest first, a page at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from analytics.figures import as_text
from analytics.models import Outcome
from analytics.naming import KINDS, MOODS, Names
from analytics.reading import Question

SHOWN = 50
TRAIT_CHARS = 160


@dataclass(frozen=True, slots=True)
class Listed:
    """Some outcomes, and where the next ones begin; empty: these were the last."""

    outcomes: list[Outcome]
    next: str


def matching(question: Question, query: Mapping[str, str]) -> QuerySet[Outcome]:
    """The outcomes a figure of this question counts: begun on its days, of its inboxes, under its filters."""
    rows = Outcome.objects.exclude(kind=Outcome.Kind.EMPTY).filter(
        created_at__gte=question.period.since, created_at__lt=question.period.until
    )
    if question.inboxes is not None:
        rows = rows.filter(inbox_id__in=question.inboxes)
    traits = [query["trait"][:TRAIT_CHARS]] if query.get("trait") else []
    for name, value in question.filters.items():
        if name == "model":
            traits.append(f"model:{value}")
        else:
            rows = rows.filter(**{name: value})
    if traits:
        rows = rows.filter(traits__contains=traits)
    if query.get("agent", "").isdecimal():
        rows = rows.filter(agent_id=int(query["agent"][:18]))
    return rows


def page(question: Question, query: Mapping[str, str]) -> Listed:
    """The next SHOWN of them after the place that the address names."""
    rows = matching(question, query).order_by("-created_at", "-conversation_id")
    place = read_place(query.get("after", ""))
    if place is not None:
        at, pk = place
        rows = rows.filter(Q(created_at__lt=at) | Q(created_at=at, conversation_id__lt=pk))
    found = list(rows[: SHOWN + 1])
    last = found[SHOWN - 1] if len(found) > SHOWN else None
    return Listed(
        found[:SHOWN], f"{last.created_at.isoformat()}_{last.conversation_id}" if last else ""
    )


def read_place(text: str) -> tuple[datetime, UUID] | None:
    at, _, pk = text.partition("_")
    try:
        place = datetime.fromisoformat(at), UUID(pk)
    except ValueError:
        return None
    return place if place[0].tzinfo is not None else None


def moods(outcome: Outcome) -> str:
    """The first mood and the last, as "negative → neutral"; empty where none is known."""
    if not outcome.moods:
        return ""
    first, last = MOODS[outcome.moods[0]], MOODS[outcome.moods[-1]]
    return str(first) if len(outcome.moods) == 1 else f"{first} → {last}"


def as_row(outcome: Outcome, names: Names) -> dict[str, Any]:
    """What the list shows of a conversation; nothing of what was said."""
    return {
        "outcome": outcome,
        "inbox": names.inboxes.get(outcome.inbox_id, ""),
        "intent": names.intents.get(outcome.intent, outcome.intent),
        "agent": names.agents.get(str(outcome.agent_id), ""),
        "kind": KINDS[outcome.kind],
        "moods": moods(outcome),
        "cost": as_text(outcome.cost_micro_cny / 1e6, "money"),
    }
