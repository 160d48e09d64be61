"""What a policy would have cost and achieved on a table of counterfactual outcomes. Used by `manage.py replay_routing`.

The quality cells are learned from one half of the turns and the policies judged on the other.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from statistics import fmean

from prompts.llm.router import runs
from prompts.llm.router.outcomes import Table, Turn
from prompts.llm.router.policy import Policy
from prompts.llm.router.runs import BEST, FULL, Past, Taken, percentile

# How much less may be good and still count as equal: one percentage point.
EQUAL = 0.01
RESAMPLES = 1000
HALF_LEAST = 20


class TooFewTurns(ValueError):
    """There is too little to learn from or to judge by."""


@dataclass(frozen=True, slots=True)
class Row:
    """A policy on the judged turns. `saved` and its interval are shares of what the best single endpoint costs.

    None where that costs nothing. `quality_gap` is the interval of the difference to the best single endpoint's share
    of good answers.
    """

    name: str
    cost: float
    quality: float
    saved: float | None
    saved_interval: tuple[float, float] | None
    quality_gap: tuple[float, float]
    equal_quality: bool
    p99_ms: float
    dispatched: float
    mix: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    learned: int
    judged: int
    # Of all turns, how many are made up.
    synthetic: int
    best_single: str
    rows: tuple[Row, ...]

    @property
    def full(self) -> Row:
        return next(row for row in self.rows if row.name == FULL)


def measure(
    table: Table,
    policy: Policy,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """The policy beside what simpler ones would have done with the same turns. Raises TooFewTurns."""
    learned, judged = halves(table.turns)
    if min(len(learned), len(judged)) < HALF_LEAST:
        raise TooFewTurns(f"each half needs {HALF_LEAST} turns, the table has {len(table.turns)}")
    progress(f"{len(learned)} turns learned from, {len(judged)} to judge")
    found = runs.run(judged, policy, Past(table.options, learned), seed=seed)
    intervals = bootstrap(found, resamples=resamples, seed=seed, progress=progress)
    rows = tuple(row_of(name, found, intervals[name]) for name in found)
    return Report(len(learned), len(judged), table.synthetic, found[BEST][0].endpoint, rows)


def halves(turns: Iterable[Turn]) -> tuple[list[Turn], list[Turn]]:
    """The turns to learn from and those to judge by, parted by a hash of their names, so always alike."""
    parted: tuple[list[Turn], list[Turn]] = ([], [])
    for turn in turns:
        parted[sha256(turn.turn.encode()).digest()[0] % 2].append(turn)
    return parted


# --- figures -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Intervals:
    """95 % of the resamples lie within."""

    saved: tuple[float, float] | None
    quality_gap: tuple[float, float]


def bootstrap(
    found: Mapping[str, Sequence[Taken]],
    *,
    resamples: int,
    seed: int,
    progress: Callable[[str], None],
) -> dict[str, Intervals]:
    """Percentile intervals of saving and quality against the best single endpoint.

    Turns are drawn with replacement, the same ones for every policy, so that a hard sample is hard for all (paired
    bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13).
    """
    draw = Random(seed)  # noqa: S311 - a sample, not a secret
    costs = {name: [each.cost for each in taken] for name, taken in found.items()}
    goods = {name: [float(each.good) for each in taken] for name, taken in found.items()}
    turns = range(len(costs[BEST]))
    saved: dict[str, list[float]] = {name: [] for name in found}
    gaps: dict[str, list[float]] = {name: [] for name in found}
    for number in range(resamples):
        sample = draw.choices(turns, k=len(turns))
        usual = sum(map(costs[BEST].__getitem__, sample))
        good = sum(map(goods[BEST].__getitem__, sample))
        for name in found:
            if usual:
                saved[name].append(1 - sum(map(costs[name].__getitem__, sample)) / usual)
            gaps[name].append((sum(map(goods[name].__getitem__, sample)) - good) / len(sample))
        if (number + 1) % 200 == 0:
            progress(f"resamples: {number + 1}/{resamples}")
    return {
        name: Intervals(within(saved[name]) if saved[name] else None, within(gaps[name]))
        for name in found
    }


def within(values: list[float]) -> tuple[float, float]:
    return percentile(values, 2.5), percentile(values, 97.5)


def row_of(name: str, all_found: Mapping[str, Sequence[Taken]], intervals: Intervals) -> Row:
    found, best = all_found[name], all_found[BEST]
    cost, usual = fmean(each.cost for each in found), fmean(each.cost for each in best)
    good, usual_good = fmean(each.good for each in found), fmean(each.good for each in best)
    return Row(
        name=name,
        cost=cost,
        quality=good,
        saved=1 - cost / usual if usual else None,
        saved_interval=intervals.saved,
        quality_gap=intervals.quality_gap,
        # Shares of whole turns: rounding must not decide.
        equal_quality=good >= usual_good - EQUAL - 1e-9,
        p99_ms=percentile([each.total_ms for each in found], 99),
        dispatched=fmean(each.dispatched for each in found),
        mix=dict(Counter(each.endpoint for each in found).most_common()),
    )
