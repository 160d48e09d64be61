"""The arithmetic of canaries: which bucket a conversation is in, whether buckets are alike, when an arm is stopped.

Used by prompts.llm.router, by what starts and guards canaries, and by `manage.py check_tails`. Pure.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

BUCKETS = 100
# Below an expected count of 5 the chi-square approximation is not to be trusted (Cochran 1954).
EXPECTED_LEAST = 5
P_LEAST = 0.01
WORST = 5
# Shares that differ by less are the same.
ROUNDING = 1e-9
# Few samples tell, too, once they are so much likelier above a limit than at it.
EARLY = math.log(1000)

Source = Literal["order", "conversation"]
Verdict = Literal["uniform", "uneven", "too_few"]
Measure = Literal["errors", "json_failures", "takeovers", "negatives", "p99_ms"]

MEASURES: dict[Measure, tuple[str, str]] = {
    "errors": ("调用失败率", "failed calls"),
    "json_failures": ("JSON 失败率", "unusable JSON answers"),
    "takeovers": ("人工接管率", "takeovers"),
    "negatives": ("负面情绪", "negative moods"),
    "p99_ms": ("p99 耗时", "p99"),
}


# --- buckets -------------------------------------------------------------------------------------------


def bucket_of(order_number: str, conversation_id: str) -> tuple[int, Source]:
    """The bucket, 0 to 99, and where it comes from: the order number's last two digits, else the conversation."""
    tail = tail_of(order_number)
    if tail is not None:
        return tail, "order"
    return crc32(conversation_id.encode()) % BUCKETS, "conversation"


def tail_of(order_number: str) -> int | None:
    """The last two digits, whatever letters stand around them; None when there are not two."""
    digits = [char for char in order_number if char.isdecimal()]
    return int("".join(digits[-2:])) if len(digits) >= 2 else None


# --- uniformity ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tail:
    """One ending with its count, and its share as a multiple of the even one."""

    bucket: int
    count: int
    ratio: float


@dataclass(frozen=True, slots=True)
class Uniformity:
    """Whether order numbers spread evenly over their last two digits.

    `p_value` is the chance of a spread at least as uneven when every ending is equally likely.
    """

    n: int
    counts: tuple[int, ...]
    chi_square: float
    p_value: float
    worst: tuple[Tail, ...]
    verdict: Verdict
    # Order numbers that have no two digits.
    skipped: int = 0


def uniformity(order_numbers: Iterable[str]) -> Uniformity:
    """Tests the endings of order numbers; see uniformity_of."""
    counts, skipped = [0] * BUCKETS, 0
    for order_number in order_numbers:
        tail = tail_of(order_number)
        if tail is None:
            skipped += 1
        else:
            counts[tail] += 1
    return uniformity_of(counts, skipped=skipped)


def uniformity_of(counts: Sequence[int], *, skipped: int = 0) -> Uniformity:
    """Pearson's chi-square test of 100 counts against an even spread. Raises ValueError for another number of them."""
    if len(counts) != BUCKETS or min(counts) < 0:
        raise ValueError(f"counts must be {BUCKETS} numbers of at least 0")
    n = sum(counts)
    expected = n / BUCKETS
    chi_square = sum((count - expected) ** 2 for count in counts) / expected if n else 0.0
    p_value = chi_square_tail(chi_square, degrees=BUCKETS - 1)
    tails = [Tail(at, count, count / expected if n else 0.0) for at, count in enumerate(counts)]
    worst = sorted(tails, key=lambda tail: (-abs(tail.count - expected), tail.bucket))[:WORST]
    verdict: Verdict = "uneven" if p_value < P_LEAST else "uniform"
    if expected < EXPECTED_LEAST:
        verdict = "too_few"
    return Uniformity(n, tuple(counts), chi_square, p_value, tuple(worst), verdict, skipped)


