"""What beat rings for: the figures are brought up to date. Safe to run twice, at once, or not at all for a while."""

from contextlib import suppress

import structlog
from celery import shared_task

from analytics import rollups

log = structlog.get_logger(__name__)

# The next ring goes on where this one stops.
TICK_SECONDS = 20.0


@shared_task
def fill() -> None:
    """Counts what happened since it was last counted; nothing while another process does."""
    with suppress(rollups.Busy):
        rollups.tick(seconds=TICK_SECONDS)


@shared_task
def recheck() -> None:
    """Has the last days counted once more."""
    rollups.recheck()
    log.info("analytics_rechecked")
