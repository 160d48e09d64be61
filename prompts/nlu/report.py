"""How good a trained classifier is, by answers about examples it had not seen: figures for staff to decide by.

Made by prompts.nlu.train. Plain Python and plain values, so that it can be kept as JSON (`dataclasses.asdict`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

CONFUSIONS, DOUBTFUL = 40, 100


@dataclass(frozen=True, slots=True)
class ClassScore:
    label: str
    rows: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Confusion:
    label: str
    taken_for: str
    rows: int


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An example of which unseeing models are sure that it belongs elsewhere: perhaps its label is wrong."""

    place: int
    """Of the example, in the order given."""
    label: str
    taken_for: str
    p: float


@dataclass(frozen=True, slots=True)
class Report:
    """Figures by cross-validation; shares between 0 and 1."""

    rows: int
    accuracy: float
    macro_f1: float
    classes: tuple[ClassScore, ...]
    confusions: tuple[Confusion, ...]
    doubtful: tuple[Doubtful, ...]
    calibration_error: float
    """Expected calibration error of the top intent, ten bins."""
    emotion_accuracy: float | None
    emotion_classes: tuple[ClassScore, ...]
    unknown_threshold: float
    strength: float
    features: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Answers:
    """Of each row: what holds (the first named is the main one), what was said, and how surely."""

    truth: Sequence[Sequence[str]]
    said: Sequence[str]
    sure: Sequence[float]

    def accuracy(self) -> float:
        right = [said in truth for truth, said in zip(self.truth, self.said, strict=True)]
        return sum(right) / len(right) if right else 0.0

    def classes(self) -> tuple[ClassScore, ...]:
        """Precision, recall and F1 of each label, by the main label of a row unless another that holds was said."""
        meant = [
            said if said in truth else truth[0]
            for truth, said in zip(self.truth, self.said, strict=True)
        ]
        right = Counter(one for one, other in zip(meant, self.said, strict=True) if one == other)
        rows, said = Counter(meant), Counter(self.said)
        return tuple(
            class_score(label, rows=rows[label], said=said[label], right=right[label])
            for label in sorted(rows | said)
        )

    def confusions(self) -> tuple[Confusion, ...]:
        wrong = Counter(
            (truth[0], said)
            for truth, said in zip(self.truth, self.said, strict=True)
            if said not in truth
        )
        ordered = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
        return tuple(Confusion(*pair, rows) for pair, rows in ordered[:CONFUSIONS])

    def doubtful(self) -> tuple[Doubtful, ...]:
        rows = enumerate(zip(self.truth, self.said, self.sure, strict=True))
        wrong = [
            Doubtful(n, truth[0], said, round(p, 4))
            for n, (truth, said, p) in rows
            if said not in truth
        ]
        return tuple(sorted(wrong, key=lambda row: (-row.p, row.place))[:DOUBTFUL])

    def calibration_error(self) -> float:
        bins: dict[int, list[tuple[float, bool]]] = {}
        for truth, said, p in zip(self.truth, self.said, self.sure, strict=True):
            bins.setdefault(min(int(p * 10), 9), []).append((p, said in truth))
        gaps = (abs(sum(p - right for p, right in rows)) for rows in bins.values())
        return sum(gaps) / len(self.said) if self.said else 0.0


def class_score(label: str, *, rows: int, said: int, right: int) -> ClassScore:
    precision = right / said if said else 0.0
    recall = right / rows if rows else 0.0
    f1 = 2 * right / (rows + said) if rows + said else 0.0
    return ClassScore(label, rows, round(precision, 4), round(recall, 4), round(f1, 4))


def mean_f1(classes: Sequence[ClassScore]) -> float:
    """Of the labels that have rows, each counting the same."""
    scores = [one.f1 for one in classes if one.rows]
    return sum(scores) / len(scores) if scores else 0.0
