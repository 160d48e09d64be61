"""Evaluation cases in a bundle, a line each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ConfigDict
from typing_extensions import override

from prompts.bundle import places
from prompts.bundle.kinds.kind import Change, Identity, Kind, Stored, Trouble, World, leaving
from prompts.evaluation.reading import CaseLine
from prompts.models import EvalCase, EvalSet
from prompts.nlu import segment


class CaseShape(CaseLine):
    """A case as files of cases have it, with its set and its switch."""

    # JSON has no tuples; lists stand for them.
    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)

    set: str = ""
    enabled: bool = True


FIELDS = [name for name in CaseShape.model_fields if name not in ("set", "key")]


class CaseKind(Kind):
    name = "case"
    shape = CaseShape
    words = (
        "history", "text", "slots", "must_contain", "must_not_contain", "tool_arguments", "rubric", "reference",
    )  # fmt: skip

    @override
    def identity(self, said: Mapping[str, Any]) -> Identity:
        return said["set"], said["key"]

    @override
    def place(self, said: Mapping[str, Any]) -> str:
        return places.cases(said["set"])

    @override
    def stored(self) -> Iterator[Stored]:
        for row in EvalCase.objects.select_related("set").order_by("set__name", "key"):
            raw = {name: getattr(row, name) for name in FIELDS}
            raw = {"key": row.key, "set": row.set.name, **raw}
            yield leaving(self, raw, language=row.language)

    @override
    def prepared(self, said: dict[str, Any], stored: Stored | None, world: World) -> dict[str, Any]:
        said["history"] = [list(line) for line in said["history"]]
        said["language"] = said["language"] or segment.language_of(said["text"])
        return Kind.prepared(self, said, stored, world)

    @override
    def troubles(self, said: Mapping[str, Any], world: World) -> Iterator[Trouble]:
        if said["set"] not in world.sets:
            yield (), f"there is no set {said['set'] or '?'}: its set.yaml is missing"

    @override
    def store(self, changes: Sequence[Change]) -> None:
        sets = {row.name: row.pk for row in EvalSet.objects.all()}
        known = {
            (row.set_id, row.key): row for row in EvalCase.objects.filter(set__in=sets.values())
        }
        fresh, renewed = [], []
        for change in changes:
            set_id = sets[change.said["set"]]
            row = known.get((set_id, change.said["key"]))
            if row is None:
                said = {name: change.said[name] for name in FIELDS}
                source = EvalCase.Source.FILE
                fresh.append(EvalCase(set_id=set_id, key=change.said["key"], source=source, **said))
                continue
            for name, value in change.values.items():
                setattr(row, name, value)
            renewed.append(row)
        EvalCase.objects.bulk_create(fresh, 500)
        EvalCase.objects.bulk_update(renewed, FIELDS, 500)
