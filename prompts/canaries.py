"""Starts, watches and rolls back canaries. Called by the admin and by the guard that beat rings for.

Every change is one conditional update of the row, then `announce`: all workers follow within seconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from prompts.llm import canary as arithmetic
from prompts.llm.canary import BUCKETS, ArmStats, Breach, Guard, Uniformity
from prompts.models import Canary
from prompts.snapshot import announce

log = structlog.get_logger(__name__)

STARTING_LOCK = 7_305_002

# What went wrong lately counts; and the question must cost the same however long a canary runs.
JUDGED_HOURS = 24
# Of the ledger, one row per arm ("" is the control): turns, takeovers, calls, errors, JSON wanted and failed, p99.
STATISTICS = """
    SELECT canary = %(name)s AS arm,
           count(DISTINCT trace_id),
           count(DISTINCT trace_id) FILTER (WHERE taken_over),
           count(*),
           count(*) FILTER (WHERE error_class <> ''),
           count(*) FILTER (WHERE wants_json),
           count(*) FILTER (WHERE wants_json AND error_class = 'bad_output'),
           coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY total_ms)
                    FILTER (WHERE error_class = ''), 0)
    FROM prompts_modelcall
    WHERE at >= %(since)s AND at < %(until)s AND purpose = 'answer'
      AND error_class <> 'abandoned' AND canary IN ('', %(name)s)
    GROUP BY 1
"""
# The endings of order numbers: each conversation's turns carry the same one, so each day counts a bucket per trace.
TAILS = """
    SELECT bucket, count(DISTINCT trace_id) FROM prompts_modelcall
    WHERE at >= %(since)s AND bucket_source = 'order' AND bucket IS NOT NULL GROUP BY bucket
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the arm of a canary fares beside the control, and the guard it broke, if it did."""

    arm: ArmStats
    control: ArmStats
    breach: Breach | None


def start(canary: Canary) -> bool:
    """Sends the buckets to the canary's endpoint from now on; False when it was not a draft, or overlaps another."""
    with transaction.atomic(), connection.cursor() as cursor:
        # One start at a time, or two that overlap could each find that the other does not run yet.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [STARTING_LOCK])
        if overlapping(canary) is not None:
            return False
        return move(canary, Canary.Status.DRAFT, Canary.Status.RUNNING, started_at=timezone.now())


def roll_back(canary: Canary, reason: str) -> bool:
    """Sends everybody back to the control; False when the canary was not running."""
    ended = {"ended_at": timezone.now(), "reason": reason[:200]}
    return move(canary, Canary.Status.RUNNING, Canary.Status.ROLLED_BACK, **ended)


def finish(canary: Canary) -> bool:
    """Ends a canary that did well; False when it was not running."""
    return move(canary, Canary.Status.RUNNING, Canary.Status.FINISHED, ended_at=timezone.now())


def move(canary: Canary, status: str, to: str, **changes: Any) -> bool:
    moved = Canary.objects.filter(pk=canary.pk, status=status).update(status=to, **changes)
    if moved:
        announce()
        log.warning("canary_moved", canary=canary.name, status=to)
    return bool(moved)


def overlapping(canary: Canary) -> Canary | None:
    """A running canary that claims some of the same buckets."""
    shared = Q(first_bucket__lte=canary.last_bucket, last_bucket__gte=canary.first_bucket)
    running = Canary.objects.filter(shared, status=Canary.Status.RUNNING)
    return running.exclude(pk=canary.pk).first()


def statistics(canary: Canary) -> Comparison:
    """Arm against control from the start until the end or now, over the last JUDGED_HOURS of it at most."""
    until = canary.ended_at or timezone.now()
    since = max(canary.started_at or until, until - timedelta(hours=JUDGED_HOURS))
    found = read_arms(canary, since=since, until=until)
    arm, control = found.get(True, ArmStats()), found.get(False, ArmStats())
    return Comparison(arm, control, arithmetic.judge(arm, control=control, guard=guard_of(canary)))


def read_arms(canary: Canary, *, since: datetime, until: datetime) -> dict[bool, ArmStats]:
    with connection.cursor() as cursor:
        cursor.execute(STATISTICS, {"name": canary.name, "since": since, "until": until})
        return {arm: ArmStats(*counts) for arm, *counts in cursor.fetchall()}


def guard_of(canary: Canary) -> Guard:
    return Guard(
        min_samples=canary.min_samples,
        error_points=canary.max_error_points,
        json_points=canary.max_json_points,
        takeover_points=canary.max_takeover_points,
        p99_factor=canary.max_p99_factor,
    )


def guard() -> list[str]:
    """Rolls back every running canary that broke its guard; their names."""
    broken = []
    for canary in Canary.objects.filter(status=Canary.Status.RUNNING, automatic=True):
        breach = statistics(canary).breach
        if breach and roll_back(canary, f"{breach.message_zh} / {breach.message_en}"):
            broken.append(canary.name)
    return broken


def tails(*, days: int = 30) -> Uniformity:
    """Whether the order numbers of the last days spread evenly over the buckets."""
    counts = [0] * BUCKETS
    with connection.cursor() as cursor:
        cursor.execute(TAILS, {"since": timezone.now() - timedelta(days=days)})
        for bucket, count in cursor.fetchall():
            counts[bucket] = count
    return arithmetic.uniformity_of(counts)
