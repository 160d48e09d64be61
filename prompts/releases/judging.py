"""How a release fares beside everybody else, and the guard that takes it back by itself. Called by the admin and by beat."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.db import DatabaseError, connection
from django.utils import timezone

from prompts.ledger import in_cny
from prompts.llm import canary as arithmetic
from prompts.llm.canary import ArmStats, Breach, Guard
from prompts.models import Release
from prompts.releases import evidence
from prompts.releases.moving import roll_back

log = structlog.get_logger(__name__)

# What went wrong lately counts, as far back as it takes to find enough; and where much is said, the question must cost
# the same however long a canary runs.
JUDGED_HOURS = 24
# One row per arm and currency: turns with a model, those of which a call failed, calls, errors, cost.
CALLS = """
    SELECT release = %(name)s AS arm, currency, count(DISTINCT trace_id),
           count(DISTINCT trace_id) FILTER (WHERE error_class <> ''), count(*),
           count(*) FILTER (WHERE error_class <> ''), sum(cost)
    FROM prompts_modelcall
    WHERE at >= %(since)s AND at < %(until)s AND purpose = 'answer' AND error_class <> 'abandoned'
    GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """How one arm fared: all its turns, with a model or without, and what the calls of some of them cost, in CNY."""

    stats: ArmStats = field(default_factory=ArmStats)
    cost_cny: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The release beside everybody else, and the guard it broke, if it did."""

    arm: Figures
    control: Figures
    breach: Breach | None
    # From when on it was looked at, and how turns and conversations ended since.
    since: datetime
    ended: tuple[evidence.Outcomes, evidence.Outcomes]


# How a release fares: by the ledger, and by how conversations ended.
Told = tuple[Comparison, tuple[evidence.Outcomes, evidence.Outcomes]]


def told(release: Release) -> Told:
    found = statistics(release)
    is_whole = found.since == release.started_at
    return found, found.ended if is_whole else evidence.read(release)


def statistics(release: Release) -> Comparison:
    """The release against everybody else: over its last JUDGED_HOURS, or all its time where these are too few turns."""
    until = release.published_at or release.ended_at or timezone.now()
    begun = release.started_at or until
    lately = max(begun, until - timedelta(hours=JUDGED_HOURS))
    found = between(release, lately, until)
    if begun < lately and found.arm.stats.turns < release.min_samples:
        return between(release, begun, until)
    return found


def between(release: Release, since: datetime, until: datetime) -> Comparison:
    with connection.cursor() as cursor:
        cursor.execute(CALLS, {"name": release.name, "since": since, "until": until})
        rows = cursor.fetchall()
    ended = evidence.read(release, since=since)
    arm = figures([row for row in rows if row[0]], ended[0])
    control = figures([row for row in rows if not row[0]], ended[1])
    breach = arithmetic.judge(arm.stats, control=control.stats, guard=guard_of(release))
    return Comparison(arm, control, breach, since, ended)


def figures(rows: list[Any], ended: evidence.Outcomes) -> Figures:
    """One arm: its calls over their currencies, and how its turns and conversations ended, as the page shows it."""
    with_model, failed, calls, errors = (sum(row[at] for row in rows) for at in range(2, 6))
    return Figures(
        stats=ArmStats(
            turns=ended.turns,
            conversations=ended.conversations,
            takeovers=ended.taken_over,
            with_model=with_model,
            failed=failed,
            calls=calls,
            errors=errors,
            p99_ms=ended.p99_ms,
            negatives=ended.negative,
        ),
        cost_cny=sum((in_cny(row[6], row[1]) for row in rows), Decimal(0)),
    )


def guard_of(release: Release) -> Guard:
    return Guard(
        min_samples=release.min_samples,
        error_points=release.max_error_points,
        takeover_points=release.max_takeover_points,
        p99_factor=release.max_p99_factor,
        negative_points=release.max_negative_points,
        early=True,
    )


def guard() -> list[str]:
    """Rolls back every release on trial that broke its guard; their names."""
    broken = []
    for release in Release.objects.filter(status=Release.Status.CANARY, automatic=True):
        try:
            breach = statistics(release).breach
        except DatabaseError:
            log.exception("release_unguarded", release=release.name)
            continue
        # One that somebody publishes meanwhile is no longer the guard's to judge.
        still = {"status": Release.Status.CANARY, "automatic": True}
        reason = f"{breach.message_zh} / {breach.message_en}" if breach else ""
        if reason and roll_back(release, reason, only=still):
            broken.append(release.name)
    return broken
