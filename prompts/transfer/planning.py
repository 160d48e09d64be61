"""What would become of every row of a file, without changing anything."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.contrib.auth import get_user_model

from prompts.models import Sop
from prompts.transfer.checking import checked, range_problem
from prompts.transfer.columns import COLUMNS
from prompts.transfer.reading import Row, Table

Identity = tuple[str, str]  # key, language
FIELDS = [name for name in COLUMNS if name not in ("key", "language", "questions", "owner")]


class Fate(StrEnum):
    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Known:
    """An SOP as it stands: its id and its values by column."""

    pk: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Planned:
    """A row, what would become of it, the values it changes, and what is wrong with it."""

    row: Row
    key: str
    language: str
    fate: Fate
    values: dict[str, Any] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    problems: tuple[dict[str, Any], ...] = ()
    pk: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "row": self.row.number,
            "key": self.key[:80],
            "language": self.language[:10],
            "title": str(self.row.cells.get("title") or "")[:100],
            "fate": self.fate.value,
            "changed": list(self.changed),
            "problems": list(self.problems),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    rows: list[Planned]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(row.fate for row in self.rows)
        return {fate.value: found[fate] for fate in Fate}

    @property
    def digest(self) -> str:
        """Of every fate and what it changes: another one means that the SOPs changed since."""
        said = json.dumps([[row.fate, row.pk, row.changed] for row in self.rows])
        return hashlib.sha256(said.encode()).hexdigest()


def plan(table: Table) -> Plan:
    """The fate of every row against the SOPs as they are now."""
    known = stored()
    users = get_user_model().objects.filter(is_staff=True)
    owners = {user.get_username(): user.pk for user in users}
    seen: dict[Identity, int] = {}
    planned = []
    for row in table.rows:
        found = planned_row(row, known=known, owners=owners)
        earlier = seen.setdefault((found.key, found.language), row.number)
        if earlier != row.number and found.key:
            twice = {"column": "key", "reason": "twice", "row": earlier}
            found = Planned(
                row, found.key, found.language, Fate.REFUSED, problems=(*found.problems, twice)
            )
        planned.append(found)
    return Plan(planned)


def planned_row(row: Row, *, known: dict[Identity, Known], owners: dict[str, int]) -> Planned:
    identity = tuple(str(row.cells.get(name) or "").strip() for name in ("key", "language"))
    key, language = identity
    old = known.get((key, language))
    values, problems = checked(row, is_new=old is None, owners=owners)
    if old is not None and not problems:
        problems = range_problem({**old.values, **values})
    if problems:
        return Planned(row, key, language, Fate.REFUSED, problems=tuple(problems))
    if old is None:
        return Planned(row, key, language, Fate.ADDED, values)
    questions = values.get("questions")
    if questions is not None:
        values["questions"] = without_title(
            questions, title=values.get("title", old.values["title"])
        )
    changed = tuple(name for name, value in values.items() if value != old.values[name])
    fate = Fate.UPDATED if changed else Fate.UNCHANGED
    return Planned(row, key, language, fate, values, changed, pk=old.pk)


def stored() -> dict[Identity, Known]:
    """Every SOP by key and language."""
    rows = Sop.objects.prefetch_related("questions").order_by()
    return {(sop.key, sop.language): Known(sop.pk, values_of(sop)) for sop in rows}


def values_of(sop: Sop) -> dict[str, Any]:
    """What an SOP says, by column; `owner` as an id."""
    questions = sorted((question.pk, question.text) for question in sop.questions.all())
    return {
        **{name: getattr(sop, name) for name in FIELDS},
        "key": sop.key,
        "language": sop.language,
        "owner": sop.owner_id,
        "questions": without_title((text for _, text in questions), title=sop.title),
    }


def without_title(questions: Iterable[str], *, title: str) -> list[str]:
    """The title is a question of its own and is not named twice."""
    return [text for text in questions if text != title]
