"""Few-shot examples in a bundle."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from django.utils import timezone
from pydantic import Field, StringConstraints
from typing_extensions import override

from prompts.bundle import places
from prompts.bundle.kinds.kind import (
    Change,
    Identity,
    Key,
    Kind,
    Language,
    Name,
    Shape,
    Stored,
    Trouble,
    World,
    leaving,
)
from prompts.models import FewShotExample

Said = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class LineShape(Shape):
    role: Literal["visitor", "bot"]
    text: Said


class ExampleShape(Shape):
    key: Key
    language: Language
    intent: Name
    messages: Annotated[list[LineShape], Field(min_length=2, max_length=20)]
    emotion: Literal["negative", "neutral", "positive"] = "neutral"
    tags: list[Tag] = []
    enabled: bool = True
    source: Literal["default", "hand", "conversation"] = "hand"


FIELDS = [name for name in ExampleShape.model_fields if name not in ("key", "language")]


class ExampleKind(Kind):
    name = "example"
    shape = ExampleShape
    words = ("messages",)

    @override
    def identity(self, said: Mapping[str, Any]) -> Identity:
        return said["key"], said["language"]

    @override
    def place(self, said: Mapping[str, Any]) -> str:
        return places.example(said["key"], said["language"])

    @override
    def stored(self) -> Iterator[Stored]:
        for row in FewShotExample.objects.order_by("language", "key"):
            raw = {name: getattr(row, name) for name in ExampleShape.model_fields}
            yield leaving(self, raw, language=row.language)

    @override
    def troubles(self, said: Mapping[str, Any], world: World) -> Iterator[Trouble]:
        if said["messages"][0]["role"] != "visitor":
            yield ("messages", 0, "role"), "the customer's line comes first"

    @override
    def store(self, changes: Sequence[Change]) -> None:
        rows = {(row.key, row.language): row for row in FewShotExample.objects.all()}
        fresh, now = [], timezone.now()
        for change in changes:
            row = rows.get((change.said["key"], change.said["language"]))
            if row is None:
                fresh.append(FewShotExample(**change.said, masked=True))
                continue
            for name, value in change.values.items():
                setattr(row, name, value)
            row.masked, row.updated_at = row.masked or "messages" in change.changed, now
            row.save(update_fields=[*change.changed, "masked", "updated_at"])
        FewShotExample.objects.bulk_create(fresh, 500)
