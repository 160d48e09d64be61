"""Whether the bot goes on, offers a person or hands over, with the reasons. Pure: values in, a verdict out.

Reasons carry points; their sum is held against two thresholds. A wish for a person and a topic the shop keeps to
people hand over whatever the sum is.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from prompts.nlu.emotion import NEGATIVE, Mood, trend
from prompts.nlu.normalise import normalise

# Of the last three lines, so many in a bad mood are a bad mood that lasts.
LATEST_MOODS, LASTING = 3, 2
# The change of prompts.nlu.emotion.trend, -2 to 2, that counts as getting worse.
WORSE = -0.25
REFUNDING = frozenset({"refund", "return", "cancel_order", "price_protection"})
AMOUNT = re.compile(r"\d+(?:\.\d+)?")


class Action(StrEnum):
    ANSWER = "answer"
    OFFER = "offer"
    HAND_OVER = "hand_over"


class Reason(StrEnum):
    """Why a person is wanted. Stored with turns and escalations: add, never rename."""

    ASKED = "asked"
    RESTRICTED = "restricted"
    AMOUNT = "amount"
    FURIOUS = "furious"
    DISPLEASED = "displeased"
    LASTING = "lasting"
    WORSENING = "worsening"
    IRONIC = "ironic"
    REPEATED = "repeated"
    FAILED = "failed"
    CONFUSED = "confused"
    NO_KNOWLEDGE = "no_knowledge"
    TOOL_FAILED = "tool_failed"
    MODEL_FAILED = "model_failed"
    BUDGET = "budget"
    VIP = "vip"
    PROMISED = "promised"
    TRANSFERRED = "transferred"
    RECEPTION = "reception"
    MESSAGE_LEFT = "message_left"
    AGENT_GONE = "agent_gone"


# They decide alone.
ALONE = frozenset({Reason.ASKED, Reason.RESTRICTED, Reason.AMOUNT})
# Being a VIP is no trouble; it makes trouble weigh more.
DEFAULT_POINTS: dict[str, float] = {
    Reason.FURIOUS: 0.7,
    Reason.DISPLEASED: 0.3,
    Reason.LASTING: 0.4,
    Reason.WORSENING: 0.3,
    Reason.IRONIC: 0.2,
    Reason.REPEATED: 0.4,
    Reason.FAILED: 0.5,
    Reason.CONFUSED: 0.3,
    Reason.NO_KNOWLEDGE: 0.4,
    Reason.TOOL_FAILED: 0.4,
    Reason.MODEL_FAILED: 0.3,
    Reason.BUDGET: 0.2,
    Reason.VIP: 0.2,
}
DEFAULT_RESTRICTED = (
    "12315", "消协", "消费者协会", "工商局", "市监局", "市场监管", "起诉", "律师", "法院", "仲裁", "报警",
    "曝光", "记者", "媒体", "315晚会", "起火", "着火", "爆炸", "冒烟", "漏电", "触电", "烫伤", "受伤", "中毒",
    "过敏", "住院", "自杀", "lawyer", "attorney", "lawsuit", "sue you", "small claims", "journalist", "the press",
    "caught fire", "exploded", "electric shock", "injured", "allergic reaction", "food poisoning", "hospital",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds and points, as staff set them."""

    hand_over_at: float = 1.0
    offer_at: float = 0.5
    # How likely a bad mood is, 0 to 1, to count as fury.
    furious_from: float = 0.9
    points: dict[str, float] = field(default_factory=lambda: dict(DEFAULT_POINTS))
    # A message that says one of these goes to a person.
    restricted: tuple[str, ...] = DEFAULT_RESTRICTED
    # Money back above this is for a person, in the shop's currency; 0: no limit.
    amount_limit: float = 0.0


