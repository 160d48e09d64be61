"""Tables of counterfactual outcomes: what every endpoint made of the same turns. docs/routing.md has the format.

Read by `manage.py replay_routing`; tests.bench.counterfactuals makes one against the provider fake.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from prompts.llm.features import Features, Option

FORBID = ConfigDict(extra="forbid", allow_inf_nan=False)
Amount = Annotated[float, Field(ge=0)]


class TableError(ValueError):
    """A table that cannot be read: the line and field, and what is wrong with it."""


@checked_dataclass(frozen=True, slots=True, config=FORBID)
class Outcome:
    """How one endpoint answered one turn; `cost` in the accounting currency."""

    good: bool
    cost: Amount
    ttft_ms: Amount = 0.0
    total_ms: Amount = 0.0


@checked_dataclass(frozen=True, slots=True, config=FORBID)
class Dispatch:
    """What the dispatcher said of a turn, and what asking it cost."""

    said: Literal["light", "standard", "strong", "failed"]
    cost: Amount = 0.0
    ms: Amount = 0.0


@checked_dataclass(frozen=True, slots=True, config=FORBID)
class Turn:
    """A turn with every endpoint's outcome. `synthetic`: made up, so it says nothing about real models."""

    turn: str
    features: Features
    outcomes: dict[str, Outcome]
    dispatcher: Dispatch | None = None
    synthetic: bool = False


@checked_dataclass(frozen=True, slots=True, config=FORBID)
class Header:
    endpoints: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Endpoints, and turns that each has an outcome for."""

    options: tuple[Option, ...]
    turns: tuple[Turn, ...] = field(repr=False)

    @property
    def synthetic(self) -> int:
        """How many turns are made up."""
        return sum(turn.synthetic for turn in self.turns)


def read(lines: Iterable[str]) -> Table:
    """The table in JSON lines, the endpoints first. Raises TableError naming line and field."""
    rows = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise TableError("the table is empty")
    header: Header = checked(Header, *rows[0])
    turns = [checked(Turn, *row) for row in rows[1:]]
    names = [option.name for option in header.endpoints]
    if not names or len(set(names)) < len(names):
        raise TableError("line 1: endpoints: must be at least one, each with a name of its own")
    for (number, _), turn in zip(rows[1:], turns, strict=True):
        check_outcomes(turn.outcomes, names, number=number)
    return Table(header.endpoints, tuple(turns))


def checked(shape: Any, number: int, line: str) -> Any:
    try:
        return adapter(shape).validate_python(json.loads(line))
    except json.JSONDecodeError as error:
        raise TableError(f"line {number}: not JSON: {error.msg}") from None
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False, include_input=False)
        path = ".".join(map(str, first["loc"]))
        raise TableError(f"line {number}: {path}: {first['msg']}") from None


@lru_cache(maxsize=2)
def adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def check_outcomes(outcomes: Mapping[str, Outcome], names: list[str], *, number: int) -> None:
    for name in names:
        if name not in outcomes:
            raise TableError(f"line {number}: outcomes: {name} is missing")
    for name in outcomes:
        if name not in names:
            raise TableError(f"line {number}: outcomes: {name} is no endpoint of line 1")
