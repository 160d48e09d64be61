"""SOPs in a bundle: checked and stored as files of SOPs are."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.utils import translation
from typing_extensions import override

from prompts.bundle import places
from prompts.bundle.kinds.kind import (
    Change,
    Identity,
    Key,
    Kind,
    Language,
    Shape,
    Stored,
    Trouble,
    World,
    leaving,
)
from prompts.models import Sop
from prompts.transfer import applying, planning
from prompts.transfer.checking import Wrong, checked, day, moment
from prompts.transfer.planning import Fate, Planned
from prompts.transfer.reading import Row
from prompts.transfer.sentences import sentence

TIMES = {"valid_from": moment, "valid_to": moment, "review_on": day}


class SopShape(Shape):
    """Who owns an SOP stays where it is: a bundle names no people."""

    key: Key
    language: Language
    title: str
    category: str
    intent: str
    questions: list[str] = []
    answer: str
    steps: list[str] = []
    required_slots: list[str] = []
    tool: str = ""
    shops: list[str] = []
    skus: list[str] = []
    channels: list[str] = []
    valid_from: str | datetime | date = ""
    valid_to: str | datetime | date = ""
    review_on: str | datetime | date = ""
    enabled: bool = True


class SopKind(Kind):
    name = "sop"
    shape = SopShape
    words = ("title", "questions", "answer", "steps")
    # What the shop publishes is its own: a new number of its hotline must come in.
    masks = False

    @override
    def identity(self, said: Mapping[str, Any]) -> Identity:
        return said["key"], said["language"]

    @override
    def place(self, said: Mapping[str, Any]) -> str:
        return places.sop(said["key"], said["language"])

    @override
    def stored(self) -> Iterator[Stored]:
        rows = Sop.objects.prefetch_related("questions").order_by("language", "key")
        for row in rows:
            values = planning.values_of(row)
            raw = {name: as_text(values[name]) for name in SopShape.model_fields}
            yield leaving(self, raw, language=row.language)

    @override
    def prepared(self, said: dict[str, Any], stored: Stored | None, world: World) -> dict[str, Any]:
        """Times as the export writes them, and the title no question of its own."""
        found = {**said, "questions": [q for q in said["questions"] if q != said["title"]]}
        for name, read in TIMES.items():
            try:
                found[name] = as_text(read(said[name]))
            except Wrong:
                continue
        return found

    @override
    def troubles(self, said: Mapping[str, Any], world: World) -> Iterator[Trouble]:
        _, problems = checked(Row(1, dict(said)), is_new=True, owners={})
        with translation.override("en"):
            for problem in problems:
                yield (problem["column"],), sentence(problem)

    @override
    def store(self, changes: Sequence[Change]) -> None:
        known = planning.stored()
        for start in range(0, len(changes), applying.BATCH):
            part = [
                as_planned(change, known.get((change.said["key"], change.said["language"])))
                for change in changes[start : start + applying.BATCH]
            ]
            old = [known.get((row.key, row.language)) for row in part]
            applying.store(
                part, [applying.whole(row, was) for row, was in zip(part, old, strict=True)]
            )


def as_planned(change: Change, old: planning.Known | None) -> Planned:
    said = change.said if change.stored is None else change.values
    values, _ = checked(Row(1, said), is_new=False, owners={})
    key, language = change.said["key"], change.said["language"]
    fate = Fate.ADDED if old is None else Fate.UPDATED
    return Planned(
        Row(1, {}), key, language, fate, values, change.changed, pk=old.pk if old else None
    )


def as_text(value: Any) -> Any:
    """Times in UTC, whatever the installation's zone, so that two of them export the same."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else value
