"""What beat rings for: the figures are brought up to date. Safe to run twice, at once, or not at all for a while."""

from contextlib import suppress

import structlog
from celery import shared_task
from django.utils import timezone

from analytics import exporting, mailing, rollups
from analytics.comparison import holding, running

log = structlog.get_logger(__name__)

# The next ring goes on where this one stops.
TICK_SECONDS = 20.0
# A comparison gives others their turn, and goes on with the next ring.
SLICE_SECONDS = 60.0


@shared_task
def fill() -> None:
    """Counts what happened since it was last counted; nothing while another process does."""
    with suppress(rollups.Busy):
        rollups.tick(seconds=TICK_SECONDS)


@shared_task
def export(pk: int) -> None:
    """Writes a file of conversations that somebody waits for."""
    exporting.run(pk)


@shared_task
def compare(pk: int) -> None:
    """Goes on with a model comparison for a while; rings for the rest."""
    running.run(pk, seconds=SLICE_SECONDS)
    if pk in holding.waiting():
        compare.delay(pk)


@shared_task
def resume_comparisons() -> None:
    """Rings for comparisons that nobody is at: the doorbell was lost, or the worker died."""
    for pk in holding.waiting():
        compare.delay(pk)


@shared_task
def recheck() -> None:
    """Has the last days counted once more, and removes files nobody will fetch any more."""
    rollups.recheck()
    exporting.sweep()
    log.info("analytics_rechecked")


@shared_task
def send_reports() -> None:
    """Sends the reports that are due; each once, whoever else rings."""
    mailing.send_due(timezone.now())
