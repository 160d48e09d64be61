"""Evaluation sets in a bundle; their cases are lines of a file beside them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from typing_extensions import override

from prompts.bundle import places
from prompts.bundle.kinds.kind import (
    Change,
    Identity,
    Kind,
    Shape,
    Stored,
    Trouble,
    World,
    absent,
    kept,
    leaving,
)
from prompts.models import EvalSet, ModelEndpoint

SetName = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[-\w]+$")]


class SetShape(Shape):
    name: SetName
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    threshold: Annotated[float, Field(ge=0, le=100)] = 95.0
    # An inbox by its key and an endpoint by its name; a file that names none leaves what is there.
    inbox: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    judge: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    judge_blocks: bool = False


class SetKind(Kind):
    name = "set"
    shape = SetShape

    @override
    def identity(self, said: Mapping[str, Any]) -> Identity:
        return (said["name"],)

    @override
    def place(self, said: Mapping[str, Any]) -> str:
        return places.eval_set(said["name"])

    @override
    def stored(self) -> Iterator[Stored]:
        for row in EvalSet.objects.select_related("judge").order_by("name"):
            raw = {name: getattr(row, name) for name in SetShape.model_fields}
            named = {"inbox": row.inbox or None, "judge": row.judge.name if row.judge else None}
            yield leaving(self, {**raw, **named}, language="zh")

    @override
    def prepared(self, said: dict[str, Any], stored: Stored | None, world: World) -> dict[str, Any]:
        return kept(said, stored, refers(world))

    @override
    def missing(self, said: Mapping[str, Any], world: World) -> Iterator[Trouble]:
        return absent(said, refers(world))

    @override
    def store(self, changes: Sequence[Change]) -> None:
        for change in changes:
            said = {**(change.said if change.stored is None else change.values)}
            if "inbox" in said:
                said["inbox"] = said["inbox"] or ""
            if "judge" in said:
                said["judge"] = ModelEndpoint.objects.filter(name=said["judge"]).first()
            EvalSet.objects.update_or_create(name=change.said["name"], defaults=said)


def refers(world: World) -> Mapping[str, Collection[str]]:
    return {"inbox": world.inboxes, "judge": world.endpoints}
