"""Which intents a message has, how sure that is, and whether it is honest to say "unknown".

Used by the analysis step of a turn and by the batch commands. Plain Python, no state but the weights; a Classifier
may be shared by threads.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from prompts.nlu.clauses import HAN, clauses, without_cards, without_greeting
from prompts.nlu.context import expected, follows, topic_of
from prompts.nlu.doubt import doubts, unknown_probability
from prompts.nlu.features import features
from prompts.nlu.normalise import normalise
from prompts.nlu.scoring import Scored, Scorer, probabilities
from prompts.nlu.weights import EMOTIONS, INTENTS, Weights

GREETING, OTHER = "greeting", "other"
POLITE = {GREETING: 0.3, OTHER: 0.4, "confirm": 0.4, "thanks_bye": 0.5, "provide_info": 0.5}
"""Intents that come along with others: they count for less when a message asks for something as well."""
WHOLE_SHARE = 0.8
"""How much of an intent's probability in a message of several clauses is that in the message as a whole."""
SEGMENT_COST = -0.5
"""Of one intent more, in nats. Below zero: two clauses that are sure of different things are two intents even when
the message as a whole is fairly sure of one."""
SURE_ALONE = 0.25
"""A clause less sure than this adds no intent to the main one."""
LONGEST_RUN = 2
"""Clauses that one request takes when there are several requests; longer ones would only cost time."""
LIKELY = 0.5
CHINESE = re.compile(f"[{HAN}]")


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
    """Lead of the most probable intent over the next, in the message as a whole."""
    moods: Mapping[str, float]
    """Probability of each mood by the words alone; empty where none were learned. See prompts.nlu.emotion."""


class Classifier:
    """Trained weights, ready to score."""

    def __init__(self, weights: Weights) -> None:
        self.scorer = Scorer(weights)
        normalise("")  # builds its tables now, not in the first message
        self.unknown = weights.unknown
        self.head = weights.heads[INTENTS]
        self.moods = weights.heads.get(EMOTIONS)
        labels = self.head.labels
        self.outside = labels.index(self.unknown.label) if self.unknown.label in labels else None

    def intents(self, text: str, *, prev: str = "", language: str = "") -> Found:
        """The intents and moods of a message, read once. `prev` is the agent's line it answers, which decides between
        short answers.

        `language` is not needed: one model serves both, and a message may mix them.
        """
        hello, said = self.apart(without_cards(normalise(text)))
        whole = self.score(said)
        sure = self.probable(whole, bonus=self.bonus(said, prev=prev))
        ranked = sorted(sure, reverse=True)
        unknown_p = self.unknown_p(whole)
        parts = [] if self.head.several else self.segments(said, sure)
        order = hello | (self.named(parts, said, sure) if len(parts) > 1 else self.alone(sure))
        overall = dict(zip(self.head.labels, sure, strict=True))
        return Found(
            intents=tuple(
                sorted(order.items(), key=lambda pair: -importance(*pair, overall=overall))
            ),
            said=tuple(order),
            unknown_p=unknown_p,
            unknown=unknown_p > self.unknown.threshold,
            margin=ranked[0] - ranked[1],
            moods=self.mood_chances(whole),
        )

    def apart(self, text: str) -> tuple[dict[str, float], str]:
        """The hello a message begins with, as an intent found, and the rest: alone it would outweigh a short question."""
        rest = without_greeting(text)
        if GREETING not in self.head.labels or rest == text:
            return {}, text
        sure = self.probable(self.score(text[: len(text) - len(rest)]))
        return {GREETING: sure[self.head.labels.index(GREETING)]}, rest

    def mood_chances(self, scored: Scored) -> dict[str, float]:
        if self.moods is None:
            return {}
        decisions = scored.decisions[EMOTIONS]
        return dict(zip(self.moods.labels, probabilities(decisions, head=self.moods), strict=True))

    def score(self, text: str) -> Scored:
        return self.scorer.score(features(text))

    def probable(self, scored: Scored, *, bonus: list[float] | None = None) -> list[float]:
        decisions = scored.decisions[INTENTS]
        if bonus:
            decisions = [decision + more for decision, more in zip(decisions, bonus, strict=True)]
        return probabilities(decisions, head=self.head)

    def bonus(self, text: str, *, prev: str) -> list[float] | None:
        """What the agent's line before adds to each decision; None where it says nothing about this message."""
        if not prev:
            return None
        wanted, share, about = expected(text, prev=prev), follows(text), topic_of(prev)
        if share and about and GREETING in self.head.labels:
            topic = dict(zip(self.head.labels, self.probable(self.score(about)), strict=True))
            for label, p in topic.items():
                if label not in POLITE:
                    wanted[label] = wanted.get(label, 0.0) + share * p
        return [wanted.get(label, 0.0) for label in self.head.labels] if wanted else None

    def unknown_p(self, scored: Scored) -> float:
        sure = max(self.probable(scored))
        numbers = doubts(
            scored.decisions[INTENTS], best=sure, coverage=scored.coverage, outside=self.outside
        )
        return unknown_probability(numbers, unknown=self.unknown)

    def alone(self, sure: list[float]) -> dict[str, float]:
        """The intent of a message of one clause; where several may hold at once, each that is likely."""
        best = max(range(len(sure)), key=sure.__getitem__)
        if not self.head.several:
            return {self.head.labels[best]: sure[best]}
        return {
            label: p
            for place, (label, p) in enumerate(zip(self.head.labels, sure, strict=True))
            if p >= LIKELY or place == best
        }

    def segments(self, text: str, whole: list[float]) -> list[list[float]]:
        """The most likely way to read the clauses as runs of one intent each: the probabilities of each run."""
        spans = clauses(text)
        best: list[tuple[float, list[list[float]]]] = [(0.0, [])]
        for end in range(1, len(spans) + 1):
            ways = []
            for start in range(end):
                every = start == 0 and end == len(spans)
                if end - start > LONGEST_RUN and not every:
                    continue
                part = (
                    whole
                    if every
                    else self.probable(self.score(text[spans[start][0] : spans[end - 1][1]]))
                )
                cost, before = best[start]
                ways.append((cost + SEGMENT_COST - math.log(max(part)), [*before, part]))
            best.append(min(ways, key=lambda way: way[0]))
        return best[-1][1]

    def named(self, parts: list[list[float]], text: str, whole: list[float]) -> dict[str, float]:
        """The intents of the runs in the order said, each with its highest probability.

        English customers tell their story in sentences: what these say together is among the intents, too.
        Beside a request, a clause that asks for nothing known says nothing.
        """
        found: dict[str, float] = {}
        for part in parts:
            place = max(range(len(part)), key=part.__getitem__)
            name = self.head.labels[place]
            if part[place] >= SURE_ALONE:
                found[name] = max(part[place], found.get(name, 0.0))
        if not CHINESE.search(text):
            [(main, p)] = self.alone(whole).items()
            found.setdefault(main, p)
        if any(name not in POLITE for name in found):
            found.pop(OTHER, None)
        return found or self.alone(parts[0])


def importance(name: str, p: float, *, overall: dict[str, float]) -> float:
    """What a part of the message says with p counts with what the message as a whole says."""
    mixed = WHOLE_SHARE * overall[name] + (1 - WHOLE_SHARE) * p
    return mixed * POLITE.get(name, 1.0)
