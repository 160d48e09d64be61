"""Brings the rows up to prompts/defaults without touching what staff changed. Called by `manage.py sync_defaults`.

`default_digest` remembers what was loaded. A row that still says exactly that is renewed when the default changes;
one that says something else is the staff's and is left as it is.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

import structlog
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from prompts import audit, retrieval
from prompts.default_files import DefaultsError, Entry
from prompts.models import (
    FewShotExample,
    Intent,
    IntentExample,
    ModelEndpoint,
    Prompt,
    PromptVersion,
    Sop,
    SopQuestion,
    Wording,
)

log = structlog.get_logger(__name__)

Identity = tuple[str, str]  # key, language
VERSION_NOTE = "default"
# Fields that hold their usual value count as not said.
USUAL_WORDING = {
    field.name: field.get_default() for field in Wording._meta.get_fields() if field.concrete
}
WORDING_FIELDS = list(USUAL_WORDING)
EXAMPLE_FIELDS = ["intent", "emotion", "messages", "tags"]
INTENT_FIELDS = ["title_zh", "title_en"]
SOP_FIELDS = ["title", "category", "intent", "answer", "steps", "required_slots", "tool"]
# Switching an endpoint off is no edit of it: its other fields stay those of the default.
USUAL_ENDPOINT = {
    field.name: field.get_default()
    for field in ModelEndpoint._meta.concrete_fields
    if not field.primary_key and field.name not in ("enabled", "default_digest")
}
ENDPOINT_FIELDS = list(USUAL_ENDPOINT)


class Outcome(StrEnum):
    ADDED = "added"
    UPDATED = "updated"
    KEPT = "kept because edited"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Stored:
    """Two digests of a row: of what it says, and of the default that was loaded into it ("": none)."""

    says: str
    loaded: str


class Table(Protocol):
    """One kind of row that has defaults."""

    def stored(self) -> dict[Identity, Stored]: ...

    def wanted(self, entry: Entry) -> dict[str, Any]:
        """What a row says after `entry` was loaded, as `stored` digests it."""

    def add(self, entries: Sequence[Entry]) -> None: ...

    def renew(self, entries: Sequence[Entry]) -> None: ...


def sync(entries: Sequence[Entry]) -> Counter[Outcome]:
    """Adds and renews rows in one transaction; how many had which outcome.

    Raises: DefaultsError, for an endpoint with a field that does not exist or a value that does not fit.
    """
    outcomes: dict[str, dict[Outcome, list[Entry]]] = {}
    with transaction.atomic():
        for kind, table in TABLES.items():
            found = sort_out(table, [entry for entry in entries if entry.kind == kind])
            table.add(found[Outcome.ADDED])
            table.renew(found[Outcome.UPDATED])
            outcomes[kind] = found
    return Counter({each: sum(len(found[each]) for found in outcomes.values()) for each in Outcome})


def sort_out(table: Table, entries: Sequence[Entry]) -> dict[Outcome, list[Entry]]:
    stored = table.stored()
    outcomes: dict[Outcome, list[Entry]] = {outcome: [] for outcome in Outcome}
    for entry in entries:
        row = stored.get((entry.key, entry.language))
        outcomes[decide(digest(table.wanted(entry)), row)].append(entry)
    return outcomes


def decide(fresh: str, row: Stored | None) -> Outcome:
    """What to do with a default whose digest is `fresh`."""
    if row is None:
        return Outcome.ADDED
    if row.says == fresh:
        return Outcome.UNCHANGED
    return Outcome.UPDATED if row.says == row.loaded else Outcome.KEPT


def digest(content: Mapping[str, Any]) -> str:
    """Empty fields do not count, so that a field added later leaves every row as it was."""
    said = {name: value for name, value in content.items() if value not in ("", None, [], {})}
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class PromptTable:
    """A changed default becomes a new version; versions are never written over. The title is set once.

    A prompt set back to an older default counts as edited: `loaded` is the newest default of its versions. Where
    versions go out by releases only, a new one waits for a release, and counts as what the prompt says meanwhile; once
    nothing holds the prompt any more, it is one that nobody touched.
    """

    def stored(self) -> dict[Identity, Stored]:
        prompts = Prompt.objects.select_related("current").prefetch_related("versions")
        return {(prompt.purpose, prompt.language): self.stored_of(prompt) for prompt in prompts}

    def stored_of(self, prompt: Prompt) -> Stored:
        says = digest(self.content(prompt.current)) if prompt.current else ""
        newest = next((each for each in prompt.versions.all() if each.default_digest), None)
        loaded = newest.default_digest if newest else ""
        is_shipped = prompt.current is not None and says == prompt.current.default_digest
        if is_shipped and holds(prompt):
            return Stored(loaded, loaded)
        return Stored(says, says if is_shipped and newest and audit.waits(newest) else loaded)

    def content(self, version: PromptVersion) -> dict[str, Any]:
        said = columns(version, WORDING_FIELDS)
        return {name: value for name, value in said.items() if value != USUAL_WORDING[name]}

    def wanted(self, entry: Entry) -> dict[str, Any]:
        return entry.content["wording"]  # type: ignore[no-any-return]

    def add(self, entries: Sequence[Entry]) -> None:
        Prompt.objects.bulk_create(
            Prompt(purpose=entry.key, language=entry.language, title=entry.content["title"])
            for entry in entries
        )
        self.renew(entries)

    def renew(self, entries: Sequence[Entry]) -> None:
        prompts = Prompt.objects.annotate(newest=models.Max("versions__number"))
        rows = {(prompt.purpose, prompt.language): prompt for prompt in prompts}
        changed = [(rows[entry.key, entry.language], self.wanted(entry)) for entry in entries]
        versions = PromptVersion.objects.bulk_create(
            PromptVersion(
                prompt=prompt,
                number=(prompt.newest or 0) + 1,
                note=VERSION_NOTE,
                default_digest=digest(content),
                **content,
            )
            for prompt, content in changed
        )
        spoken = []
        for (prompt, _), version in zip(changed, versions, strict=True):
            if holds(prompt):
                log.warning("default_waits_for_release", prompt=str(prompt), version=version.number)
            else:
                prompt.current = version
                spoken.append(prompt)
        Prompt.objects.bulk_update(spoken, ["current"])


def holds(prompt: Prompt) -> bool:
    """Whether a new version has to wait for a release; the first one never has."""
    return prompt.is_held and prompt.current_id is not None


def waiting() -> list[PromptVersion]:
    """Shipped versions, newer than what speaks, of prompts whose versions go out by releases only."""
    newer = PromptVersion.objects.exclude(default_digest="").filter(
        number__gt=models.F("prompt__current__number")
    )
    rows = newer.select_related("prompt").order_by("prompt__purpose", "prompt__language", "number")
    return [version for version in rows if version.prompt.is_held]


class ExampleTable:
    def stored(self) -> dict[Identity, Stored]:
        return {
            (row.key, row.language): Stored(
                digest(columns(row, EXAMPLE_FIELDS)), row.default_digest
            )
            for row in FewShotExample.objects.all()
        }

    def wanted(self, entry: Entry) -> dict[str, Any]:
        return entry.content

    def add(self, entries: Sequence[Entry]) -> None:
        FewShotExample.objects.bulk_create(
            FewShotExample(key=entry.key, language=entry.language, **self.values(entry))
            for entry in entries
        )

    def renew(self, entries: Sequence[Entry]) -> None:
        rows = {(row.key, row.language): row for row in FewShotExample.objects.all()}
        changed = [assign(rows[entry.key, entry.language], self.values(entry)) for entry in entries]
        fields = [*EXAMPLE_FIELDS, "default_digest", "source", "masked", "updated_at"]
        FewShotExample.objects.bulk_update(changed, fields)

    def values(self, entry: Entry) -> dict[str, Any]:
        return {
            **entry.content,
            "source": FewShotExample.Source.DEFAULT,
            "masked": True,
            "updated_at": timezone.now(),
            "default_digest": digest(self.wanted(entry)),
        }


class SopTable:
    def stored(self) -> dict[Identity, Stored]:
        return {
            (sop.key, sop.language): Stored(digest(self.content(sop)), sop.default_digest)
            for sop in Sop.objects.prefetch_related("questions")
        }

    def content(self, sop: Sop) -> dict[str, Any]:
        questions = {question.text for question in sop.questions.all()}
        return {**columns(sop, SOP_FIELDS), "questions": sorted(questions - {sop.title})}

    def wanted(self, entry: Entry) -> dict[str, Any]:
        return entry.content

    def add(self, entries: Sequence[Entry]) -> None:
        sops = Sop.objects.bulk_create(
            Sop(key=entry.key, language=entry.language, **self.values(entry)) for entry in entries
        )
        self.word(list(zip(sops, entries, strict=True)))

    def renew(self, entries: Sequence[Entry]) -> None:
        rows = {(sop.key, sop.language): sop for sop in Sop.objects.all()}
        changed = [(rows[entry.key, entry.language], entry) for entry in entries]
        for sop, entry in changed:
            assign(sop, self.values(entry))
        Sop.objects.bulk_update([sop for sop, _ in changed], [*SOP_FIELDS, "default_digest"])
        SopQuestion.objects.filter(sop__in=[sop for sop, _ in changed]).delete()
        self.word(changed)

    def values(self, entry: Entry) -> dict[str, Any]:
        stored = {name: entry.content[name] for name in SOP_FIELDS}
        return {**stored, "default_digest": digest(self.wanted(entry))}

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

    def stored(self) -> dict[Identity, Stored]:
        return {
            (row.name, ""): Stored(digest(self.said(row)), row.default_digest)
            for row in ModelEndpoint.objects.all()
        }

    def wanted(self, entry: Entry) -> dict[str, Any]:
        return self.said(self.row(entry))

    def add(self, entries: Sequence[Entry]) -> None:
        ModelEndpoint.objects.bulk_create(map(self.row, entries))

    def renew(self, entries: Sequence[Entry]) -> None:
        rows = {row.name: row for row in ModelEndpoint.objects.all()}
        changed = []
        for entry in entries:
            fresh = self.row(entry)
            values = columns(fresh, [*ENDPOINT_FIELDS, "default_digest"])
            changed.append(assign(rows[entry.key], values))
        ModelEndpoint.objects.bulk_update(changed, [*ENDPOINT_FIELDS, "default_digest"])

    def said(self, row: ModelEndpoint) -> dict[str, Any]:
        return {
            name: plain(value)
            for name, value in columns(row, ENDPOINT_FIELDS).items()
            if value != USUAL_ENDPOINT[name]
        }

    def row(self, entry: Entry) -> ModelEndpoint:
        """Raises: DefaultsError, naming the field."""
        # As text, so that a price is the number that is written and not the float next to it.
        content = {k: str(v) if isinstance(v, float) else v for k, v in entry.content.items()}
        try:
            row = ModelEndpoint(**content)
            row.clean_fields()
            row.clean()
        except TypeError as error:
            raise DefaultsError(f"{entry.where}: {error}") from error
        except ValidationError as error:
            name, problems = next(iter(error.message_dict.items()))
            raise DefaultsError(f"{entry.where}, field {name}: {problems[0]}") from error
        row.default_digest = digest(self.said(row))
        return row


class IntentTable:
    """An intent with its shipped examples. What staff add beside them is theirs and counts as no edit."""

    def stored(self) -> dict[Identity, Stored]:
        return {
            (intent.name, ""): Stored(digest(self.content(intent)), intent.default_digest)
            for intent in Intent.objects.prefetch_related("examples")
        }

    def content(self, intent: Intent) -> dict[str, Any]:
        shipped = [
            [example.language, example.emotion, example.text]
            for example in intent.examples.all()
            if example.source == IntentExample.Source.DEFAULT and example.enabled
        ]
        return {**columns(intent, INTENT_FIELDS), "examples": sorted(shipped)}

    def wanted(self, entry: Entry) -> dict[str, Any]:
        return entry.content

    def add(self, entries: Sequence[Entry]) -> None:
        intents = Intent.objects.bulk_create(
            Intent(name=entry.key, **self.values(entry)) for entry in entries
        )
        self.fill(list(zip(intents, entries, strict=True)))

    def renew(self, entries: Sequence[Entry]) -> None:
        rows = {intent.name: intent for intent in Intent.objects.all()}
        changed = [(assign(rows[entry.key], self.values(entry)), entry) for entry in entries]
        Intent.objects.bulk_update([row for row, _ in changed], [*INTENT_FIELDS, "default_digest"])
        shipped = IntentExample.objects.filter(source=IntentExample.Source.DEFAULT)
        shipped.filter(intent__in=[row for row, _ in changed]).delete()
        self.fill(changed)

    def values(self, entry: Entry) -> dict[str, Any]:
        stored = {name: entry.content[name] for name in INTENT_FIELDS}
        return {**stored, "default_digest": digest(self.wanted(entry))}

    def fill(self, pairs: Sequence[tuple[Intent, Entry]]) -> None:
        """Adds the shipped examples; the same words that staff filed elsewhere stay where they are."""
        IntentExample.objects.bulk_create(
            (
                IntentExample(
                    intent=intent, language=language, emotion=emotion, text=text, source="default"
                )
                for intent, entry in pairs
                for language, emotion, text in entry.content["examples"]
            ),
            ignore_conflicts=True,
        )


def columns(row: models.Model, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def assign(row: Any, values: Mapping[str, Any]) -> Any:
    for name, value in values.items():
        setattr(row, name, value)
    return row


def plain(value: Any) -> Any:
    """0.150000 of the database and 0.15 of a file are one price; a day is what it reads."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value.normalize()) if isinstance(value, Decimal) else value


TABLES: dict[str, Table] = {
    "prompt": PromptTable(),
    "example": ExampleTable(),
    "sop": SopTable(),
    "endpoint": EndpointTable(),
    "intent": IntentTable(),
}
