"""Who is acting, for the triggers that write the audit, and what the audit says of a row.

django-auditlog and django-simple-history hear signals, and most writes here are conditional updates and bulk statements,
which send none; a trigger hears every write, raw SQL and imports included, in the transaction of the write.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import DatabaseError, connection, models
from django.db.models import Max

from prompts.models import AuditEntry


@contextmanager
def acting(user_id: int | None, *, by: str = "") -> Iterator[None]:
    """What is written inside is this user's doing; without a user, that of `by`, as a command."""
    name(str(user_id or ""), by)
    try:
        yield
    finally:
        forget()


def name(actor: str, by: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('yingda.actor', %s, false), set_config('yingda.by', %s, false)",
            [actor, by],
        )


def forget() -> None:
    """A connection that cannot be told so is closed: it must not carry a name to whoever has it next."""
    try:
        if connection.connection is not None and not connection.needs_rollback:
            name("", "")
            return
    except DatabaseError:
        pass
    if connection.connection is not None and not connection.in_atomic_block:
        connection.connection.close()
        connection.close()


def model_of(row: models.Model | type[models.Model]) -> str:
    """What a row's kind is called in the audit."""
    return row._meta.label_lower


def latest(row: models.Model) -> int:
    """The number of the last change of a row; 0 for one that never changed."""
    rows = AuditEntry.objects.filter(model=model_of(row), object_pk=str(row.pk))
    return rows.aggregate(Max("pk"))["pk__max"] or 0


def since(row: models.Model, number: int) -> Sequence[AuditEntry]:
    """What became of a row after that change, the oldest first."""
    rows = AuditEntry.objects.filter(model=model_of(row), object_pk=str(row.pk), pk__gt=number)
    return list(rows.order_by("pk")[:20])
