"""Measures a classifier on rows it was not trained on: accuracy, F1, honest "unknown", time; with bootstrap intervals.

Used by `manage.py evaluate_nlu`. Plain Python.
"""

import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prompts.nlu.intents import Classifier, Found
from prompts.nlu.report import Answers, mean_f1

RESAMPLES = 500
Outcomes = Counter[tuple[bool, bool]]
Statistic = Callable[[Outcomes], float]


@dataclass(frozen=True, slots=True)
class Row:
    text: str
    intents: tuple[str, ...]
    """Any of them is right."""
    prev: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A share between 0 and 1 with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} ({100 * self.low:.1f}–{100 * self.high:.1f})"


@dataclass(frozen=True, slots=True)
class Measured:
    rows: int
    accuracy: Figure
    """Of all rows: a row outside every intent is right when it is called unknown."""
    in_scope_accuracy: Figure
    oos_recall: Figure | None
    macro_f1: float
    ms_p50: float
    ms_p99: float


def measure(classifier: Classifier, rows: Sequence[Row], *, outside: str = "") -> Measured:
    """Scores every row; `outside` is the label of rows that belong to no intent."""
    found, times_ms = timed(classifier, rows)
    said = [
        outside if outside and (one.unknown or one.intents[0][0] == outside) else one.intents[0][0]
        for one in found
    ]
    right = [one in row.intents for one, row in zip(said, rows, strict=True)]
    strange = [outside in row.intents if outside else False for row in rows]
    outcomes: Outcomes = Counter(zip(strange, right, strict=True))
    answers = Answers(truth=[row.intents for row in rows], said=said, sure=[1.0] * len(said))
    return Measured(
        rows=len(rows),
        accuracy=figure(outcomes, share_right),
        in_scope_accuracy=figure(only(outcomes, strange=False), share_right),
        oos_recall=figure(only(outcomes, strange=True), share_right) if any(strange) else None,
        macro_f1=round(mean_f1(answers.classes()), 4),
        ms_p50=percentile(times_ms, 0.5),
        ms_p99=percentile(times_ms, 0.99),
    )


def timed(classifier: Classifier, rows: Sequence[Row]) -> tuple[list[Found], list[float]]:
    """What is found in each row, and the milliseconds each took."""
    found, times_ms = [], []
    for row in rows:
        started = time.perf_counter()
        found.append(classifier.intents(row.text, prev=row.prev))
        times_ms.append((time.perf_counter() - started) * 1000)
    return found, times_ms


def percentile(numbers: Sequence[float], share: float) -> float:
    ordered = sorted(numbers)
    middle = statistics.median(ordered) if share == 0.5 else ordered[int(len(ordered) * share)]
    return round(middle, 3)


def figure(outcomes: Outcomes, statistic: Statistic) -> Figure:
    """The statistic of counted outcomes, and its 2.5th and 97.5th percentile over resamples of the rows."""
    size = sum(outcomes.values())
    if not size:
        return Figure(0.0, 0.0, 0.0)
    dice = random.Random(0)  # noqa: S311 - resampling, no secret
    kinds, weights = list(outcomes), list(outcomes.values())
    drawn = sorted(
        statistic(Counter(dice.choices(kinds, weights, k=size))) for _ in range(RESAMPLES)
    )
    low, high = drawn[int(RESAMPLES * 0.025)], drawn[int(RESAMPLES * 0.975)]
    return Figure(round(statistic(outcomes), 4), round(low, 4), round(high, 4))


def share_right(outcomes: Outcomes) -> float:
    """Of (outside, right) outcomes."""
    right = sum(often for (_, right), often in outcomes.items() if right)
    return right / max(sum(outcomes.values()), 1)


def only(outcomes: Outcomes, *, strange: bool) -> Outcomes:
    return Counter({kind: often for kind, often in outcomes.items() if kind[0] is strange})


def f1(outcomes: Outcomes) -> float:
    """F1 of (meant, said) outcomes: of saying yes where yes is meant."""
    both = outcomes[(True, True)]
    wrong = outcomes[(True, False)] + outcomes[(False, True)]
    return 2 * both / (2 * both + wrong) if both else 0.0
