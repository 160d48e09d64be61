"""Two comparisons beside each other: what another run found of the same, and whether that is more than chance. Pure."""

from dataclasses import dataclass
from typing import Any

from analytics.comparison import plan

Cell = dict[str, Any]
# Where less is better.
TIMES = {plan.FIRST_TOKEN, plan.LOAD}


@dataclass(frozen=True, slots=True)
class Beside:
    """What the other run found, and how this one differs: "better", "worse", or "" where the intervals meet."""

    cell: Cell
    verdict: str


def beside(entry: dict[str, Any], measure: str, others: dict[str, dict[str, Any]]) -> Beside | None:
    """The same endpoint's figure in the other run; None where it has none."""
    other = others.get(entry["endpoint"]["name"], {}).get("cells", {}).get(measure)
    if other is None or other["value"] is None:
        return None
    return Beside(other, verdict(measure, entry["cells"][measure], other))


def verdict(measure: str, now: Cell, then: Cell) -> str:
    """Known only where neither interval reaches into the other."""
    if now["value"] is None:
        return ""
    if measure == plan.WINDOW:
        higher, lower = reaches(now, then), reaches(then, now)
    else:
        higher, lower = lies_above(now, then), lies_above(then, now)
    if not (higher or lower):
        return ""
    return "worse" if (measure in TIMES) == higher else "better"


def lies_above(one: Cell, other: Cell) -> bool:
    return one["low"] is not None and other["high"] is not None and one["low"] > other["high"]


def reaches(one: Cell, other: Cell) -> bool:
    """Whether one read what the other could not."""
    return other["high"] is not None and one["value"] >= other["high"]
