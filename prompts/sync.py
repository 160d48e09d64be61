"""Brings the rows up to prompts/defaults without touching what staff changed. Called by `manage.py sync_defaults`.

`LoadedDefault` remembers what was loaded last. A row that still says exactly that is renewed when the default
changes; one that says something else, or is gone, is the staff's and is left as it is.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models, transaction

from prompts import retrieval
from prompts.default_files import DefaultsError, Entry
from prompts.models import (
    FewShotExample,
    LoadedDefault,
    ModelEndpoint,
    Prompt,
    PromptVersion,
    Sop,
    SopQuestion,
)

Identity = tuple[str, str]  # key, language
EXAMPLE_FIELDS = ["intent", "emotion", "messages", "tags"]
SOP_FIELDS = ["title", "category", "intent", "answer", "steps", "required_slots", "tool"]
# Switching an endpoint off is no edit of it: its other fields stay those of the default.
ENDPOINT_FIELDS = [
    field.name
    for field in ModelEndpoint._meta.concrete_fields
    if not field.primary_key and field.name != "enabled"
]


class Outcome(StrEnum):
    ADDED = "added"
    UPDATED = "updated"
    KEPT = "kept because edited"
    UNCHANGED = "unchanged"


class Table(Protocol):
    """One kind of row that has defaults."""

    def contents(self) -> dict[Identity, dict[str, Any]]:
        """What the stored rows say, in the form of `Entry.content`."""

    def add(self, entries: Sequence[Entry]) -> None: ...

    def renew(self, entries: Sequence[Entry]) -> None: ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds of one default: None where there is nothing."""

    loaded: str | None  # digest of the default that was loaded last
    row: str | None  # digest of what the row says now


def sync(entries: Iterable[Entry]) -> Counter[Outcome]:
    """Adds and renews rows in one transaction; how many had which outcome.

    Raises: DefaultsError, for an endpoint that is malformed.
    """
    counts: Counter[Outcome] = Counter()
    with transaction.atomic():
        for kind, table in TABLES.items():
            counts += sync_kind(kind, table, [entry for entry in entries if entry.kind == kind])
    return counts


def sync_kind(kind: str, table: Table, entries: Sequence[Entry]) -> Counter[Outcome]:
    contents = table.contents()
    loaded = {
        (known.key, known.language): known for known in LoadedDefault.objects.filter(kind=kind)
    }
    outcomes: dict[Outcome, list[Entry]] = {outcome: [] for outcome in Outcome}
    ledger: list[LoadedDefault] = []
    for entry in entries:
        identity = (entry.key, entry.language)
        known, fresh = loaded.get(identity), digest(entry.content)
        row = digest(contents[identity]) if identity in contents else None
        outcome = decide(fresh, Stored(loaded=known.digest if known else None, row=row))
        outcomes[outcome].append(entry)
        if outcome is not Outcome.KEPT or known is None:
            ledger.append(LoadedDefault(kind=kind, key=entry.key, language=entry.language, digest=fresh))
    table.add(outcomes[Outcome.ADDED])
    table.renew(outcomes[Outcome.UPDATED])
    remember(ledger, loaded=loaded)
    return Counter({outcome: len(found) for outcome, found in outcomes.items()})


def decide(fresh: str, stored: Stored) -> Outcome:
    """What to do with a default whose digest is `fresh`."""
    if stored.row == fresh:
        return Outcome.UNCHANGED
    if stored.row is None:
        return Outcome.ADDED if stored.loaded is None else Outcome.KEPT
    return Outcome.UPDATED if stored.row == stored.loaded else Outcome.KEPT
