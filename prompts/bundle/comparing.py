"""A bundle beside the database: the fate of every object, and what is wrong with those that are refused."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from prompts.bundle.kinds import KINDS, Change, Kind, Stored, Trouble, World
from prompts.bundle.kinds.prompts import wording_key
from prompts.bundle.masking import RedactionFailed, placeholders
from prompts.bundle.problems import Problem
from prompts.bundle.walking import Directory, Found
from prompts.evaluation import shops
from prompts.models import EvalSet, FewShotExample, ModelEndpoint, Prompt
from prompts.yaml_marks import Mark


class Fate(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    # Differs in what only --publish changes.
    HELD = "held"
    REFUSED = "refused"
    # Only in the database, which an import leaves as it is.
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Item:
    """One object and its fate; `change` is what an import does to it."""

    kind: str
    label: str
    path: str
    fate: Fate
    changed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    change: Change | None = None


@dataclass(slots=True)
class Plan:
    """The fate of every object; `problems` are of files that could not be read at all."""

    items: list[Item] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def counts(self) -> Counter[Fate]:
        return Counter(item.fate for item in self.items)

    @property
    def refused(self) -> list[Problem]:
        return [*self.problems, *(each for item in self.items for each in item.problems)]

    @property
    def differs(self) -> bool:
        return any(item.fate is not Fate.SAME for item in self.items)


@dataclass(slots=True)
class Shaped:
    """An object of a file with all its fields."""

    found: Found
    said: dict[str, Any]


def compare(directory: Directory, *, publish: bool = False) -> Plan:
    """What an import would do now. Changes nothing. Raises BundleError."""
    plan = Plan(problems=list(directory.problems))
    shaped: dict[str, list[Shaped]] = {name: [] for name in KINDS}
    seen: dict[tuple[str, ...], Found] = {}
    for found in directory.found:
        said, problems = as_shaped(KINDS[found.kind], found)
        if said is not None and (earlier := seen.setdefault((found.kind, *KINDS[found.kind].identity(said)), found)) is not found:  # fmt: skip
            problems = [found.problem(f"is in {earlier.path}:{earlier.at().line} already")]
        if said is None or problems:
            plan.items.append(refused(found, problems))
        else:
            shaped[found.kind].append(Shaped(found, said))
    around = world(shaped)
    for name, kind in KINDS.items():
        plan.items += compared(kind, shaped[name], around, publish=publish)
    plan.warnings = list(warnings(plan, shaped, around))
    return plan


def as_shaped(kind: Kind, found: Found) -> tuple[dict[str, Any] | None, list[Problem]]:
    """All fields of an object, or what is wrong with their shape."""
    if odd := next(odd_texts(found.said), None):
        return None, [found.problem("holds a character that cannot be stored", *odd)]
    given = found.said
    if found.kind == "case":
        given = {**given, "set": found.path.split("/")[1]}
    try:
        said = kind.shape.model_validate(given).model_dump()
    except ValidationError as error:
        return None, [shape_problem(found, each) for each in error.errors(include_url=False)]
    if found.kind != "case" and kind.place(said) != found.path:
        return None, [found.problem(f"belongs into {kind.place(said)}")]
    return said, []


def shape_problem(found: Found, error: Any) -> Problem:
    where = ".".join(map(str, error["loc"]))
    said = f"{where}: {error['msg']}" if where else str(error["msg"])
    return found.problem(said, *error["loc"])


def odd_texts(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Where a NUL or half a character stands."""
    if isinstance(value, str):
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
            yield path
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from odd_texts(name, *path)
            yield from odd_texts(each, *path, name)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from odd_texts(each, *path, place)


