"""Rules, and what two of them say against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from prompts.llm.conditions.algebra import TERMS_MOST, Term, TooLarge, both, terms
from prompts.llm.conditions.fields import Problem
from prompts.llm.conditions.trees import Tree, fields_of

StrengthName = Literal["", "light", "standard", "strong"]
# Two trees of at most TERMS_MOST terms each are always compared to the end.
PAIRS_MOST = TERMS_MOST * TERMS_MOST


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule does: pins an endpoint or a strength, raises the wanted quality, offers a person."""

    endpoint: str = ""
    strength: StrengthName = ""
    # The least share of good answers, 0 to 1; 0 leaves it as it is.
    q_min: float = 0.0
    offer_human: bool = False

    @property
    def pin(self) -> str:
        """The endpoint or strength that is pinned; empty: none."""
        return self.endpoint or self.strength


@dataclass(frozen=True, slots=True)
class Rule:
    """Where `when` holds, `effect` follows. The first matching rule that pins is the one that does."""

    name: str
    when: Tree
    effect: Effect


@dataclass(frozen=True, slots=True)
class Sides:
    """A rule with the terms of its condition and of the opposite."""

    rule: Rule
    yes: list[Term]
    no: list[Term]

    def covers(self, other: "Sides") -> bool:
        """Whether this rule matches wherever the other does."""
        return not both([other.yes, self.no], most=PAIRS_MOST)


def contradictions(rules: Sequence[Rule]) -> list[Problem]:
    """Rules with the same condition and other effects, and pins that an earlier pin always forestalls.

    Each is one sentence that names the rules and the fields. The conditions must be ones `check` has no problem with.
    That several earlier rules forestall one together is found as far as TERMS_MOST terms reach, and not beyond.
    """
    sides = [Sides(rule, terms(rule.when), terms(rule.when, negated=True)) for rule in rules]
    found = []
    for number, later in enumerate(sides):
        problem = first_problem(sides[:number], later)
        if problem is not None:
            found.append(Problem(f"rules[{number}]", *problem))
    return found


def first_problem(earlier: list[Sides], later: Sides) -> tuple[str, str] | None:
    for other in earlier:
        differing = differing_effects(other.rule.effect, later.rule.effect)
        if differing and other.covers(later) and later.covers(other):
            return contradiction(other.rule, later.rule, differing)
    if not later.rule.effect.pin:
        return None
    pinning = [other for other in earlier if other.rule.effect.pin]
    for other in pinning:
        if other.covers(later):
            return unreachable([other.rule], later.rule)
    if cover_together(pinning, later):
        return unreachable([other.rule for other in pinning], later.rule)
    return None


def differing_effects(left: Effect, right: Effect) -> tuple[str, str] | None:
    """What both rules settle, and differently: in Chinese and English."""
    if left.pin and right.pin and left.pin != right.pin:
        return f"{left.pin} 与 {right.pin}", f"{left.pin} and {right.pin}"
    if left.q_min and right.q_min and left.q_min != right.q_min:
        return f"q_min {left.q_min} 与 {right.q_min}", f"q_min {left.q_min} and {right.q_min}"
    return None


def cover_together(pinning: list[Sides], later: Sides) -> bool:
    left = later.yes
    for other in pinning:
        try:
            left = both([left, other.no])
        except TooLarge:
            return False
    return bool(pinning) and not left


def contradiction(first: Rule, second: Rule, differing: tuple[str, str]) -> tuple[str, str]:
    fields_zh, fields_en = field_names([first, second])
    return (
        f"规则「{first.name}」与「{second.name}」的条件相同({fields_zh}),结果却不同:{differing[0]}。",
        f"Rules “{first.name}” and “{second.name}” have the same condition ({fields_en}) "
        f"but say different things: {differing[1]}.",
    )


def unreachable(earlier: Sequence[Rule], later: Rule) -> tuple[str, str]:
    fields_zh, fields_en = field_names([*earlier, later])
    names_zh = "".join(f"「{rule.name}」" for rule in earlier)
    names_en = ", ".join(f"“{rule.name}”" for rule in earlier)
    return (
        f"规则「{later.name}」永远不会生效:排在前面的{names_zh}已涵盖它的条件({fields_zh})。",
        f"Rule “{later.name}” can never apply: {names_en} before it covers its condition "
        f"({fields_en}).",
    )


def field_names(rules: Sequence[Rule]) -> tuple[str, str]:
    names = sorted(set().union(*(fields_of(rule.when) for rule in rules)))
    return "、".join(names) or "无条件", ", ".join(names) or "no field"
