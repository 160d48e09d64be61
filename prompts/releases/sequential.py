"""Whether an arm does better or worse than the others, at any time one looks. Pure.

Looking again and again at an ordinary test finds a difference where there is none sooner or later. Here the chance to
ever find one is at most ALPHA, however often and whenever one looks.
"""

import math
from dataclasses import dataclass
from typing import Literal

from prompts.llm.canary import log_beta

ALPHA = 0.05
# Jeffreys' prior of a share.
PRIOR = 0.5
# A difference that is smaller is not waited for.
LEAST_DIFFERENCE = 0.05
MOST_TIMES = 2.0**20
THRESHOLD = -math.log(ALPHA)

Kind = Literal["better", "worse", "open"]


@dataclass(frozen=True, slots=True)
class Counted:
    """So many of `n` conversations went well."""

    good: float
    n: float

    @property
    def share(self) -> float:
        return self.good / self.n if self.n else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known by now. `needed`: about as many more conversations of the arm until it may be, while it is open."""

    kind: Kind
    evidence: float
    needed: int = 0


def log_evidence(arm: Counted, control: Counted) -> float:
    """The logarithm of an e-value against "both arms do equally well".

    Each arm's outcomes are weighed by their beta-binomial mixture (Robbins 1970, "Statistical methods related to the
    law of the iterated logarithm"), and divided by the best that one common share can make of all of them: the
    running universal e-process of Wasserman, Ramdas and Balakrishnan (2020), "Universal inference", PNAS 117(29),
    section 8. At the true common share the quotient is at most a non-negative martingale that begins at 1, so that by
    Ville's inequality it ever reaches 1/ALPHA with a chance of at most ALPHA.
    """
    good, bad = arm.good + control.good, arm.n + control.n - arm.good - control.good
    common = times_log(good, good) + times_log(bad, bad) - times_log(good + bad, good + bad)
    return mixture(arm) + mixture(control) - common


def mixture(counted: Counted) -> float:
    """The logarithm of the chance of these outcomes in their order, the share drawn from the prior."""
    good, bad = counted.good, counted.n - counted.good
    return log_beta(good + PRIOR, bad + PRIOR) - log_beta(PRIOR, PRIOR)


def times_log(count: float, of: float) -> float:
    return count * math.log(of) if count else 0.0


def judge(arm: Counted, control: Counted) -> Verdict:
    """Better, worse, or open; see log_evidence."""
    evidence = log_evidence(arm, control)
    if evidence >= THRESHOLD:
        return Verdict("better" if arm.share > control.share else "worse", evidence)
    return Verdict("open", evidence, needed(arm, control))


def needed(arm: Counted, control: Counted) -> int:
    """About how many more conversations of the arm tell, if all goes on like this, both arms growing alike.

    Where the shares lie closer together than LEAST_DIFFERENCE, as many as would show that.
    """
    n, others = max(arm.n, 1.0), max(control.n, 1.0)
    usual = control.share if control.n else 0.8
    seen = arm.share if arm.n else usual
    if abs(seen - usual) < LEAST_DIFFERENCE:
        seen = usual - LEAST_DIFFERENCE if usual > LEAST_DIFFERENCE else usual + LEAST_DIFFERENCE

    def tells(times: float) -> bool:
        grown = (
            Counted(seen * n * times, n * times),
            Counted(usual * others * times, others * times),
        )
        return log_evidence(*grown) >= THRESHOLD

    most = 1.0
    while not tells(most) and most < MOST_TIMES:
        most *= 2
    least = most / 2
    for _ in range(12):
        middle = (least + most) / 2
        least, most = (least, middle) if tells(middle) else (middle, most)
    return max(1, math.ceil(most * n - arm.n))
