"""Files of SOPs as jobs: checked, then applied, each by a worker while a page shows how far it is.

Called by prompts.tasks and the admin. Both steps are safe to run twice; a lost doorbell is rung again from the page.
"""

from typing import Any

import structlog
from django.db import Error as DatabaseError
from django.utils import timezone
from redis import RedisError

from prompts import audit, transfer
from prompts.models import SopImport
from prompts.redis import connection
from prompts.transfer import Changed, Plan, Unreadable
from prompts.transfer.planning import Fate

log = structlog.get_logger(__name__)

PROGRESS_SECONDS = 600
State = SopImport.State


def check(pk: int) -> None:
    """Reads the file and says what would become of every row. Changes no SOP."""
    job = SopImport.objects.filter(pk=pk, state=State.WAITING).first()
    if job is None:
        return
    tell(pk, 0, 0)
    try:
        table = transfer.read(bytes(job.file), name=job.file_name)
    except Unreadable as error:
        fail(pk, {"reason": error.reason, **error.values}, expected=State.WAITING)
        return
    keep(pk, transfer.plan(table), expected=State.WAITING)
    log.info("sops_checked", job=pk, rows=len(table.rows))


def keep(pk: int, found: Plan, *, expected: str, problem: dict[str, Any] | None = None) -> None:
    """Stores the plan, for people to read and agree to."""
    SopImport.objects.filter(pk=pk, state=expected).update(
        state=State.CHECKED,
        fates=[row.as_json() for row in found.rows],
        counts=found.counts,
        digest=found.digest,
        problem=problem or {},
    )
    forget(pk)


def fail(pk: int, problem: dict[str, Any], *, expected: str) -> None:
    SopImport.objects.filter(pk=pk, state=expected).update(
        state=State.FAILED, problem=problem, finished_at=timezone.now()
    )
    forget(pk)


def agree(pk: int) -> bool:
    """Says that the checked file is to be applied; False when it is not in that state or has refused rows."""
    ready = SopImport.objects.filter(pk=pk, state=State.CHECKED, counts__refused=0)
    return bool(ready.update(state=State.APPLYING))


def apply(pk: int) -> None:
    """Applies a file that was agreed to, whole or not at all."""
    job = SopImport.objects.filter(pk=pk, state=State.APPLYING).first()
    if job is None:
        return
    try:
        table = transfer.read(bytes(job.file), name=job.file_name)
        with audit.acting(job.created_by_id):
            done = transfer.apply(
                table, digest=job.digest, progress=lambda done, rows: tell(pk, done, rows)
            )
    except Changed as error:
        keep(pk, error.plan, expected=State.APPLYING, problem={"reason": "changed"})
        return
    except DatabaseError as error:
        log.warning("sops_not_imported", job=pk, error=type(error).__name__)
        fail(pk, {"reason": "database", "detail": type(error).__name__}, expected=State.APPLYING)
        return
    # The file has done its work; what became of its rows stays.
    SopImport.objects.filter(pk=pk, state=State.APPLYING).update(
        state=State.DONE, finished_at=timezone.now(), file=b""
    )
    forget(pk)
    log.info(
        "sops_imported", job=pk, added=done.counts[Fate.ADDED], updated=done.counts[Fate.UPDATED]
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
