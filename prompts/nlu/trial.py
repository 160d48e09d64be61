"""Cross-validation: what a model would say about examples it has not seen, and what is chosen by that.

Used by prompts.nlu.train only, which imports it inline, as it loads scikit-learn.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prompts.nlu import fitting
from prompts.nlu.doubt import doubts, unknown_probability
from prompts.nlu.fitting import Counts, Numbers
from prompts.nlu.weights import Unknown

Rows = NDArray[np.int64]

FOLDS = 4
PARTS = 3
FEWEST_LABELS = 6
"""With fewer intents, leaving some out says nothing about what lies outside all of them."""
TEMPERATURES = np.geomspace(0.5, 40, 60)
LOST_AT_MOST = 0.002
"""Share of right answers given up for honest ones."""
NEVER = Unknown(coefficients=(0.0,) * 5, intercept=-10.0, threshold=1.0)


@dataclass(frozen=True, slots=True)
class Question:
    """What one head learns: a column for each label, 1 where it holds."""

    labels: tuple[str, ...]
    targets: Numbers
    rows: Sequence[tuple[str, ...]]
    """The labels of each row, the main one first."""
    balanced: bool = False

    @property
    def several(self) -> bool:
        return bool(self.targets.sum(axis=1).max(initial=0) > 1)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Decisions about each row by a model that had not seen it, and how much of the row that model knew."""

    decisions: Numbers
    coverage: Numbers


def cross_validate(
    counts: Counts,
    question: Question,
    *,
    strength: float,
    least: int,
    weighed_by: Numbers,
    step: Callable[[], None],
) -> Unseen:
    """`weighed_by` are the targets that features are weighed by, the same for every question."""
    size = counts.matrix.shape[0]
    decisions, coverage = np.zeros((size, len(question.labels))), np.zeros(size)
    for seen, unseen in folds(question.targets):
        idf = fitting.weigh(counts, seen, weighed_by, least=least)
        rows = fitting.vectors(counts, idf)
        fitted = fitting.fit(
            rows[seen], question.targets[seen], strength=strength, balanced=question.balanced
        )
        decisions[unseen] = fitting.decide(fitted, rows[unseen])
        coverage[unseen] = fitting.coverage(counts, idf)[unseen]
        step()
    return Unseen(decisions, coverage)


def folds(targets: Numbers) -> Iterator[tuple[Rows, Rows]]:
    """(rows to learn from, rows to judge by); the rows of a label are dealt out evenly."""
    dealer = np.random.default_rng(0)
    first = targets.argmax(axis=1)
    place = np.zeros(len(first), dtype=np.int64)
    for number, label in enumerate(np.unique(first)):
        rows = dealer.permutation(np.flatnonzero(first == label))
        place[rows] = (np.arange(len(rows)) + number) % FOLDS
    for fold in range(FOLDS):
        yield np.flatnonzero(place != fold), np.flatnonzero(place == fold)


def accuracy(question: Question, decisions: Numbers) -> float:
    """Share of rows whose top label holds."""
    tops = decisions.argmax(axis=1)
    return float(question.targets[np.arange(len(tops)), tops].mean())


def calibrate(question: Question, decisions: Numbers) -> float:
    """The temperature under which unseen rows are least surprising."""
    return float(min(TEMPERATURES, key=lambda one: surprise(question, decisions * one)))


def surprise(question: Question, scaled: Numbers) -> float:
    """Mean negative log-likelihood of what holds."""
    if question.several:
        wrong_way = np.where(question.targets > 0, -scaled, scaled)
        return float(np.logaddexp(0, wrong_way).mean())
    most = scaled.max(axis=1, keepdims=True)
    whole = np.log(np.exp(scaled - most).sum(axis=1)) + most[:, 0]
    return float((whole - (scaled * question.targets).sum(axis=1)).mean())


