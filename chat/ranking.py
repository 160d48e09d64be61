"""The order of the queue: how much longer a conversation counts as waiting than it has. Pure; used by chat.desk.

A minute of waiting is a point. Mood, tier and reasons add points, so they bring somebody forward by minutes and
never for ever: whoever waits long enough comes first. Equal scores go by arrival.
"""

from collections.abc import Iterable
from dataclasses import dataclass

SECONDS_PER_POINT = 60
VIP_POINTS = 5
# A bad mood from here on is fury.
FURIOUS_FROM = 0.9
FURIOUS_POINTS, NEGATIVE_POINTS = 6, 3
# Reasons of an escalation that make it urgent beyond the mood, which counts by itself.
REASON_POINTS = {"restricted": 8, "amount": 4, "tool_failed": 2, "failed": 2, "repeated": 1}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation in the queue, as far as its place depends on it."""

    id: str
    # Seconds since any fixed moment; only differences count.
    since: float
    mood: str = "neutral"
    mood_score: float = 0.0
    vip: bool = False
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """`because` are (code, points), the wait first."""

    id: str
    score: int
    because: tuple[tuple[str, int], ...]


def ordered(queue: Iterable[Waiting], *, now: float) -> list[Place]:
    """The queue, whose turn it is first."""
    by_turn = sorted(
        queue, key=lambda one: (-sum(p for _, p in because(one, now=now)), one.since, one.id)
    )
    return [place(one, now=now) for one in by_turn]


def place(one: Waiting, *, now: float) -> Place:
    points = because(one, now=now)
    return Place(one.id, sum(each for _, each in points), points)


def because(one: Waiting, *, now: float) -> tuple[tuple[str, int], ...]:
    """What adds to the score, each with its points."""
    minutes = max(0, int((now - one.since) // SECONDS_PER_POINT))
    added = [
        (reason, REASON_POINTS[reason])
        for reason in dict.fromkeys(one.reasons)
        if reason in REASON_POINTS
    ]
    return (
        ("wait", minutes),
        *mood_points(one),
        *([("vip", VIP_POINTS)] if one.vip else []),
        *added,
    )


def mood_points(one: Waiting) -> list[tuple[str, int]]:
    if one.mood != "negative":
        return []
    if one.mood_score >= FURIOUS_FROM:
        return [("furious", FURIOUS_POINTS)]
    return [("displeased", NEGATIVE_POINTS)]