@dataclass(frozen=True, slots=True)
class Signals:
    """What a turn says about the need for a person."""

    text: str = ""
    intents: tuple[str, ...] = ()
    wants_human: bool = False
    # The customer's latest moods, the newest last.
    moods: tuple[Mood, ...] = ()
    ironic: bool = False
    # The same question was asked and answered before.
    repeated: bool = False
    # Turns in a row, up to this one, whose answer was none.
    failed_turns: int = 0
    # Lines in a row that were not understood.
    confused: int = 0
    amount: str = ""
    vip: bool = False
    # Known once there is an answer.
    no_knowledge: bool = False
    tool_failed: bool = False
    model_failed: bool = False
    budget_spent: bool = False
    # The answer promised twice what no tool has made.
    promised: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, and why: (reason, points), the heaviest first."""

    action: Action
    score: float = 0.0
    reasons: tuple[tuple[Reason, float], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What is stored with the turn and the escalation."""
        return {**asdict(self), "action": self.action.value, "reasons": self.because()}

    def because(self) -> list[dict[str, Any]]:
        return [{"code": reason.value, "points": points} for reason, points in self.reasons]


CALM = Verdict(Action.ANSWER)


def decide(signals: Signals, policy: Policy) -> Verdict:
    """What to do about a turn with these signals."""
    alone = tuple((reason, policy.hand_over_at) for reason in deciding(signals, policy))
    if alone:
        return Verdict(Action.HAND_OVER, policy.hand_over_at, alone)
    weighed = [
        (reason, round(weight * policy.points.get(reason, 0.0), 3))
        for reason, weight in heard(signals, policy)
    ]
    reasons = sorted((each for each in weighed if each[1] > 0), key=lambda each: -each[1])
    if reasons and signals.vip and policy.points.get(Reason.VIP, 0.0) > 0:
        reasons.append((Reason.VIP, policy.points[Reason.VIP]))
    score = round(sum(points for _, points in reasons), 3)
    return Verdict(action_at(score, policy), score, tuple(reasons))


def action_at(score: float, policy: Policy) -> Action:
    if score >= policy.hand_over_at:
        return Action.HAND_OVER
    return Action.OFFER if score >= policy.offer_at else Action.ANSWER


def deciding(signals: Signals, policy: Policy) -> Iterator[Reason]:
    """The reasons that hand over by themselves."""
    if signals.wants_human:
        yield Reason.ASKED
    if says_restricted(signals.text, policy.restricted):
        yield Reason.RESTRICTED
    if 0 < policy.amount_limit < money(signals.amount) and REFUNDING & set(signals.intents):
        yield Reason.AMOUNT
    if signals.promised:
        yield Reason.PROMISED


def says_restricted(text: str, words: Sequence[str]) -> bool:
    """Whether the message names what is kept to people. Figures are read as they were typed."""
    typed = text.lower()
    said = normalise(text)
    return any(word in typed or word in said for word in words if word)


def money(amount: str) -> float:
    """A slot's amount, as "¥1,299.00" or "1299元", as a number; 0 where it is none."""
    found = AMOUNT.search(amount.replace(",", "").replace("\uff0c", ""))
    return float(found[0]) if found else 0.0


def heard(signals: Signals, policy: Policy) -> Iterator[tuple[Reason, float]]:
    """The reasons that add up, with how often each counts."""
    yield from bad_mood(signals, policy)
    if signals.repeated:
        yield Reason.REPEATED, 1.0
    if signals.failed_turns:
        yield Reason.FAILED, float(signals.failed_turns)
    if signals.confused > 1:
        yield Reason.CONFUSED, float(signals.confused - 1)
    said = {
        Reason.NO_KNOWLEDGE: signals.no_knowledge,
        Reason.TOOL_FAILED: signals.tool_failed,
        Reason.MODEL_FAILED: signals.model_failed,
        Reason.BUDGET: signals.budget_spent,
    }
    yield from ((reason, 1.0) for reason, holds in said.items() if holds)


def bad_mood(signals: Signals, policy: Policy) -> Iterator[tuple[Reason, float]]:
    """Displeasure now, whether it lasts and whether it grows. A calm line ends it: past anger hands nobody over."""
    moods = signals.moods
    if not moods or moods[-1].label != NEGATIVE:
        return
    yield (Reason.FURIOUS if moods[-1].score >= policy.furious_from else Reason.DISPLEASED), 1.0
    if sum(mood.label == NEGATIVE for mood in moods[-LATEST_MOODS:]) >= LASTING:
        yield Reason.LASTING, 1.0
    elif trend(moods) < WORSE:
        yield Reason.WORSENING, 1.0
    if signals.ironic:
        yield Reason.IRONIC, 1.0
