"""How a release fares beside everybody else, and the guard that takes it back by itself. Called by the admin and by beat."""

from dataclasses import dataclass, field
from datetime import timedelta
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

# What went wrong lately counts; and the question must cost the same however long a canary runs.
JUDGED_HOURS = 24
# One row per arm and currency: turns, takeovers, calls, errors, p99, negative turns, p50, thumbs down, cost.
STATISTICS = """
    SELECT release = %(name)s AS arm, currency,
           count(DISTINCT trace_id),
           count(DISTINCT trace_id) FILTER (WHERE taken_over),
           count(*),
           count(*) FILTER (WHERE error_class <> ''),
           coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY total_ms)
                    FILTER (WHERE error_class = ''), 0),
           count(DISTINCT trace_id) FILTER (WHERE emotion = 'negative'),
           coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY total_ms)
                    FILTER (WHERE error_class = ''), 0),
           count(DISTINCT trace_id) FILTER (WHERE feedback = 'down'),
           sum(cost)
    FROM prompts_modelcall
    WHERE at >= %(since)s AND at < %(until)s AND purpose = 'answer' AND error_class <> 'abandoned'
    GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """How the turns of one arm fared; milliseconds, and CNY in all."""

    stats: ArmStats = field(default_factory=ArmStats)
    p50_ms: float = 0.0
    thumbs_down: int = 0
    cost_cny: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The release beside everybody else, and the guard it broke, if it did."""

    arm: Figures
    control: Figures
    breach: Breach | None


# How a release fares: by the ledger, and by how conversations ended.
Told = tuple[Comparison, tuple[evidence.Outcomes, evidence.Outcomes]]


def told(release: Release) -> Told:
    return statistics(release), evidence.read(release)


def statistics(release: Release) -> Comparison:
    """The release against everybody else since it started, over the last JUDGED_HOURS of it at most."""
    until = release.published_at or release.ended_at or timezone.now()
    since = max(release.started_at or until, until - timedelta(hours=JUDGED_HOURS))
    with connection.cursor() as cursor:
        cursor.execute(STATISTICS, {"name": release.name, "since": since, "until": until})
        rows = cursor.fetchall()
    arm = summed([row for row in rows if row[0]])
    control = summed([row for row in rows if not row[0]])
    breach = arithmetic.judge(arm.stats, control=control.stats, guard=guard_of(release))
    return Comparison(arm, control, breach)


def summed(rows: list[Any]) -> Figures:
    """One arm over its currencies. A percentile is the slowest of theirs."""
    found = Figures()
    for _, currency, turns, taken, calls, errors, p99, negatives, p50, down, cost in rows:
        was = found.stats
        found = Figures(
            stats=ArmStats(
                turns=was.turns + turns,
                takeovers=was.takeovers + taken,
                calls=was.calls + calls,
                errors=was.errors + errors,
                p99_ms=max(was.p99_ms, p99),
                negatives=was.negatives + negatives,
            ),
            p50_ms=max(found.p50_ms, p50),
            thumbs_down=found.thumbs_down + down,
            cost_cny=found.cost_cny + in_cny(cost, currency),
        )
    return found


def guard_of(release: Release) -> Guard:
    return Guard(
        min_samples=release.min_samples,
        error_points=release.max_error_points,
        takeover_points=release.max_takeover_points,
        p99_factor=release.max_p99_factor,
        negative_points=release.max_negative_points,
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
