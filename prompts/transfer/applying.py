"""A plan carried out: every row in one transaction, or none."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from prompts import retrieval
from prompts.locks import Lock
from prompts.models import Sop, SopQuestion
from prompts.transfer.planning import FIELDS, Fate, Plan, Planned, plan, stored
from prompts.transfer.reading import Table

BATCH = 500
WRITTEN = [*FIELDS, "owner_id", "updated_at"]


class Changed(Exception):
    """The SOPs changed since the plan was made; `plan` is what would become of the rows now."""

    def __init__(self, fresh: Plan) -> None:
        super().__init__("the SOPs changed since the file was checked")
        self.plan = fresh


def apply(table: Table, *, digest: str, progress: Callable[[int, int], None]) -> Plan:
    """Carries out the plan whose `digest` was agreed to. Raises Changed, and then nothing has changed.

    `progress` is told how many rows of how many are written.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Between two statements ten thousand rows are looked at.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '60s'")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.IMPORTING_SOPS])
        fresh = plan(table)
        if fresh.digest != digest or fresh.counts[Fate.REFUSED]:
            raise Changed(fresh)
        rows = [row for row in fresh.rows if row.fate in (Fate.ADDED, Fate.UPDATED)]
        known = stored()
        for start in range(0, len(rows), BATCH):
            progress(start, len(rows))
            part = rows[start : start + BATCH]
            store(part, [whole(row, known.get((row.key, row.language))) for row in part])
        progress(len(rows), len(rows))
    return fresh


def whole(row: Planned, old: Any) -> dict[str, Any]:
    """Every column of the SOP after the row: what the file does not name stays."""
    blank = Sop()
    usual = {name: getattr(blank, name) for name in FIELDS}
    before = old.values if old else {**usual, "owner": None, "questions": []}
    return {**before, **row.values}


def store(part: Sequence[Planned], values: Sequence[dict[str, Any]]) -> None:
    now = timezone.now()
    sops = Sop.objects.bulk_create(
        [
            Sop(
                key=said["key"],
                language=said["language"],
                owner_id=said["owner"],
                updated_at=now,
                **{name: said[name] for name in FIELDS},
            )
            for said in values
        ],
        update_conflicts=True,
        unique_fields=["key", "language"],
        update_fields=WRITTEN,
    )
    worded = [
        (sop, said)
        for row, sop, said in zip(part, sops, values, strict=True)
        if row.fate is Fate.ADDED or {"questions", "title"} & set(row.changed)
    ]
    SopQuestion.objects.filter(sop__in=[sop.pk for sop, _ in worded]).delete()
    retrieval.add_questions(
        [
            (sop.pk, text)
            for sop, said in worded
            for text in dict.fromkeys((said["title"], *said["questions"]))
        ]
    )
