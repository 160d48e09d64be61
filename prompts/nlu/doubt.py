"""How doubtful a decision is, in numbers: what the probability "this is none of my intents" is computed from.

Used by prompts.nlu.trial, which learns how much each number says, and by prompts.nlu.intents. Plain Python.
"""

from prompts.nlu.scoring import logistic
from prompts.nlu.weights import Unknown


def doubts(
    decisions: list[float], *, best: float, coverage: float, outside: int | None
) -> list[float]:
    """[top decision, its lead, its probability, known share of the message, lead over the label "outside"].

    `best` is the calibrated probability of the top label; `outside` the place of the label of examples that belong to
    no intent, where the model has one.
    """
    inside = [score for place, score in enumerate(decisions) if place != outside]
    top = max(inside)
    second = max((score for score in inside if score != top), default=top)
    over = 0.0 if outside is None else top - decisions[outside]
    return [top, top - second, best, coverage, over]


def unknown_probability(numbers: list[float], *, unknown: Unknown) -> float:
    weighted = zip(numbers, unknown.coefficients, strict=True)
    return logistic(unknown.intercept + sum(number * weight for number, weight in weighted))
