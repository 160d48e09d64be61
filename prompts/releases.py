"""Moves releases: gated by their evaluation set, tried on some buckets, published, taken back. Called by the admin
and by the guard that beat rings for.

Every move is one conditional update of the row, then `announce`: all processes follow within seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from prompts.ledger import in_cny
from prompts.llm import canary as arithmetic
from prompts.llm.canary import ArmStats, Breach, Guard
from prompts.locks import Lock
from prompts.models import EvalRun, Prompt, Release, RoutePolicy
from prompts.snapshot import announce

log = structlog.get_logger(__name__)

Status = Release.Status
# What went wrong lately counts; and the question must cost the same however long a canary runs.
JUDGED_HOURS = 24
SOPS = """
    SELECT key || '/' || language,
           md5(concat_ws('|', title, answer, intent, steps::text, required_slots::text, tool, shops::text,
                         skus::text, channels::text, valid_from::text, valid_to::text))
    FROM prompts_sop WHERE enabled ORDER BY 1
"""
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
class Gate:
    """Whether a release may go to customers; `run` is the latest finished run of its set on it."""

    is_open: bool
    run: EvalRun | None
    overridden: bool


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


def sop_digests() -> dict[str, str]:
    """What the SOPs say now, by key and language."""
    with connection.cursor() as cursor:
        cursor.execute(SOPS)
        return dict(cursor.fetchall())


def drift(release: Release, now: Mapping[str, str]) -> list[str]:
    """The SOPs that say something else than when the release was made, were added or taken away."""
    both = {*release.sops, *now}
    return sorted(key for key in both if release.sops.get(key) != now.get(key))


def gate(release: Release) -> Gate:
    """Open when the latest finished run of its set on it passed, or two people agreed to go without."""
    runs = EvalRun.objects.filter(release=release, set=release.eval_set_id, state="done")
    run = runs.select_related("set").order_by("-pk").first()
    overridden = release.override_by_id is not None
    return Gate(overridden or (run is not None and run.passes), run, overridden)


def ask_to_override(release: Release, *, reason: str, user_id: int) -> bool:
    """Asks another person to let a draft out in spite of its gate; False without a reason, or when it is no draft."""
    if not reason.strip():
        return False
    rows = Release.objects.filter(pk=release.pk, status=Status.DRAFT, override_by=None)
    return bool(rows.update(override_reason=reason.strip()[:200], override_asked_by_id=user_id))


def agree_to_override(release: Release, *, user_id: int) -> bool:
    """Agrees; False for whoever asked, and where nobody did."""
    asked = Release.objects.filter(pk=release.pk, status=Status.DRAFT, override_by=None)
    others = asked.exclude(override_asked_by=None).exclude(override_asked_by=user_id)
    return bool(others.update(override_by_id=user_id))


def start(release: Release) -> bool:
    """Sends the release's buckets to it; False when its gate is shut, it was no draft, or another has its buckets."""
    with transaction.atomic():
        lock()
        if overlapping(release) is not None or not gate(release).is_open:
            return False
        return move(release, Status.DRAFT, to=Status.CANARY, started_at=timezone.now())


def widen(release: Release, *, first: int, last: int) -> bool:
    """Gives a running canary other buckets; False when it does not run, or another has some of them."""
    with transaction.atomic():
        lock()
        wanted = Release(pk=release.pk, first_bucket=first, last_bucket=last)
        if not 0 <= first <= last < arithmetic.BUCKETS or overlapping(wanted) is not None:
            return False
        return move(release, Status.CANARY, to=Status.CANARY, first_bucket=first, last_bucket=last)


def publish(release: Release) -> bool:
    """Lets everybody hear the release; False when its gate is shut, or it is neither draft nor canary."""
    with transaction.atomic():
        lock()
        if not gate(release).is_open:
            return False
        earlier = Release.objects.filter(status=Status.PUBLISHED).first()
        if earlier is not None and earlier.pk != release.pk:
            move(earlier, Status.PUBLISHED, to=Status.SUPERSEDED)
        replaced = {**put_in_force(release), "release": earlier.pk if earlier else None}
        now = timezone.now()
        done = move(
            release,
            Status.DRAFT,
            Status.CANARY,
            to=Status.PUBLISHED,
            previous=replaced,
            started_at=release.started_at or now,
        )
        if not done:
            # Somebody else moved it meanwhile: nothing of the above holds.
            transaction.set_rollback(True)
        return done


def put_in_force(release: Release) -> dict[str, Any]:
    """Makes its versions and policy the current ones; what they replaced, by id."""
    versions = list(release.versions.select_related("prompt"))
    before = {str(version.prompt_id): version.prompt.current_id for version in versions}
    for version in versions:
        Prompt.objects.filter(pk=version.prompt_id).update(current=version)
    active = RoutePolicy.objects.filter(active=True).first()
    if release.policy_id:
        activate(release.policy_id)
    return {"prompts": before, "policy": active.pk if active else None}


def activate(policy_id: int | None) -> None:
    """Puts one policy into force; None: the built-in one."""
    RoutePolicy.objects.filter(active=True).update(active=False)
    if policy_id is not None:
        RoutePolicy.objects.filter(pk=policy_id).update(active=True)


def roll_back(release: Release, reason: str) -> bool:
    """Takes a release back, wherever it went; False when no customer hears it.

    What was put into force after it stays: only what is still the release's own gives way to what it replaced.
    """
    ended = {"ended_at": timezone.now(), "reason": reason[:200]}
    with transaction.atomic():
        lock()
        if move(release, Status.CANARY, to=Status.ROLLED_BACK, **ended):
            return True
        if not move(release, Status.PUBLISHED, to=Status.ROLLED_BACK, **ended):
            return False
        put_back(Release.objects.get(pk=release.pk))
        return True


def put_back(release: Release) -> None:
    for version in release.versions.all():
        before = release.previous["prompts"][str(version.prompt_id)]
        Prompt.objects.filter(pk=version.prompt_id, current=version).update(current_id=before)
    policy = release.policy
    if policy is not None and policy.active:
        activate(release.previous["policy"])
    Release.objects.filter(pk=release.previous["release"], status=Status.SUPERSEDED).update(
        status=Status.PUBLISHED
    )


def move(release: Release, *from_: str, to: str, **changes: Any) -> bool:
    moved = Release.objects.filter(pk=release.pk, status__in=from_).update(status=to, **changes)
    if moved:
        announce()
        log.warning("release_moved", release=release.name, status=to)
    return bool(moved)


def lock() -> None:
    """One move at a time, or two that overlap could each find that the other does not run yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.MOVING_RELEASES])


def overlapping(release: Release) -> Release | None:
    """Another release on some of the same buckets."""
    running = Release.objects.filter(
        status=Status.CANARY,
        first_bucket__lte=release.last_bucket,
        last_bucket__gte=release.first_bucket,
    )
    return running.exclude(pk=release.pk).first()


def statistics(release: Release) -> Comparison:
    """The release against everybody else since it started, over the last JUDGED_HOURS of it at most."""
    until = release.ended_at or timezone.now()
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
    for release in Release.objects.filter(status=Status.CANARY, automatic=True).defer("sops"):
        try:
            breach = statistics(release).breach
        except DatabaseError:
            log.exception("release_unguarded", release=release.name)
            continue
        if breach and roll_back(release, f"{breach.message_zh} / {breach.message_en}"):
            broken.append(release.name)
    return broken
