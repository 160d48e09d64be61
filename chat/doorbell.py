"""Rings for a task by its name, once the transaction is committed. Called by parts that stand below the tasks."""

from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = structlog.get_logger(__name__)


def ring_on_commit(task: str, *args: Any, expires: float) -> None:
    """Rings after commit; a ring that nobody took within `expires` seconds is no longer wanted."""
    transaction.on_commit(lambda: ring(task, *args, expires=expires))


def ring(task: str, *args: Any, expires: float) -> bool:
    """False, with a log line, without a broker."""
    try:
        current_app.send_task(task, args, expires=expires)
    except (OperationalError, OSError) as error:
        log.warning("doorbell_lost", task=task, error=type(error).__name__)
        return False
    return True
