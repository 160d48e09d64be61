"""Whose a comparison is: taken for a while by one process at a time, given back, cancelled, opened again.

Called by running, the pages and `manage.py compare_models`.
"""

import uuid
from datetime import timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet

from analytics.models import Comparison
from prompts import lease
from prompts.lease import free

State = Comparison.State
# Outlives the longest answer, asked three times.
LEASE = timedelta(seconds=240)


def claim(pk: int, holder: uuid.UUID) -> bool:
    """Takes the run for a while, unless somebody else holds it or it is over."""
    return lease.claim(Comparison.objects.filter(pk=pk), LEASE, holder=holder)


def held(pk: int, holder: uuid.UUID | None) -> QuerySet[Comparison]:
    """The run, while it is the holder's."""
    return Comparison.objects.filter(pk=pk, state=State.RUNNING, holder=holder)


def reopen(pk: int, *, max_calls: int | None, max_cny: Decimal | None, in_background: bool) -> bool:
    """Lets a run go on that ended as a part, was cancelled or lost its process; False when there is nothing to do."""
    return bool(
        Comparison.objects.filter(ended() | free(), pk=pk).update(
            state=State.WAITING,
            why="",
            max_calls=max_calls,
            max_cny=max_cny,
            in_background=in_background,
            finished_at=None,
            holder=None,
            lease_until=None,
        )
    )


def ended() -> Q:
    """Over, with something left to ask."""
    return Q(state__in=[State.PARTIAL, State.CANCELLED])


def may_go_on(row: Comparison) -> bool:
    """Whether somebody has to say that it goes on: it ended as a part, or its command is gone."""
    left = free() & Q(in_background=False)
    return Comparison.objects.filter(ended() | left, pk=row.pk).exists()


def cancel(pk: int) -> bool:
    """Stops a run after what is being asked; False when it is over already."""
    return lease.cancel(Comparison.objects.filter(pk=pk), State.CANCELLED)


def waiting() -> list[int]:
    """Runs for a worker that nobody is at: new ones, and those whose worker died."""
    rows = Comparison.objects.filter(free(), in_background=True).order_by("pk")
    return list(rows.values_list("pk", flat=True))
