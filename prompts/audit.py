"""Who is acting, for the triggers that write the audit, and what the audit says of a row.

django-auditlog and django-simple-history hear signals, and most writes here are conditional updates and bulk statements,
which send none; a trigger hears every write, raw SQL and imports included, in the transaction of the write.

The name lies in the database's session, and sessions go through a pool: one may be given back in the middle of a request,
while a shop or a model is waited for. So each connection carries a mark of the name it was told, and whoever takes one
from the pool tells it their own before the first statement (`greet`), nobody's included.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import DatabaseError, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import Max

from prompts.models import AuditEntry, Prompt, PromptVersion, Release

# So many changes of what speaks, and of what holds it, are looked at.
UNHELD = 200

# A user's id and what acts without one.
Name = tuple[str, str]

NOBODY: Name = ("", "")
ACTING: ContextVar[Name] = ContextVar("acting", default=NOBODY)
# On the driver's connection: what it was told, None where that is not known.
MARK = "yingda_acting"
TELL = "SELECT set_config('yingda.actor', %s, false), set_config('yingda.by', %s, false)"


@contextmanager
def acting(user_id: int | None, *, by: str = "") -> Iterator[None]:
    """What is written inside is this user's doing; without a user, that of `by`, as a command.

    Around it whoever acted before does again.
    """
    token = ACTING.set((str(user_id or ""), by))
    try:
        if connection.connection is not None:
            tell(connection)
        yield
    finally:
        ACTING.reset(token)
        forget()


def tell(wrapper: BaseDatabaseWrapper) -> None:
    """Tells an open connection who acts, unless it knows. Raises DatabaseError; then what it knows is not known."""
    driver: Any = wrapper.connection
    name = ACTING.get()
    if getattr(driver, MARK, NOBODY) == name:
        return
    setattr(driver, MARK, None)
    with wrapper.wrap_database_errors:
        driver.execute(TELL, name)
    setattr(driver, MARK, name)


def greet(sender: Any, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Tells a connection that was just taken who acts now. One that cannot be told is closed, and the error raised."""
    try:
        tell(connection)
    except DatabaseError:
        close(connection)
        raise


def forget() -> None:
    """The connection that is open hears who acts now. One that cannot be told is closed, for good."""
    if connection.connection is None:
        return
    try:
        tell(connection)
    except DatabaseError:
        # Within a transaction that failed its end undoes the name; the mark is unknown, so that the next one tells it.
        if not connection.in_atomic_block:
            close(connection)


def close(wrapper: BaseDatabaseWrapper) -> None:
    driver: Any = wrapper.connection
    driver.close()
    wrapper.close()


def listen() -> None:
    """From now on every connection is greeted."""
    connection_created.connect(greet, dispatch_uid="audit")


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


def waits(version: PromptVersion) -> bool:
    """Whether a version has never been in force; False for one from before there was an audit."""
    added = AuditEntry.objects.filter(model=model_of(PromptVersion), object_pk=str(version.pk))
    spoke = AuditEntry.objects.filter(
        model=model_of(Prompt),
        object_pk=str(version.prompt_id),
        changes__current_id__1=version.pk,
    )
    return added.exists() and not spoke.exists()


def unheld_alone(prompts: Iterable[int], user_id: int) -> Sequence[AuditEntry]:
    """Where this user let prompts go out without their gate, and nobody else has published a version since.

    Going back to an older one agrees to nothing.
    """
    rows = AuditEntry.objects.filter(model=model_of(Prompt), object_pk__in=map(str, prompts))
    touched = rows.filter(changes__has_any_keys=["by_release_only", "guarded_by_id", "current_id"])
    entries = list(touched.exclude(actor_id=None).order_by("-pk")[:UNHELD])
    back = with_rollbacks(entries)
    mine: list[AuditEntry] = []
    settled: set[str] = set()
    for entry in entries:
        if entry.object_pk in settled:
            continue
        if entry.actor_id != user_id and publishes(entry) and entry.together not in back:
            settled.add(entry.object_pk)
        elif entry.actor_id == user_id and unholds(entry):
            settled.add(entry.object_pk)
            mine.append(entry)
    return mine


def publishes(entry: AuditEntry) -> bool:
    """Whether a prompt went on to a newer version: the ids of its versions grow with their numbers."""
    before, after = entry.changes.get("current_id", (None, None))
    return (after or 0) > (before or 0)


def with_rollbacks(entries: Iterable[AuditEntry]) -> set[int]:
    """The transactions of these changes in which a release was taken back."""
    together = {each.together for each in entries if "current_id" in each.changes}
    if not together:
        return set()
    of_releases = AuditEntry.objects.filter(model=model_of(Release), together__in=together)
    rolled_back = of_releases.filter(changes__status__1=Release.Status.ROLLED_BACK)
    return set(rolled_back.values_list("together", flat=True))


def unholds(entry: AuditEntry) -> bool:
    """Whether a change of a prompt took its hold away, or gave it to another set."""
    if entry.act != AuditEntry.Act.CHANGED:
        return False
    before, after = entry.changes.get("by_release_only", (None, None))
    guard, _ = entry.changes.get("guarded_by_id", (None, None))
    return guard is not None or after is False or (before is True and after is None)
