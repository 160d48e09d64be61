"""Starts, watches and rolls back canaries. Called by the admin and by the guard that beat rings for.

Every change is one conditional update of the row, then `announce`: all workers follow within seconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from prompts.llm import breaker
from prompts.llm import canary as arithmetic
from prompts.llm.canary import BUCKETS, ArmStats, Breach, Guard, Uniformity
from prompts.locks import Lock
from prompts.models import Canary
from prompts.redis import connection as redis_connection
from prompts.snapshot import announce

log = structlog.get_logger(__name__)


# What went wrong lately counts; and the question must cost the same however long a canary runs.
JUDGED_HOURS = 24
# Of the ledger, one row per arm ("" is the control): turns, takeovers, calls, errors, JSON wanted and failed, p99.
# What a fallback did for the arm is no merit of its endpoint.
STATISTICS = """
    SELECT canary = %(name)s AS arm,
           count(DISTINCT trace_id),
           count(DISTINCT trace_id) FILTER (WHERE taken_over),
           count(*) FILTER (WHERE own),
           count(*) FILTER (WHERE own AND error_class <> ''),
           count(*) FILTER (WHERE own AND wants_json),
           count(*) FILTER (WHERE own AND wants_json AND error_class = 'bad_output'),
           coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY total_ms)
                    FILTER (WHERE own AND error_class = ''), 0)
    FROM (SELECT *, canary = '' OR endpoint = %(endpoint)s AS own FROM prompts_modelcall) AS call
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
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.STARTING_CANARIES])
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
        asked = {"name": canary.name, "endpoint": canary.endpoint.name}
        cursor.execute(STATISTICS, {**asked, "since": since, "until": until})
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
    running = Canary.objects.filter(status=Canary.Status.RUNNING, automatic=True)
    broken = []
    for canary in running.select_related("endpoint"):
        try:
            reason = broken_by(canary)
        except DatabaseError:
            log.exception("canary_unguarded", canary=canary.name)
            continue
        if reason and roll_back(canary, reason):
            broken.append(canary.name)
    return broken


def broken_by(canary: Canary) -> str:
    """What broke the guard, in Chinese and English; empty: nothing did.

    An endpoint that has to be left alone is no arm any more: its turns go elsewhere, and no sample would show it.
    """
    if breaker.state(redis_connection(), canary.endpoint.name) == "open":
        return "灰度模型已熔断 / the arm's endpoint keeps failing and is left alone"
    breach = statistics(canary).breach
    return f"{breach.message_zh} / {breach.message_en}" if breach else ""


def tails(*, days: int = 30) -> Uniformity:
    """Whether the order numbers of the last days spread evenly over the buckets."""
    counts = [0] * BUCKETS
    with connection.cursor() as cursor:
        cursor.execute(TAILS, {"since": timezone.now() - timedelta(days=days)})
        for bucket, count in cursor.fetchall():
            counts[bucket] = count
    return arithmetic.uniformity_of(counts)