def world(shaped: dict[str, list[Shaped]]) -> World:
    coming = {(each.said["key"], each.said["language"]) for each in shaped["example"]}
    there = FewShotExample.objects.values_list("key", "language")
    sets = frozenset(each.said["name"] for each in shaped["set"])
    return World(
        examples=frozenset(coming | set(there)),
        endpoints=frozenset(ModelEndpoint.objects.values_list("name", flat=True)),
        sets=sets,
        guards=sets.union(EvalSet.objects.values_list("name", flat=True)),
        inboxes=frozenset(key for key, _ in shops.inboxes()),
        wordings={
            KINDS["version"].identity(each.said): wording_key(each.said)
            for each in shaped["version"]
        },
        held=frozenset(
            (row.purpose, row.language)
            for row in Prompt.objects.exclude(current=None)
            if row.is_held
        ),
    )


def compared(kind: Kind, shaped: list[Shaped], around: World, *, publish: bool) -> Iterator[Item]:
    """The fate of every object of one kind, and those that only the database has."""
    stored = list(kind.stored())
    known = kind.known(stored)
    matched: set[tuple[str, ...]] = set()
    for each in shaped:
        there = kind.match(each.said, known)
        if there is not None:
            matched.add(there.identity)
        yield decided(kind, each, there, around, publish=publish)
    for each_stored in stored:
        if each_stored.identity not in matched:
            label = " ".join(each_stored.identity)
            yield Item(kind.name, label, each_stored.path, Fate.ABSENT)


def decided(
    kind: Kind, each: Shaped, there: Stored | None, around: World, *, publish: bool
) -> Item:
    try:
        said = kind.prepared(each.said, there, around)
        changed = tuple(differing(kind.compared(), said, there) if there else said)
    except RedactionFailed as error:
        problem = each.found.problem(f"could not be examined for personal data ({error})")
        return refused(each.found, [problem])
    change = Change(said, changed, there, publish)
    if troubles := [*kind.troubles(said, around), *withheld(kind, change, around)]:
        return refused(each.found, [each.found.problem(text, *path) for path, text in troubles])
    label = " ".join(kind.identity(said))
    fate = fate_of(kind, change)
    done = change if fate in (Fate.NEW, Fate.CHANGED) else None
    told = changed if there else ()
    return Item(kind.name, label, each.found.path, fate, told, change=done)


def withheld(kind: Kind, change: Change, around: World) -> Iterable[Trouble]:
    """What the import itself would stop at."""
    return kind.withheld(change, around) if change.publish and change.stored else ()


def fate_of(kind: Kind, change: Change) -> Fate:
    if change.stored is None:
        return Fate.NEW
    if not change.changed:
        return Fate.SAME
    waits = not change.publish and is_held(kind, set(change.changed), change.stored)
    return Fate.HELD if waits else Fate.CHANGED


def is_held(kind: Kind, changed: set[str], there: Stored) -> bool:
    """Whether nothing of it would change without --publish: a prompt that says nothing yet begins to."""
    speaks = any(there.raw.get(name) not in (None, False) for name in kind.held)
    return changed <= set(kind.held) and (speaks or kind.name == "policy")


def differing(names: Iterable[str], said: dict[str, Any], there: Stored) -> Iterator[str]:
    """What a file says as it left, masked, is no change; nor is what stands there. Raises RedactionFailed."""
    return (name for name in names if there.differs(name, said[name]))


def refused(found: Found, problems: list[Problem]) -> Item:
    return Item(found.kind, "", found.path, Fate.REFUSED, problems=tuple(problems))


def warnings(plan: Plan, shaped: dict[str, list[Shaped]], around: World) -> Iterator[Problem]:
    """What is named and not there, and what would be said to customers with a placeholder in it."""
    for name, kind in KINDS.items():
        for each in shaped[name]:
            yield from (
                each.found.problem(text, *path) for path, text in kind.missing(each.said, around)
            )
    fresh = {item.path for item in plan.items if item.fate in (Fate.NEW, Fate.CHANGED)}
    for each in (*shaped["sop"], *shaped["version"]):
        if each.found.path in fresh and (names := list(placeholders(each.said))):
            yield Problem(
                each.found.path,
                Mark(1, 1),
                f"holds {', '.join(dict.fromkeys(names))}, which was masked when it left",
            )
