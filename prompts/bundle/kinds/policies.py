"""Route policies in a bundle: versions, which are only added."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from django.db import connection
from django.db.models import Max, Q
from pydantic import Field, StringConstraints
from typing_extensions import override

from prompts import releases, snapshot
from prompts.bundle import places
from prompts.bundle.kinds.kind import (
    Change,
    Identity,
    Kind,
    Shape,
    Stored,
    Trouble,
    World,
    leaving,
)
from prompts.bundle.kinds.prompts import OVER
from prompts.llm.router import Policy, PolicyError
from prompts.locks import Lock
from prompts.models import Release, RoutePolicy


class PolicyShape(Shape):
    number: Annotated[int, Field(ge=1, le=999_999_999)]
    note: Annotated[str, StringConstraints(max_length=200)] = ""
    active: bool = False
    content: dict[str, Any] = {}


class PolicyKind(Kind):
    """The one in force and those of releases that are not over leave; what comes in is compared with all."""

    name = "policy"
    shape = PolicyShape
    words = ("note",)
    masks = False
    held = ("active",)

    @override
    def identity(self, said: Mapping[str, Any]) -> Identity:
        return (str(said["number"]),)

    @override
    def place(self, said: Mapping[str, Any]) -> str:
        return places.policy(said["number"])

    @override
    def stored(self) -> Iterator[Stored]:
        live = Release.objects.exclude(status__in=OVER).values("policy")
        yield from self.rows(Q(active=True) | Q(pk__in=live))

    def rows(self, wanted: Q) -> Iterator[Stored]:
        for row in RoutePolicy.objects.filter(wanted).order_by("number"):
            raw = {
                "number": row.number,
                "note": row.note,
                "active": row.active,
                "content": row.content,
            }
            yield leaving(self, raw, language="zh")

    @override
    def known(self, stored: Iterable[Stored]) -> dict[Any, Stored]:
        # The one in force last: of two that say the same, it is the one that is meant.
        rows = sorted(self.rows(Q()), key=lambda each: bool(each.raw["active"]))
        return {content_key(each.raw): each for each in rows}

    @override
    def compared(self) -> Collection[str]:
        return ("active",)

    @override
    def match(self, said: Mapping[str, Any], known: Mapping[Any, Stored]) -> Stored | None:
        return known.get(content_key(said))

    @override
    def prepared(self, said: dict[str, Any], stored: Stored | None, world: World) -> dict[str, Any]:
        """What was matched stays; a file that does not want it in force wants nothing changed."""
        if stored is None:
            return said
        return {**stored.raw, "active": said["active"] or stored.raw["active"]}

    @override
    def troubles(self, said: Mapping[str, Any], world: World) -> Iterator[Trouble]:
        try:
            problems = Policy.from_json(said["content"]).check(list(world.endpoints))
        except PolicyError as error:
            problems = list(error.problems)
        for problem in problems:
            name = problem.path.partition("[")[0].partition(".")[0]
            yield ("content", name), f"{problem.path}: {problem.message_en}"

    @override
    def store(self, changes: Sequence[Change]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.NUMBERING_POLICIES])
        for change in sorted(changes, key=lambda change: change.said["number"]):
            row = added(change) if change.stored is None else None
            if change.publish and "active" in change.changed and change.said["active"]:
                row = row or RoutePolicy.objects.get(number=change.said["number"])
                releases.activate(row.pk)
        snapshot.announce()


def added(change: Change) -> RoutePolicy:
    newest = RoutePolicy.objects.aggregate(Max("number"))["number__max"] or 0
    number = max(change.said["number"], newest + 1)
    return RoutePolicy.objects.create(
        number=number, note=change.said["note"], content=change.said["content"]
    )


def content_key(said: Mapping[str, Any]) -> str:
    """What a policy does, however it is written."""
    try:
        content = Policy.from_json({**said["content"]}).as_json()
    except (PolicyError, TypeError):
        content = said["content"]
    return json.dumps({**content, "version": ""}, sort_keys=True, default=str)
