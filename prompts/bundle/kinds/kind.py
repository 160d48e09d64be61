"""What every kind of object in a bundle can do, and what they hand to each other."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from prompts.bundle.masking import is_masked, masked

Key = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^\S+$")]
Name = Annotated[str, StringConstraints(max_length=40, pattern=r"^\S*$")]
Language = Literal["zh", "en"]
Identity = tuple[str, ...]


class Shape(BaseModel):
    """The fields of an object; those that hold their usual value are left out of a file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True)
class Stored:
    """An object of the database with all its fields: as it stands there, and, once that is asked for, masked."""

    identity: Identity
    path: str
    raw: dict[str, Any]
    # Looking for personal data takes most of the time of an import: it is done for what has to be looked at only.
    leave: Callable[[], tuple[dict[str, Any], tuple[str, ...]]]

    @cached_property
    def left(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        return self.leave()

    @property
    def said(self) -> dict[str, Any]:
        """As it leaves. Raises RedactionFailed."""
        return self.left[0]

    @property
    def masked(self) -> tuple[str, ...]:
        """The fields in which something is masked when it leaves. Raises RedactionFailed."""
        return self.left[1]

    def differs(self, name: str, value: Any) -> bool:
        """Whether a file's field says something else, masked or not. Raises RedactionFailed."""
        if value == self.raw[name]:
            return False
        return not is_masked(value) or value != self.said[name]


@dataclass(frozen=True, slots=True)
class World:
    """What objects may name: in the database or beside them in the bundle."""

    examples: frozenset[tuple[str, str]] = frozenset()
    endpoints: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()
    # Names of things of this installation, which a bundle only refers to: sets that are there or come, inboxes.
    guards: frozenset[str] = frozenset()
    inboxes: frozenset[str] = frozenset()
    # What each version of the bundle says.
    wordings: Mapping[Identity, str] = field(default_factory=dict)
    # Prompts whose version in force only a release may change.
    held: frozenset[Identity] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """An object on its way in: all its fields, those that differ, and what it was."""

    said: dict[str, Any]
    changed: tuple[str, ...]
    stored: Stored | None = None
    publish: bool = False

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.said[name] for name in self.changed}


Trouble = tuple[tuple[str | int, ...], str]


class Kind(ABC):
    """One kind of object."""

    name: ClassVar[str]
    shape: ClassVar[type[BaseModel]]
    # Fields that only `--publish` changes once the object is there.
    held: ClassVar[tuple[str, ...]] = ()
    # The fields that may hold a customer's words, and are masked on the way out.
    words: ClassVar[tuple[str, ...]] = ()
    # Whether they are masked on the way in as well: what the shop publishes is not.
    masks: ClassVar[bool] = True

    @abstractmethod
    def identity(self, said: Mapping[str, Any]) -> Identity: ...

    @abstractmethod
    def place(self, said: Mapping[str, Any]) -> str:
        """The path of the file it stands in."""

    @abstractmethod
    def stored(self) -> Iterable[Stored]:
        """Those that are exported. Raises RedactionFailed."""

    @abstractmethod
    def store(self, changes: Sequence[Change]) -> None:
        """Carries the changes out; the caller has the transaction."""

    def compared(self) -> Collection[str]:
        """The fields by which an object of a file differs from one of the database."""
        return self.shape.model_fields

    def known(self, stored: Iterable[Stored]) -> dict[Any, Stored]:
        """Those that an object of a file may be, by what `match` finds them by."""
        return {each.identity: each for each in stored}

    def match(self, said: Mapping[str, Any], known: Mapping[Any, Stored]) -> Stored | None:
        return known.get(self.identity(said))

    def prepared(self, said: dict[str, Any], stored: Stored | None, world: World) -> dict[str, Any]:
        """The object as it would be stored. Raises RedactionFailed."""
        if not self.masks:
            return said
        there = stored.raw if stored else {}
        known = [name for name in self.words if name in there and said[name] == there[name]]
        return masked(said, self.words, language=language_of(said), known=known)[0]

    def troubles(self, said: Mapping[str, Any], world: World) -> Iterator[Trouble]:
        """What is wrong with it beyond the shape of its fields, each by path."""
        yield from ()

    def missing(self, said: Mapping[str, Any], world: World) -> Iterable[Trouble]:
        """What it names that is not there: warned of, and left as it is."""
        return ()

    def withheld(self, change: Change, world: World) -> Iterator[Trouble]:
        """What of a change may not be published, each by path."""
        yield from ()


def language_of(said: Mapping[str, Any]) -> str:
    return str(said.get("language") or "zh")


def leaving(kind: Kind, raw: dict[str, Any], *, language: str) -> Stored:
    """An object of the database, masked where that is asked for."""

    def leave() -> tuple[dict[str, Any], tuple[str, ...]]:
        return masked(raw, kind.words, language=language)

    return Stored(kind.identity(raw), kind.place(raw), raw, leave)


def kept(
    said: Mapping[str, Any], stored: Stored | None, refers: Mapping[str, Collection[str]]
) -> dict[str, Any]:
    """What is said; where it names nothing, or nothing that is there, as it is stored. `refers`: known names by field."""
    found = dict(said)
    for name, known in refers.items():
        if found[name] not in known:
            found[name] = stored.raw[name] if stored else None
    return found


def absent(said: Mapping[str, Any], refers: Mapping[str, Collection[str]]) -> Iterator[Trouble]:
    """What is named and not there."""
    for name, known in refers.items():
        if said[name] is not None and said[name] not in known:
            yield (name,), f"{name}: there is no {said[name]} here; it is left as it is"


def written(shape: type[BaseModel], said: Mapping[str, Any]) -> dict[str, Any]:
    """The object as its file has it: without the fields that hold their usual value."""
    usual = {name: field.get_default(call_default_factory=True) for name, field in shape.model_fields.items()}  # fmt: skip
    wanted = {name for name, field in shape.model_fields.items() if field.is_required()}
    return {n: v for n, v in said.items() if n in wanted or v != usual[n]}
