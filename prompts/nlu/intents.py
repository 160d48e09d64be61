"""Which intents a message has, how sure that is, and whether it is honest to say "unknown".

Used by the analysis step of a turn and by the batch commands. Plain Python, no state but the weights; a Classifier
may be shared by threads.
"""

from dataclasses import dataclass

from prompts.nlu.doubt import doubts, unknown_probability
from prompts.nlu.features import features
from prompts.nlu.normalise import normalise
from prompts.nlu.scoring import Scorer, probabilities
from prompts.nlu.weights import INTENTS, Weights


@dataclass(frozen=True, slots=True)
class Found:
    intents: tuple[tuple[str, float], ...]
    """(name, probability), the most important first; there is always one."""
    said: tuple[str, ...]
    """The same names in the order said."""
    unknown_p: float
    """Probability that the message has none of the known intents."""
    unknown: bool
    """Whether the honest answer is that the intent is not known."""
    margin: float
    """Lead of the most probable intent over the next, of the whole message."""


class Classifier:
    def __init__(self, weights: Weights) -> None:
        self.scorer = Scorer(weights)
        self.weights = weights
        labels = weights.heads[INTENTS].labels
        self.outside = (
            labels.index(weights.unknown.label) if weights.unknown.label in labels else None
        )

    def intents(self, text: str, *, prev: str = "", language: str = "zh") -> Found:
        scored = self.scorer.score(features(normalise(text)))
        head = self.weights.heads[INTENTS]
        decisions = scored.decisions[INTENTS]
        sure = probabilities(decisions, head=head)
        ranked = sorted(
            (
                (label, p)
                for place, (label, p) in enumerate(zip(head.labels, sure, strict=True))
                if place != self.outside
            ),
            key=lambda pair: -pair[1],
        )
        numbers = doubts(decisions, best=max(sure), coverage=scored.coverage, outside=self.outside)
        unknown_p = unknown_probability(numbers, unknown=self.weights.unknown)
        return Found(
            intents=tuple(ranked[:1]),
            said=(ranked[0][0],),
            unknown_p=unknown_p,
            unknown=unknown_p > self.weights.unknown.threshold,
            margin=ranked[0][1] - (ranked[1][1] if len(ranked) > 1 else 0.0),
        )
