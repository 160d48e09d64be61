"""Which worker has a job: a row with `state`, `lease_until` and `finished_at`, taken and kept by conditional updates.

Who dies is followed by another when the lease is over, by the database's clock. Turns have attempts too: chat.lease.
"""

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

WAITING, RUNNING = "waiting", "running"
# A doorbell that was lost is rung again after the first; by itself only for so long: what kills its worker each time ends.
LOST, GIVEN_UP = timedelta(seconds=30), timedelta(days=1)


def free() -> Q:
    """Waiting, or held by nobody who lives."""
    return Q(state=WAITING) | Q(state=RUNNING, lease_until__lt=Now())


def unattended(rows: QuerySet[Any]) -> list[int]:
    """Jobs that nobody is at though somebody should be: their doorbell was lost, or their worker died."""
    since = rows.filter(created_at__gt=Now() - GIVEN_UP, created_at__lt=Now() - LOST)
    return list(since.filter(free()).order_by("pk").values_list("pk", flat=True))


def claim(rows: QuerySet[Any], lease: timedelta, **changes: Any) -> bool:
    """Takes the row, unless another worker holds it or it is over."""
    return bool(rows.filter(free()).update(state=RUNNING, lease_until=Now() + lease, **changes))


def keep(rows: QuerySet[Any], lease: timedelta, **changes: Any) -> bool:
    """Goes on holding it; False when it was cancelled, or taken where `rows` names the holder."""
    return bool(rows.filter(state=RUNNING).update(lease_until=Now() + lease, **changes))


def end(rows: QuerySet[Any], state: str, **changes: Any) -> bool:
    """Ends it as `state`; False when it was ended meanwhile."""
    return over(rows.filter(state=RUNNING), state, **changes)


def cancel(rows: QuerySet[Any], state: str) -> bool:
    """Stops it, begun or not, at its worker's next `keep`; False when it is over already."""
    return over(rows.filter(state__in=[WAITING, RUNNING]), state)


def over(rows: QuerySet[Any], state: str, **changes: Any) -> bool:
    return bool(rows.update(state=state, finished_at=Now(), lease_until=None, **changes))