def chi_square_tail(chi_square: float, *, degrees: int) -> float:
    """P(X >= chi_square) of a chi-square variable with an odd number of degrees of freedom.

    It is Q(degrees/2, chi_square/2), the regularised upper incomplete gamma function, by the finite sum that
    Q(1/2, x) = erfc(sqrt x) and Q(a + 1, x) = Q(a, x) + x^a e^-x / Gamma(a + 1) give (NIST Digital Library of
    Mathematical Functions, 8.4.6 and 8.8.6). Every term is positive, so nothing cancels.
    Raises ValueError for an even number of degrees.
    """
    if degrees % 2 == 0:
        raise ValueError("degrees must be odd")
    x = chi_square / 2
    if x <= 0:
        return 1.0
    tail = math.erfc(math.sqrt(x))
    for step in range(degrees // 2):
        a = step + 0.5
        tail += math.exp(a * math.log(x) - x - math.lgamma(a + 1))
    return min(1.0, tail)


# --- guard ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArmStats:
    """How the turns of one arm fared. `calls` are attempts at models, `asked_json` answers wanted as JSON."""

    turns: int = 0
    takeovers: int = 0
    calls: int = 0
    errors: int = 0
    asked_json: int = 0
    json_failures: int = 0
    # Of whole answers; 0: not known.
    p99_ms: float = 0.0
    # Turns of customers in a negative mood.
    negatives: int = 0
    # What takeovers are counted in; 0: turns.
    conversations: int = 0
    # Turns that asked a model, and those of them of which a call failed.
    with_model: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Guard:
    """How much worse than the control an arm may do: percentage points above it, or times its p99.

    A measure counts once the arm has `min_samples` of what it is a share of.
    """

    min_samples: int = 200
    error_points: float = 2.0
    json_points: float = 2.0
    takeover_points: float = 5.0
    p99_factor: float = 1.5
    # 100: mood is not judged.
    negative_points: float = 100.0
    # Whether calls and conversations break it before there are `min_samples`, where they leave no doubt.
    early: bool = False


@dataclass(frozen=True, slots=True)
class Breach:
    """The measure that broke the guard: shares of 1, or milliseconds, over `samples` of the arm."""

    measure: Measure
    arm: float
    control: float
    limit: float
    samples: int

    @property
    def message_zh(self) -> str:
        name = MEASURES[self.measure][0]
        arm, control, limit = map(self.shown, (self.arm, self.control, self.limit))
        return f"{name} {arm},对照组 {control},上限 {limit}({self.samples} 个样本)"

    @property
    def message_en(self) -> str:
        name = MEASURES[self.measure][1]
        arm, control, limit = map(self.shown, (self.arm, self.control, self.limit))
        return f"{name}: {arm} against {control}, at most {limit} ({self.samples} samples)"

    def shown(self, value: float) -> str:
        return f"{value:.0f} ms" if self.measure == "p99_ms" else f"{value:.2%}"


@dataclass(frozen=True, slots=True)
class Shares:
    """One measure: `count` of `n` of the arm, and of the control, above which the arm may be by so many points."""

    measure: Measure
    count: int
    n: int
    control: int
    control_n: int
    points: float

    def breach(self) -> Breach | None:
        usual, found = share(self.control, self.control_n), share(self.count, self.n)
        limit = usual + self.points / 100
        if found <= limit + ROUNDING:
            return None
        return Breach(self.measure, found, usual, limit, self.n)

    def is_beyond_doubt(self) -> bool:
        """Whether few samples show already that the arm's share is above its limit.

        Their chance with a share drawn from Jeffreys' prior is held against their chance at the limit: at the limit the
        quotient is a martingale that begins at 1, so that it ever reaches 1000 with a chance of at most 0.001 however
        often one looks (Ville's inequality, as in prompts.releases.sequential). A control that is hardly known is
        taken for the middle of what it may be.
        """
        limit = (self.control + 0.5) / (self.control_n + 1) + self.points / 100
        if limit >= 1 or share(self.count, self.n) <= limit:
            return False
        others = self.n - self.count
        drawn = log_beta(self.count + 0.5, others + 0.5) - log_beta(0.5, 0.5)
        return drawn - self.count * math.log(limit) - others * math.log(1 - limit) >= EARLY


def judge(arm: ArmStats, *, control: ArmStats, guard: Guard) -> Breach | None:
    """The first measure by which the arm is worse than the guard allows; None: it may go on.

    A control without samples counts as faultless. The p99 is compared only where both are known.
    """
    least = guard.min_samples
    tell = [each for each in measures(arm, control, guard) if each.n >= least]
    if guard.early:
        few = (each for each in lone_measures(arm, control, guard) if each.n < least)
        tell += [each for each in few if each.is_beyond_doubt()]
    breaches = (each.breach() for each in tell)
    if (found := next(filter(None, breaches), None)) is not None:
        return found
    slowest = control.p99_ms * guard.p99_factor
    if arm.turns >= least and slowest and arm.p99_ms > slowest:
        return Breach("p99_ms", arm.p99_ms, control.p99_ms, slowest, arm.turns)
    return None


def measures(arm: ArmStats, control: ArmStats, guard: Guard) -> list[Shares]:
    calls, json = (arm.calls, control.calls), (arm.asked_json, control.asked_json)
    return [
        Shares("errors", arm.errors, calls[0], control.errors, calls[1], guard.error_points),
        Shares(
            "json_failures",
            arm.json_failures,
            json[0],
            control.json_failures,
            json[1],
            guard.json_points,
        ),
        takeovers(arm, control, guard),
        Shares(
            "negatives",
            arm.negatives,
            arm.turns,
            control.negatives,
            control.turns,
            guard.negative_points,
        ),
    ]


def takeovers(arm: ArmStats, control: ArmStats, guard: Guard) -> Shares:
    """Of conversations where these are known."""
    whole = arm.conversations > 0
    of = [each.conversations if whole else each.turns for each in (arm, control)]
    return Shares(
        "takeovers", arm.takeovers, of[0], control.takeovers, of[1], guard.takeover_points
    )


def lone_measures(arm: ArmStats, control: ArmStats, guard: Guard) -> list[Shares]:
    """Those of which a sample says nothing of the next: a call is tried again, and a customer stays angry."""
    failed = Shares(
        "errors", arm.failed, arm.with_model, control.failed, control.with_model, guard.error_points
    )
    return [failed, takeovers(arm, control, guard)] if arm.conversations else [failed]


def log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def share(count: int, of: int) -> float:
    return count / of if of else 0.0
