"""What a figure is: its name, what exactly it says, what it is made of and what stands behind it."""

from dataclasses import dataclass
from typing import Any, Literal

Unit = Literal["count", "percent", "money", "ms", "number"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A count, or one count divided by another, of a family in `analytics.stats`."""

    name: Any
    definition: Any
    family: str
    part: str
    # Divided by this stat; empty: the count itself.
    whole: str = ""
    unit: Unit = "count"
    # Which way is better; empty: neither.
    better: Literal["", "up", "down"] = ""
    # The conversations that make up `part`.
    trait: str = ""
    # The stat is in this many of the unit.
    scale: float = 1.0

    @property
    def stats(self) -> set[str]:
        return {self.part, self.whole} - {""}


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile of durations, from merged sketches, at most 1 % off."""

    name: Any
    definition: Any
    measure: str
    share: float
    trait: str = ""
    better: Literal["down"] = "down"


def share(
    name: Any,
    definition: Any,
    part: str,
    whole: str,
    *,
    family: str = "conversation",
    better: Any = "",
    trait: str = "",
) -> Metric:
    return Metric(name, definition, family, part, whole, "percent", better, trait)
