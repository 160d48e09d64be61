"""What beat rings for: the figures are brought up to date. Safe to run twice, at once, or not at all for a while."""

from contextlib import suppress

import structlog
from celery import shared_task
from django.utils import timezone

from analytics import exporting, mailing, rollups

log = structlog.get_logger(__name__)

# The next ring goes on where this one stops.
TICK_SECONDS = 20.0


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
def recheck() -> None:
    """Has the last days counted once more, and removes files nobody will fetch any more."""
    rollups.recheck()
    exporting.sweep()
    log.info("analytics_rechecked")


@shared_task
def send_reports() -> None:
    """Sends the reports that are due; each once, whoever else rings."""
    mailing.send_due(timezone.now())
