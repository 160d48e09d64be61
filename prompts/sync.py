"""Brings the rows up to prompts/defaults without touching what staff changed. Called by `manage.py sync_defaults`.

`LoadedDefault` remembers what was loaded last. A row that still says exactly that is renewed when the default
changes; one that says something else, or is gone, is the staff's and is left as it is.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from django.core.exceptions import ValidationError
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
VERSION_NOTE = "default"
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
        """What the stored rows say."""

    def wanted(self, entry: Entry) -> dict[str, Any]:
        """What a row says after `entry` was loaded, in the same form."""

    def add(self, entries: Sequence[Entry]) -> None: ...

    def renew(self, entries: Sequence[Entry]) -> None: ...


def sync(entries: Sequence[Entry]) -> Counter[Outcome]:
    """Adds and renews rows in one transaction; how many had which outcome.

    Raises: DefaultsError, for an endpoint with a field that does not exist or a value that does not fit.
    """
    counts: Counter[Outcome] = Counter()
    with transaction.atomic():
        for kind, table in TABLES.items():
            counts.update(sync_kind(kind, table, [each for each in entries if each.kind == kind]))
    return counts


def sync_kind(kind: str, table: Table, entries: Sequence[Entry]) -> dict[Outcome, int]:
    says = {identity: digest(content) for identity, content in table.contents().items()}
    loaded = dict_of_loaded(kind)
    outcomes: dict[Outcome, list[Entry]] = {outcome: [] for outcome in Outcome}
    ledger: list[LoadedDefault] = []
    for entry in entries:
        identity, fresh = (entry.key, entry.language), digest(table.wanted(entry))
        outcome = decide(fresh, row=says.get(identity), loaded=loaded.get(identity))
        outcomes[outcome].append(entry)
        if outcome is not Outcome.KEPT and loaded.get(identity) != fresh:
            ledger.append(
                LoadedDefault(kind=kind, key=entry.key, language=entry.language, digest=fresh)
            )
    table.add(outcomes[Outcome.ADDED])
    table.renew(outcomes[Outcome.UPDATED])
    remember(ledger)
    return {outcome: len(found) for outcome, found in outcomes.items()}


def decide(fresh: str, *, row: str | None, loaded: str | None) -> Outcome:
    """What to do with a default; all three are digests: of it, of the row, of the default loaded last."""
    if row == fresh:
        return Outcome.UNCHANGED
    if row is None:
        return Outcome.ADDED if loaded is None else Outcome.KEPT
    return Outcome.UPDATED if row == loaded else Outcome.KEPT


def digest(content: Mapping[str, Any]) -> str:
    """Empty fields do not count, so that a field added later leaves every row as it was."""
    said = {name: value for name, value in content.items() if value not in ("", None, [], {})}
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def dict_of_loaded(kind: str) -> dict[Identity, str]:
    rows = LoadedDefault.objects.filter(kind=kind)
    return {(row.key, row.language): row.digest for row in rows}


def remember(ledger: Sequence[LoadedDefault]) -> None:
    LoadedDefault.objects.bulk_create(
        ledger,
        update_conflicts=True,
        unique_fields=["kind", "key", "language"],
        update_fields=["digest"],
    )


class PromptTable:
    """A changed default becomes a new version; versions are never written over. The title is set once."""

    def contents(self) -> dict[Identity, dict[str, Any]]:
        return {
            (prompt.purpose, prompt.language): {
                "text": prompt.current.text if prompt.current else "",
                "variables": prompt.current.variables if prompt.current else [],
            }
            for prompt in Prompt.objects.select_related("current")
        }

    def wanted(self, entry: Entry) -> dict[str, Any]:
        return {name: entry.content[name] for name in ("text", "variables")}

    def add(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            Prompt.objects.create(
                purpose=entry.key, language=entry.language, title=entry.content["title"]
            )
        self.renew(entries)

    def renew(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            prompt = Prompt.objects.get(purpose=entry.key, language=entry.language)
            newest = prompt.versions.aggregate(number=models.Max("number"))["number"] or 0
            prompt.current = PromptVersion.objects.create(
                prompt=prompt, number=newest + 1, note=VERSION_NOTE, **self.wanted(entry)
            )
            prompt.save(update_fields=["current"])


class ExampleTable:
    def contents(self) -> dict[Identity, dict[str, Any]]:
        return {
            (row.key, row.language): {name: getattr(row, name) for name in EXAMPLE_FIELDS}
            for row in FewShotExample.objects.all()
        }

    def wanted(self, entry: Entry) -> dict[str, Any]:
        return entry.content

    def add(self, entries: Sequence[Entry]) -> None:
        FewShotExample.objects.bulk_create(
            FewShotExample(key=entry.key, language=entry.language, **entry.content)
            for entry in entries
        )

    def renew(self, entries: Sequence[Entry]) -> None:
        rows = {(row.key, row.language): row for row in FewShotExample.objects.all()}
        changed = [assign(rows[entry.key, entry.language], entry.content) for entry in entries]
        FewShotExample.objects.bulk_update(changed, EXAMPLE_FIELDS)


class SopTable:
    def contents(self) -> dict[Identity, dict[str, Any]]:
        return {
            (sop.key, sop.language): {
                **{name: getattr(sop, name) for name in SOP_FIELDS},
                "questions": sorted({question.text for question in sop.questions.all()} - {sop.title}),
            }
            for sop in Sop.objects.prefetch_related("questions")
        }

    def wanted(self, entry: Entry) -> dict[str, Any]:
        return entry.content

    def add(self, entries: Sequence[Entry]) -> None:
        sops = Sop.objects.bulk_create(
            Sop(key=entry.key, language=entry.language, **self.columns(entry)) for entry in entries
        )
        self.word(list(zip(sops, entries, strict=True)))

    def renew(self, entries: Sequence[Entry]) -> None:
        rows = {(sop.key, sop.language): sop for sop in Sop.objects.all()}
        changed = [(rows[entry.key, entry.language], entry) for entry in entries]
        for sop, entry in changed:
            assign(sop, self.columns(entry))
        Sop.objects.bulk_update([sop for sop, _ in changed], SOP_FIELDS)
        SopQuestion.objects.filter(sop__in=[sop for sop, _ in changed]).delete()
        self.word(changed)

    def columns(self, entry: Entry) -> dict[str, Any]:
        return {name: entry.content[name] for name in SOP_FIELDS}

    def word(self, pairs: Sequence[tuple[Sop, Entry]]) -> None:
        questions = SopQuestion.objects.bulk_create(
            SopQuestion(sop=sop, text=text)
            for sop, entry in pairs
            for text in (sop.title, *entry.content["questions"])
        )
        if questions:
            retrieval.reindex(questions)


class EndpointTable:
    """Fields that hold the model's own default count as not said."""

    def contents(self) -> dict[Identity, dict[str, Any]]:
        return {(row.name, ""): self.said(row) for row in ModelEndpoint.objects.all()}

    def wanted(self, entry: Entry) -> dict[str, Any]:
        return self.said(self.row(entry))

    def add(self, entries: Sequence[Entry]) -> None:
        ModelEndpoint.objects.bulk_create(map(self.row, entries))

    def renew(self, entries: Sequence[Entry]) -> None:
        rows = {row.name: row for row in ModelEndpoint.objects.all()}
        changed = []
        for entry in entries:
            fresh = self.row(entry)
            values = {name: getattr(fresh, name) for name in ENDPOINT_FIELDS}
            changed.append(assign(rows[entry.key], values))
        ModelEndpoint.objects.bulk_update(changed, ENDPOINT_FIELDS)

    def said(self, row: ModelEndpoint) -> dict[str, Any]:
        fields = [ModelEndpoint._meta.get_field(name) for name in ENDPOINT_FIELDS]
        values = {field.name: (field.value_from_object(row), field.get_default()) for field in fields}
        return {name: plain(value) for name, (value, usual) in values.items() if value != usual}

    def row(self, entry: Entry) -> ModelEndpoint:
        """Raises: DefaultsError, naming the field."""
        try:
            row = ModelEndpoint(**entry.content)
            row.clean_fields()
        except TypeError as error:
            raise DefaultsError(f"{entry.where}: {error}") from error
        except ValidationError as error:
            name, problems = next(iter(error.message_dict.items()))
            raise DefaultsError(f"{entry.where}, field {name}: {problems[0]}") from error
        return row


def assign(row: Any, values: Mapping[str, Any]) -> Any:
    for name, value in values.items():
        setattr(row, name, value)
    return row


def plain(value: Any) -> Any:
    """0.150000 of the database and 0.15 of a file are one price."""
    return str(value.normalize()) if isinstance(value, Decimal) else value


TABLES: dict[str, Table] = {
    "prompt": PromptTable(),
    "example": ExampleTable(),
    "sop": SopTable(),
    "endpoint": EndpointTable(),
}
