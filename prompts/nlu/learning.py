"""From features of examples to weights and a report: choose by cross-validation, fit on everything, pack.

Used by prompts.nlu.train only, which imports it inline, as it loads scikit-learn.
"""

import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from prompts.nlu import fitting, trial
from prompts.nlu.features import (
    CONCEPT,
    LETTERS,
    PAIR,
    PLACE,
    SEQUENCE,
    SOUND,
    TONE,
    WORD,
    Features,
)
from prompts.nlu.fitting import Counts, Fitted, Numbers
from prompts.nlu.report import Answers, Report, mean_f1
from prompts.nlu.trial import Question, Unseen
from prompts.nlu.weights import EMOTIONS, INTENTS, Head, Unknown, Weights

if TYPE_CHECKING:
    from prompts.nlu.train import Example, Progress

SHARES = {
    SEQUENCE: 1.0,
    WORD: 0.7,
    LETTERS: 0.9,
    SOUND: 0.6,
    PAIR: 1.0,
    TONE: 0.7,
    CONCEPT: 0.5,
    PLACE: 0.5,
}
"""How much each group of features says, found on training parts of four public sets."""
STRENGTHS = {INTENTS: (0.3, 1.0), EMOTIONS: (0.3,)}
LARGE_STRENGTHS = {INTENTS: (0.5,), EMOTIONS: (0.3,)}
LARGE_ROWS = 15_000
"""From here on a feature must occur twice, and nothing is tried out: what is seen once is most of the memory and little
of the meaning."""


@dataclass(frozen=True, slots=True)
class Chosen:
    strength: float
    unseen: Unseen
    temperature: float


@dataclass
class Steps:
    """Counts fits for whoever watches."""

    progress: "Progress"
    most: int
    done: int = 0

    def step(self) -> None:
        self.done += 1
        self.progress("fitting", min(self.done, self.most), self.most)

    def finish(self) -> None:
        """Some steps are not needed for every set of examples."""
        self.progress("fitting", self.most, self.most)


def learn(
    examples: "Sequence[Example]", found: list[Features], *, progress: "Progress", unknown: str
) -> tuple[Weights, Report]:
    started = time.perf_counter()
    large = len(found) >= LARGE_ROWS
    least, strengths = (2, LARGE_STRENGTHS) if large else (1, STRENGTHS)
    counts = fitting.count(found, shares=SHARES, least=least)
    asked = questions(examples)
    trials = sum(len(strengths[name]) for name in asked)
    steps = Steps(progress, trial.FOLDS * trials + trial.PARTS + len(asked))
    chosen = {
        name: choose(
            counts,
            q,
            strengths[name],
            least=least,
            weighed_by=asked[INTENTS].targets,
            steps=steps,
        )
        for name, q in asked.items()
    }
    doubt = trial.learn_unknown(
        counts,
        asked[INTENTS],
        chosen[INTENTS].unseen,
        strength=chosen[INTENTS].strength,
        least=least,
        temperature=chosen[INTENTS].temperature,
        label=unknown,
        step=steps.step,
    )
    weights = fit_all(counts, asked, chosen, least=least, unknown=doubt, steps=steps)
    steps.finish()
    return weights, report(asked, chosen, weights, seconds=time.perf_counter() - started)


def questions(examples: "Sequence[Example]") -> dict[str, Question]:
    """What to learn: intents always, moods when the examples show more than one."""
    intents = [(example.intent, *example.also) for example in examples]
    moods = [(example.emotion,) for example in examples]
    asked = {INTENTS: question(intents)}
    if len(set(moods)) > 1:
        asked[EMOTIONS] = question(moods)
    return asked


def question(rows: Sequence[tuple[str, ...]], *, balanced: bool = False) -> Question:
    labels = tuple(sorted({label for row in rows for label in row}))
    return Question(
        labels=labels, targets=trial.one_hot(rows, labels), rows=rows, balanced=balanced
    )


def choose(
    counts: Counts,
    asked: Question,
    strengths: Sequence[float],
    *,
    least: int,
    weighed_by: Numbers,
    steps: Steps,
) -> Chosen:
    """The strength under which unseen rows are answered best; the first of equals."""
    tried = {
        strength: trial.cross_validate(
            counts,
            asked,
            strength=strength,
            least=least,
            weighed_by=weighed_by,
            step=steps.step,
        )
        for strength in strengths
    }
    best = max(tried, key=lambda strength: trial.accuracy(asked, tried[strength].decisions))
    temperature = trial.calibrate(asked, tried[best].decisions)
    return Chosen(best, tried[best], temperature)


def fit_all(
    counts: Counts,
    asked: dict[str, Question],
    chosen: dict[str, Chosen],
    *,
    least: int,
    unknown: Unknown,
    steps: Steps,
) -> Weights:
    every = np.arange(counts.matrix.shape[0])
    idf = fitting.weigh(counts, every, asked[INTENTS].targets, least=least)
    rows = fitting.vectors(counts, idf)
    fits: list[Fitted] = []
    for name, q in asked.items():
        fits.append(
            fitting.fit(rows, q.targets, strength=chosen[name].strength, balanced=q.balanced)
        )
        steps.step()
    heads = {
        name: Head(
            labels=q.labels,
            intercepts=tuple(fitted.intercepts.tolist()),
            temperature=chosen[name].temperature,
            several=q.several,
        )
        for (name, q), fitted in zip(asked.items(), fits, strict=True)
    }
    return pack(counts, idf, fits, heads=heads, unknown=unknown)


def pack(
    counts: Counts, idf: Numbers, fits: list[Fitted], *, heads: dict[str, Head], unknown: Unknown
) -> Weights:
    cells, scales = fitting.rounded(np.hstack([fitted.cells for fitted in fits]))
    return Weights(
        groups=SHARES,
        heads=heads,
        unknown=unknown,
        features=counts.names,
        idf=array("f", idf),
        scales=array("f", scales),
        matrix=cells.tobytes(),
    )


def report(
    asked: dict[str, Question], chosen: dict[str, Chosen], weights: Weights, *, seconds: float
) -> Report:
    intents = answers(asked[INTENTS], chosen[INTENTS])
    classes = intents.classes()
    moods = answers(asked[EMOTIONS], chosen[EMOTIONS]) if EMOTIONS in asked else None
    return Report(
        rows=len(intents.said),
        accuracy=round(intents.accuracy(), 4),
        macro_f1=round(mean_f1(classes), 4),
        classes=classes,
        confusions=intents.confusions(),
        doubtful=intents.doubtful(),
        calibration_error=round(intents.calibration_error(), 4),
        emotion_accuracy=round(moods.accuracy(), 4) if moods else None,
        emotion_classes=moods.classes() if moods else (),
        unknown_threshold=round(weights.unknown.threshold, 4),
        strength=chosen[INTENTS].strength,
        features=len(weights.features),
        seconds=round(seconds, 1),
    )


def answers(asked: Question, chosen: Chosen) -> Answers:
    decisions = chosen.unseen.decisions
    sure = trial.tops(asked, decisions, temperature=chosen.temperature)
    said = [asked.labels[place] for place in decisions.argmax(axis=1)]
    return Answers(truth=asked.rows, said=said, sure=sure.tolist())
