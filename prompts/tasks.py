"""What beat, staff and a worker's start ring for: canaries are guarded, qualities counted, classifiers trained, SOPs
imported, evaluations run.

Safe to run twice, or not at all for a while.
"""

from datetime import timedelta
from typing import Any

import structlog
from celery import shared_task
from django.db import connection, transaction
from django.utils import timezone

from prompts import audit, canaries, imports, lease, radar, releases, understanding
from prompts.evaluation import running
from prompts.locks import Lock
from prompts.models import EvalRun, ExampleUse, NluModel, QualityCell
from prompts.snapshot import announce

log = structlog.get_logger(__name__)

# What an endpoint did two weeks ago says little of how it does today.
QUALITY_DAYS = 14
# One row per cell, and one per endpoint over all of them (its intent, emotion and length are empty).
CELLS = """
    SELECT endpoint, coalesce(intent, ''), coalesce(emotion, ''), coalesce(length, ''),
           count(*) FILTER (WHERE error_class = '' AND NOT taken_over AND feedback <> 'down'),
           count(*),
           coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY first_token_ms)
                    FILTER (WHERE at >= %(hour)s AND first_token_ms IS NOT NULL), 0)
    FROM prompts_modelcall
    WHERE at >= %(since)s AND purpose = 'answer' AND error_class <> 'abandoned'
    GROUP BY GROUPING SETS ((endpoint), (endpoint, intent, emotion, length))
    HAVING GROUPING(intent) = 1 OR intent <> ''
"""
# In how many turns each example was shown, and in how many of them the answer was good. A turn may take several calls
# (rounds of tools, a fallback): it is judged by the last one.
USES = """
    SELECT example, count(*), count(*) FILTER (WHERE is_good)
    FROM (
        SELECT example.id AS example,
               (array_agg(error_class ORDER BY at DESC, attempt DESC))[1] = ''
               AND NOT bool_or(taken_over) AND NOT bool_or(feedback = 'down') AS is_good
        FROM prompts_modelcall call
        CROSS JOIN LATERAL jsonb_array_elements_text(call.decision -> 'examples') AS shown(id)
        JOIN prompts_fewshotexample example ON example.id = shown.id::bigint
        WHERE at >= %(since)s AND purpose = 'answer' AND error_class <> 'abandoned'
          AND jsonb_typeof(call.decision -> 'examples') = 'array'
        GROUP BY example.id, call.trace_id
    ) turns
    GROUP BY example
"""


@shared_task
def guard_canaries() -> None:
    """Rolls back canaries and releases that broke their guard; those in stages that do well go on."""
    with audit.acting(None, by="guard"):
        canaries.guard()
        releases.guard()
        releases.advance()


@shared_task
def count_qualities() -> None:
    """Counts how every endpoint fared lately, for the router; nothing while another worker is at it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [Lock.COUNTING_QUALITIES])
        if not cursor.fetchone()[0]:
            return
        rows = read_cells()
        QualityCell.objects.all().delete()
        QualityCell.objects.bulk_create(rows)
        count_uses()
        announce()
    log.info("qualities_counted", cells=len(rows))


@shared_task
def check_import(pk: int) -> None:
    """Says what would become of every row of an uploaded file of SOPs."""
    imports.check(pk)


@shared_task
def apply_import(pk: int) -> None:
    """Applies a checked file of SOPs that staff agreed to."""
    imports.apply(pk)


@shared_task
def run_evaluation(pk: int) -> None:
    """Asks every case of a run that waits, or whose worker died."""
    running.run(pk)


@shared_task
def resume_jobs() -> None:
    """Rings for evaluation runs and files of SOPs that nobody is at: the doorbell was lost, or the worker died."""
    for pk in lease.unattended(EvalRun.objects.all()):
        run_evaluation.delay(pk)
    to_check, to_apply = imports.unattended()
    for pk in to_check:
        check_import.delay(pk)
    for pk in to_apply:
        apply_import.delay(pk)


@shared_task
def look_for_clashes() -> None:
    """Looks for SOPs that are in each other's way."""
    log.info("clashes_found", count=radar.look())


@shared_task
def train_nlu(*, user_id: int | None = None) -> None:
    """Trains a classifier from the examples as they are now; nothing while another process does."""
    understanding.train_apart(user_id=user_id)


@shared_task
def train_first() -> None:
    """Trains the first classifier of an installation; nothing once there is one."""
    if not NluModel.objects.exists():
        understanding.train_apart(note="first", if_none=True)


def count_uses() -> None:
    """Counts how often each example was shown lately, and how often the answer was good."""
    with connection.cursor() as cursor:
        cursor.execute(USES, {"since": timezone.now() - timedelta(days=QUALITY_DAYS)})
        counted = cursor.fetchall()
    ExampleUse.objects.all().delete()
    ExampleUse.objects.bulk_create(
        ExampleUse(example_id=pk, shown=shown, good=good) for pk, shown, good in counted
    )


def read_cells() -> list[QualityCell]:
    now = timezone.now()
    since: dict[str, Any] = {
        "since": now - timedelta(days=QUALITY_DAYS),
        "hour": now - timedelta(hours=1),
    }
    with connection.cursor() as cursor:
        cursor.execute(CELLS, since)
        return [
            QualityCell(
                endpoint=endpoint,
                intent=intent,
                emotion=emotion,
                length=length,
                good=good,
                n=n,
                p95_ms=p95_ms,
            )
            for endpoint, intent, emotion, length, good, n, p95_ms in cursor.fetchall()
        ]
