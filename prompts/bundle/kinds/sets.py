"""Evaluation sets in a bundle; their cases are lines of a file beside them."""

from collections.abc import Iterator, Mapping, Sequence
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
    leaving,
)
from prompts.models import EvalSet

SetName = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[-\w]+$")]


class SetShape(Shape):
    name: SetName
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    threshold: Annotated[float, Field(ge=0, le=100)] = 95.0


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
        for row in EvalSet.objects.order_by("name"):
            raw = {name: getattr(row, name) for name in SetShape.model_fields}
            yield leaving(self, raw, language="zh")

    @override
    def store(self, changes: Sequence[Change]) -> None:
        for change in changes:
            said = change.said if change.stored is None else change.values
            EvalSet.objects.update_or_create(name=change.said["name"], defaults=said)
