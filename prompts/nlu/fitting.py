"""Fits linear models with scikit-learn: feature counts to tf-idf, tf-idf to a decision for each label.

Used by prompts.nlu.train only, which imports it inline: scikit-learn takes seconds to load. Nothing here runs when
customers' messages are scored.
"""

import warnings
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from prompts.nlu.features import Features

Numbers = NDArray[np.float64]
TOLERANCE = 1e-2  # of the solver: finer costs three times the time and changes no answer
INT8 = 127


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each feature occurs in each text."""

    names: list[str]
    groups: "NDArray[np.int64]"
    """Of each feature, the number of its group."""
    shares: Numbers
    """Of each group, the factor on its part of the vector."""
    matrix: sparse.csr_matrix
    totals: Numbers
    """Of each text, how many different features it has, those that are left out included."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """decision = vectors · cells + intercepts, a column for each label."""

    cells: Numbers
    intercepts: Numbers


def count(texts: Sequence[Features], *, shares: dict[str, float], least: int) -> Counts:
    """Counts features that occur in at least `least` texts, runs and pairs in at least two, sorted by name."""
    occurring = Counter(name for found in texts for group in shares for name in set(found[group]))
    names = sorted(name for name, often in occurring.items() if often >= needed(name, least=least))
    numbers = {name: number for number, name in enumerate(names)}
    order = {group: number for number, group in enumerate(shares)}
    rows, columns, values = array("l"), array("l"), array("d")
    for row, found in enumerate(texts):
        for group in shares:
            for name, often in Counter(found[group]).items():
                if name in numbers:
                    rows.append(row)
                    columns.append(numbers[name])
                    values.append(often)
    cells = (np.asarray(values), (np.asarray(rows), np.asarray(columns)))
    return Counts(
        names=names,
        groups=np.array([order[name[0]] for name in names], dtype=np.int64),
        shares=np.array(list(shares.values())),
        matrix=sparse.csr_matrix(cells, shape=(len(texts), len(names))),
        totals=np.array(
            [sum(len(set(found[group])) for group in shares) for found in texts], float
        ),
    )


def needed(name: str, *, least: int) -> int:
    """A run or a pair seen once is two thirds of all features, and unseen rows are answered no worse without."""
    return max(least, 2) if " " in name else least


def rarity(counts: Counts, rows: "NDArray[np.int64]", *, least: int) -> Numbers:
    """Smoothed inverse document frequency in these rows: ln((1+n)/(1+df)) + 1; 0 where df < least."""
    often = np.asarray((counts.matrix[rows] > 0).sum(axis=0)).ravel()
    return np.where(often >= least, np.log((1 + len(rows)) / (1 + often)) + 1, 0.0)


def vectors(counts: Counts, idf: Numbers) -> sparse.csr_matrix:
    """(1 + ln tf) · idf, each group scaled to length one and then by its share."""
    weighted = counts.matrix.copy()
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    members = sparse.csr_matrix(
        (np.ones(len(counts.groups)), (np.arange(len(counts.groups)), counts.groups)),
        shape=(len(counts.groups), len(counts.shares)),
    )
    lengths = np.sqrt((weighted.multiply(weighted) @ members).toarray())
    factors = np.divide(counts.shares, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    of_row = np.repeat(np.arange(weighted.shape[0]), np.diff(weighted.indptr))
    weighted.data *= factors[of_row, counts.groups[weighted.indices]]
    weighted.eliminate_zeros()
    return weighted


def weigh(counts: Counts, rows: "NDArray[np.int64]", targets: Numbers, *, least: int) -> Numbers:
    """The weight of each feature: its rarity; between two labels, half of it is how unevenly it divides them.

    After Wang and Manning, "Baselines and Bigrams" (2012): the logarithm of the ratio of both labels' rates.
    """
    idf = rarity(counts, rows, least=least)
    if targets.shape[1] != 2:
        return idf
    occurs = counts.matrix[rows] > 0
    rates = [np.asarray(occurs[column > 0].sum(axis=0)).ravel() + 1.0 for column in targets[rows].T]
    uneven = np.abs(np.log((rates[0] / rates[0].sum()) / (rates[1] / rates[1].sum())))
    known = idf > 0
    mean = uneven[known].mean()
    return np.where(known, (idf + uneven * idf[known].mean() / mean) / 2, 0.0) if mean else idf


def coverage(counts: Counts, idf: Numbers) -> Numbers:
    """Of each text, the share of its features that a model with these rarities knows."""
    known = np.diff(counts.matrix[:, idf > 0].indptr)
    share = np.divide(known, counts.totals, out=np.ones(len(known)), where=counts.totals > 0)
    return np.asarray(share)


def fit(
    rows: sparse.csr_matrix, targets: Numbers, *, strength: float, balanced: bool = False
) -> Fitted:
    """A linear support vector machine for each column of `targets` (1 where the label holds)."""
    weight = "balanced" if balanced else None
    machine = LinearSVC(
        C=strength, class_weight=weight, tol=TOLERANCE, random_state=0, max_iter=300
    )
    several = targets.sum(axis=1).max(initial=0) > 1 or targets.shape[1] < 3
    with warnings.catch_warnings():
        # The last digits of a solution that has not settled decide nothing.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if several:
            fits = [fit_one(machine, rows, column) for column in targets.T]
            return Fitted(
                cells=np.column_stack([cells for cells, _ in fits]),
                intercepts=np.array([bias for _, bias in fits]),
            )
        machine.fit(rows, targets.argmax(axis=1))
    return scattered(machine, labels=targets.shape[1])


def fit_one(machine: LinearSVC, rows: sparse.csr_matrix, column: Numbers) -> tuple[Numbers, float]:
    if column.min() == column.max():
        return np.zeros(rows.shape[1]), -1.0 if column.max() == 0 else 1.0
    machine.fit(rows, column)
    return machine.coef_.ravel().copy(), float(machine.intercept_[0])


def scattered(machine: LinearSVC, *, labels: int) -> Fitted:
    """The machine's columns at the places of its labels; a label without a row is never chosen."""
    present = machine.classes_
    cells, intercepts = np.zeros((machine.coef_.shape[1], labels)), np.full(labels, -2.0)
    if len(present) == 2:
        cells[:, present] = np.column_stack([-machine.coef_[0], machine.coef_[0]])
        intercepts[present] = [-machine.intercept_[0], machine.intercept_[0]]
    else:
        cells[:, present] = machine.coef_.T
        intercepts[present] = machine.intercept_
    return Fitted(cells=cells, intercepts=intercepts)


def decide(fitted: Fitted, rows: sparse.csr_matrix) -> Numbers:
    return np.asarray(rows @ fitted.cells) + fitted.intercepts


def separate(features: Numbers, truth: Numbers) -> tuple[list[float], float]:
    """Coefficients and intercept of a logistic regression that gives both sides the same weight."""
    machine = LogisticRegression(class_weight="balanced", max_iter=1000)
    machine.fit(features, truth)
    return machine.coef_.ravel().tolist(), float(machine.intercept_[0])


def rounded(cells: Numbers) -> tuple["NDArray[np.int8]", Numbers]:
    """Cells in -127..127 by rows, and the scale of each row."""
    scales = np.abs(cells).max(axis=1) / INT8
    safe = np.where(scales > 0, scales, 1.0)
    return np.rint(cells / safe[:, None]).astype(np.int8), scales
