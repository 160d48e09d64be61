"""Figures with how sure they are, at 95 %. Pure.

Shares have Wilson's interval (prompts.evaluation.intervals), F1 a bootstrap. That of a quantile is the bootstrap's
too, without drawing: which order statistics hold it is a matter of the binomial distribution alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from prompts.evaluation.intervals import wilson

TAIL = 0.025
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; an end that the sample is too small for is None."""

    value: float
    low: float | None
    high: float | None
    n: int


def share(right: int, n: int) -> Estimate | None:
    if not n:
        return None
    low, high = wilson(right, n)
    return Estimate(right / n, low, high, n)


def quantile(values: Sequence[float], q: float) -> Estimate | None:
    """The quantile with the order statistics that hold the true one in 95 % of samples."""
    if not values:
        return None
    ordered, n = sorted(values), len(values)
    below = cumulated(n, q)
    # P(x_(r) <= quantile) is P(at least r of n lie below it), r from 1.
    low = max((r for r in range(1, n + 1) if below[r - 1] <= TAIL), default=0)
    high = next((r for r in range(1, n + 1) if below[r - 1] >= 1 - TAIL), 0)
    return Estimate(
        value=ordered[min(n - 1, max(0, math.ceil(q * n) - 1))],
        low=ordered[low - 1] if low else None,
        high=ordered[high - 1] if high else None,
        n=n,
    )


def cumulated(n: int, q: float) -> list[float]:
    """P(at most k of n lie below the quantile), for every k."""
    total, found = 0.0, []
    for k in range(n + 1):
        log = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        total += math.exp(log + k * math.log(q) + (n - k) * math.log1p(-q))
        found.append(total)
    return found


def macro_f1(
    pairs: Sequence[tuple[str, str]], labels: Sequence[str], *, seed: int
) -> Estimate | None:
    """F1 averaged over the labels that occur, of (meant, understood); the bootstrap draws whole pairs anew."""
    if not pairs:
        return None
    draw = Random(seed)  # noqa: S311 - nothing secret is drawn
    drawn = sorted(f1(draw.choices(pairs, k=len(pairs)), labels) for _ in range(RESAMPLES))
    cut = int(RESAMPLES * TAIL)
    return Estimate(f1(pairs, labels), drawn[cut], drawn[-cut - 1], len(pairs))


def f1(pairs: Sequence[tuple[str, str]], labels: Sequence[str]) -> float:
    meant = dict.fromkeys(labels, 0)
    understood, both = dict(meant), dict(meant)
    for wanted, said in pairs:
        meant[wanted] += 1
        if said in understood:
            understood[said] += 1
            both[said] += wanted == said
    scores = [
        2 * both[label] / (meant[label] + understood[label]) for label in labels if meant[label]
    ]
    return sum(scores) / len(scores)