def tops(question: Question, decisions: Numbers, *, temperature: float) -> Numbers:
    scaled = decisions * temperature
    most = scaled.max(axis=1, keepdims=True)
    if question.several:
        return np.asarray(1 / (1 + np.exp(-most[:, 0])))
    return np.asarray(1 / np.exp(scaled - most).sum(axis=1))


def learn_unknown(
    counts: Counts,
    question: Question,
    unseen: Unseen,
    *,
    strength: float,
    least: int,
    temperature: float,
    label: str,
    step: Callable[[], None],
) -> Unknown:
    """How to tell messages that belong to no intent: from examples of such, or else from intents left out in turn."""
    outside = question.labels.index(label) if label in question.labels else None
    numbers = doubts_of(question, unseen, temperature=temperature, outside=outside)
    if outside is not None:
        strange = question.targets[:, outside] > 0
        known, foreign = numbers[~strange], numbers[strange]
        right = right_inside(question, unseen.decisions, outside=outside)[~strange]
    elif len(question.labels) < FEWEST_LABELS or question.several:
        return NEVER
    else:
        parts = left_out(counts, question, strength=strength, least=least, step=step)
        foreign = np.concatenate(
            [doubts_of(question, part, temperature=temperature, outside=None) for part in parts]
        )
        known, right = numbers, right_inside(question, unseen.decisions, outside=None)
    return threshold(known, foreign, right=right, label=label)


def doubts_of(
    question: Question, unseen: Unseen, *, temperature: float, outside: int | None
) -> Numbers:
    best = tops(question, unseen.decisions, temperature=temperature)
    rows = zip(unseen.decisions.tolist(), best.tolist(), unseen.coverage.tolist(), strict=True)
    return np.array(
        [doubts(row, best=sure, coverage=known, outside=outside) for row, sure, known in rows]
    )


def right_inside(
    question: Question, decisions: Numbers, *, outside: int | None
) -> "NDArray[np.bool_]":
    inside = decisions.copy()
    if outside is not None:
        inside[:, outside] = -np.inf
    return np.asarray(question.targets[np.arange(len(inside)), inside.argmax(axis=1)] > 0)


def left_out(
    counts: Counts, question: Question, *, strength: float, least: int, step: Callable[[], None]
) -> Iterator[Unseen]:
    """Decisions about the rows of some intents by models that know only the other intents."""
    order = np.random.default_rng(1).permutation(len(question.labels))
    for part in range(PARTS):
        strange = question.targets[:, order[part::PARTS]].any(axis=1)
        seen, rest = (
            np.flatnonzero(~strange),
            np.delete(np.arange(len(question.labels)), order[part::PARTS]),
        )
        idf = fitting.rarity(counts, seen, least=least)
        rows = fitting.vectors(counts, idf)
        fitted = fitting.fit(rows[seen], question.targets[seen][:, rest], strength=strength)
        yield Unseen(fitting.decide(fitted, rows[strange]), fitting.coverage(counts, idf)[strange])
        step()


def threshold(
    known: Numbers, foreign: Numbers, *, right: "NDArray[np.bool_]", label: str
) -> Unknown:
    """The lowest threshold at which at most LOST_AT_MOST of the right answers are withheld."""
    truth = np.concatenate([np.zeros(len(known)), np.ones(len(foreign))])
    coefficients, intercept = fitting.separate(np.concatenate([known, foreign]), truth)
    learned = Unknown(
        coefficients=tuple(coefficients), intercept=intercept, threshold=0.5, label=label
    )
    doubted = np.array([unknown_probability(row, unknown=learned) for row in known[right].tolist()])
    lowest = float(np.quantile(doubted, 1 - LOST_AT_MOST)) if len(doubted) else 1.0
    return learned.model_copy(update={"threshold": min(lowest, 1.0)})


def one_hot(rows: Sequence[Sequence[str]], labels: Sequence[str]) -> Numbers:
    places = {label: place for place, label in enumerate(labels)}
    targets = np.zeros((len(rows), len(labels)))
    for number, row in enumerate(rows):
        targets[number, [places[label] for label in row]] = 1
    return targets
