"""Files of SOPs as jobs: checked, then applied, each by a worker while a page shows how far it is.

Called by prompts.tasks and the admin. Both steps are safe to run twice. A worker that takes one holds a lease; beat rings
again for what nobody is at.
"""

from datetime import timedelta
from typing import Any

import structlog
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from redis import RedisError

from prompts import audit, lease, transfer
from prompts.models import SopImport
from prompts.redis import connection
from prompts.transfer import Changed, Plan, Unreadable
from prompts.transfer.planning import Fate

log = structlog.get_logger(__name__)

PROGRESS_SECONDS = 600
# Outlives the largest file: neither step can say in between that it is still at it.
LEASE = timedelta(seconds=300)
State = SopImport.State


def check(pk: int) -> None:
    """Reads the file and says what would become of every row. Changes no SOP."""
    job = claim(pk, State.WAITING)
    if job is None:
        return
    tell(pk, 0, 0)
    try:
        table = transfer.read(bytes(job.file), name=job.file_name)
        found = transfer.plan(table)
    except Unreadable as error:
        fail(pk, {"reason": error.reason, **error.values}, expected=State.WAITING)
        return
    except Exception as error:  # whatever it was, it would be the same the next time
        log.exception("sops_not_checked", job=pk)
        fail(pk, {"reason": "failed", "detail": type(error).__name__}, expected=State.WAITING)
        return
    keep(pk, found, expected=State.WAITING)
    log.info("sops_checked", job=pk, rows=len(table.rows))


def claim(pk: int, state: str) -> SopImport | None:
    """Takes the job for LEASE; None where it is in another state, or another worker is at it."""
    rows = SopImport.objects.filter(pk=pk, state=state)
    mine = rows.filter(unheld()).update(lease_until=Now() + LEASE)
    return rows.first() if mine else None


def unheld() -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=Now())


def unattended() -> tuple[list[int], list[int]]:
    """Jobs that nobody is at: those to be checked, those to be applied."""
    since = SopImport.objects.filter(unheld(), created_at__gt=Now() - lease.GIVEN_UP)
    pks = since.order_by("pk").values_list("pk", flat=True)
    return list(pks.filter(state=State.WAITING)), list(pks.filter(state=State.APPLYING))


def keep(pk: int, found: Plan, *, expected: str, problem: dict[str, Any] | None = None) -> None:
    """Stores the plan, for people to read and agree to."""
    SopImport.objects.filter(pk=pk, state=expected).update(
        state=State.CHECKED,
        fates=[row.as_json() for row in found.rows],
        counts=found.counts,
        digest=found.digest,
        problem=problem or {},
        lease_until=None,
    )
    forget(pk)


def fail(pk: int, problem: dict[str, Any], *, expected: str) -> None:
    SopImport.objects.filter(pk=pk, state=expected).update(
        state=State.FAILED, problem=problem, finished_at=timezone.now(), lease_until=None
    )
    forget(pk)


def agree(pk: int) -> bool:
    """Says that the checked file is to be applied; False when it is not in that state or has refused rows."""
    ready = SopImport.objects.filter(pk=pk, state=State.CHECKED, counts__refused=0)
    return bool(ready.update(state=State.APPLYING))


def apply(pk: int) -> None:
    """Applies a file that was agreed to, whole or not at all."""
    job = claim(pk, State.APPLYING)
    if job is None:
        return
    try:
        table = transfer.read(bytes(job.file), name=job.file_name)
        # Together: a worker that dies in between leaves nothing that another one would not find as it was agreed to.
        with audit.acting(job.created_by_id), transaction.atomic():
            done = transfer.apply(
                table, digest=job.digest, progress=lambda done, rows: tell(pk, done, rows)
            )
            finish(pk)
    except Changed as error:
        keep(pk, error.plan, expected=State.APPLYING, problem={"reason": "changed"})
        return
    except DatabaseError as error:
        log.warning("sops_not_imported", job=pk, error=type(error).__name__)
        fail(pk, {"reason": "database", "detail": type(error).__name__}, expected=State.APPLYING)
        return
    except Exception as error:  # whatever it was, nothing of the file was kept
        log.exception("sops_not_imported", job=pk)
        fail(pk, {"reason": "failed", "detail": type(error).__name__}, expected=State.APPLYING)
        return
    forget(pk)
    log.info(
        "sops_imported", job=pk, added=done.counts[Fate.ADDED], updated=done.counts[Fate.UPDATED]
    )


def finish(pk: int) -> None:
    """The file has done its work; what became of its rows stays."""
    SopImport.objects.filter(pk=pk, state=State.APPLYING).update(
        state=State.DONE, finished_at=timezone.now(), lease_until=None, file=b""
    )


def tell(pk: int, done: int, rows: int) -> None:
    """How far the job is, for whoever watches."""
    try:
        connection().set(key(pk), f"{done}/{rows}", ex=PROGRESS_SECONDS)
    except RedisError:
        return


def forget(pk: int) -> None:
    try:
        connection().delete(key(pk))
    except RedisError:
        return


def progress(pk: int) -> tuple[int, int]:
    """(rows done, rows in all); zeros while nothing is known."""
    try:
        kept: Any = connection().get(key(pk))
    except RedisError:
        kept = None
    done, _, rows = (kept or b"0/0").decode().partition("/")
    return int(done), int(rows)


def key(pk: int) -> str:
    return f"sops:import:{pk}"
