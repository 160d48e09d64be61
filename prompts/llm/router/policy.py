"""What staff decide about routing, as a value: thresholds, weights and rules, read from and written as JSON.

{"version": "7", "quality_vip": 0.95, "rules": [
    {"name": "Furious", "when": {"emotion_score": {"$gte": 0.8}}, "effect": {"strength": "strong"}}]}
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, get_args

from prompts.llm import conditions
from prompts.llm.conditions import Effect, Problem, Rule
from prompts.llm.conditions.fields import is_finite
from prompts.llm.conditions.rules import StrengthName
from prompts.llm.features import Emotion, Features

# The emotion and strength of it from which a customer counts as angry.
ANGRY: tuple[Emotion, float] = ("negative", 0.8)
NAME_CHARS = 80


class PolicyError(ValueError):
    """A policy that cannot be read; `problems` says what is wrong with which field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.message_en for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Policy:
    """How an endpoint is chosen. Rules are asked in their order."""

    version: str | int = 0
    rules: tuple[Rule, ...] = ()
    # The share of good answers an endpoint must be expected to give, 0 to 1.
    quality_standard: float = 0.85
    quality_vip: float = 0.95
    # What an angry customer adds to either.
    quality_angry_adds: float = 0.05
    # What a second of p95 to the first token may cost, in the accounting currency.
    latency_weight: float = 0.0
    # An intent that leads by less is unsure, and a dispatcher is asked.
    uncertain_margin: float = 0.15
    # Two candidates whose costs differ by less, relatively, are equal.
    epsilon: float = 0.05
    # The most turns that may ask a dispatcher, as a share of all; whoever asks it keeps count.
    dispatch_share: float = 0.15
    # The share of turns that try another endpoint than the best, to learn how it fares.
    explore: float = 0.0
    # Whether a conversation stays with its endpoint while that is good enough.
    sticky: bool = True
    # How many observations what is expected of an endpoint weighs.
    prior_mass: float = 10.0
    # The usual length of an answer, by which candidates are priced.
    answer_tokens: int = 150

    def threshold(self, features: Features) -> float:
        """The wanted share of good answers before any rule raises it."""
        base = self.quality_vip if features.tier == "vip" else self.quality_standard
        return min(1.0, base + (self.quality_angry_adds if is_angry(features) else 0.0))

    def check(self, endpoint_names: Sequence[str]) -> list[Problem]:
        """Everything wrong with the policy where these endpoints exist; empty when it can be put to work."""
        found = [*value_problems(self), *rule_problems(self.rules)]
        found += name_problems(self.rules)
        found += endpoint_problems(self.rules, set(endpoint_names))
        return found or conditions.contradictions(self.rules)

    def as_json(self) -> dict[str, Any]:
        """The policy as from_json reads it."""
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**content, "rules": [rule_as_json(rule) for rule in self.rules]}

    @staticmethod
    def from_json(raw: object) -> "Policy":
        """The policy a JSON object holds; what it leaves out has the default.

        Raises PolicyError for what decide could not work with: unknown or mistyped fields, values out of range,
        conditions that `conditions.check` refuses. The rest is for `check`.
        """
        problems = list(shape_problems(raw))
        if problems or not isinstance(raw, Mapping):
            raise PolicyError(problems)
        rules = tuple(map(rule_from_json, raw.get("rules", ())))
        policy = Policy(**{**raw, "rules": rules})
        problems = [*value_problems(policy), *rule_problems(rules)]
        if problems:
            raise PolicyError(problems)
        return policy


# field: least and most; the least of prior_mass and answer_tokens keeps a division and a price sane.
RANGES: dict[str, tuple[float, float]] = {
    "quality_standard": (0, 1),
    "quality_vip": (0, 1),
    "quality_angry_adds": (0, 1),
    "latency_weight": (0, math.inf),
    "uncertain_margin": (0, 1),
    "epsilon": (0, 1),
    "dispatch_share": (0, 1),
    "explore": (0, 1),
    "prior_mass": (0.1, math.inf),
    "answer_tokens": (1, math.inf),
}


def is_angry(features: Features) -> bool:
    emotion, score = ANGRY
    return features.emotion == emotion and features.emotion_score >= score


def rule_as_json(rule: Rule) -> dict[str, Any]:
    """Only what the effect does, as it would be written by hand."""
    effect = {field.name: getattr(rule.effect, field.name) for field in fields(Effect)}
    return {
        "name": rule.name,
        "when": dict(rule.when),
        "effect": {name: value for name, value in effect.items() if value},
    }


def rule_from_json(raw: Mapping[str, Any]) -> Rule:
    return Rule(raw["name"], raw.get("when", {}), Effect(**raw["effect"]))


# --- problems ------------------------------------------------------------------------------------------


def shape_problems(raw: object) -> Iterator[Problem]:
    """What keeps the JSON from being read as a policy."""
    if not isinstance(raw, Mapping):
        yield problem("", "策略应为一个对象", "a policy must be an object")
        return
    yield from unknown_keys(raw, {field.name for field in fields(Policy)}, path="")
    if not isinstance(raw.get("version", 0), str | int):
        yield problem("version", "应为文本或整数", "must be a text or a whole number")
    if not isinstance(raw.get("sticky", True), bool):
        yield problem("sticky", "应为 true 或 false", "must be true or false")
    for name in RANGES:
        if name in raw and not is_finite(raw[name]):
            yield problem(name, "应为数字", "must be a number")
    rules = raw.get("rules", [])
    if not isinstance(rules, list):
        yield problem("rules", "应为列表", "must be a list")
        return
    for number, rule in enumerate(rules):
        yield from rule_shape_problems(rule, path=f"rules[{number}]")


def rule_shape_problems(raw: object, *, path: str) -> Iterator[Problem]:
    if not isinstance(raw, Mapping):
        yield problem(path, "应为一个对象", "must be an object")
        return
    yield from unknown_keys(raw, {"name", "when", "effect"}, path=path)
    if not isinstance(raw.get("name"), str):
        yield problem(f"{path}.name", "应为文本", "must be a text")
    if not isinstance(raw.get("when", {}), Mapping):
        yield problem(f"{path}.when", "应为一个对象", "must be an object")
    effect = raw.get("effect")
    if not isinstance(effect, Mapping):
        yield problem(f"{path}.effect", "应为一个对象", "must be an object")
        return
    yield from effect_shape_problems(effect, path=f"{path}.effect")


def effect_shape_problems(effect: Mapping[str, Any], *, path: str) -> Iterator[Problem]:
    yield from unknown_keys(effect, {field.name for field in fields(Effect)}, path=path)
    if not isinstance(effect.get("endpoint", ""), str):
        yield problem(f"{path}.endpoint", "应为模型端点的名称", "must be an endpoint's name")
    if effect.get("strength", "") not in get_args(StrengthName):
        yield problem(
            f"{path}.strength",
            "应为 light、standard 或 strong",
            "must be light, standard or strong",
        )
    if not is_finite(effect.get("q_min", 0)):
        yield problem(f"{path}.q_min", "应为数字", "must be a number")
    if not isinstance(effect.get("offer_human", False), bool):
        yield problem(f"{path}.offer_human", "应为 true 或 false", "must be true or false")


def unknown_keys(raw: Mapping[str, Any], known: set[str], *, path: str) -> Iterator[Problem]:
    for key in sorted(set(map(str, raw)) - known):
        names = ", ".join(sorted(known))
        yield problem(
            f"{path}.{key}" if path else key,
            f"没有这个字段,可用:{names}",
            f"there is no such field; known are {names}",
        )


def value_problems(policy: Policy) -> Iterator[Problem]:
    for name, (least, most) in RANGES.items():
        if not least <= getattr(policy, name) <= most:
            yield problem(name, *range_words(least, most))


def range_words(least: float, most: float) -> tuple[str, str]:
    if math.isinf(most):
        return f"不能小于 {least:g}", f"must be at least {least:g}"
    return f"应在 {least:g} 到 {most:g} 之间", f"must be between {least:g} and {most:g}"


def rule_problems(rules: Sequence[Rule]) -> Iterator[Problem]:
    """What is wrong with each rule by itself."""
    for number, rule in enumerate(rules):
        path, effect = f"rules[{number}]", rule.effect
        named = {"chinese": f"规则「{rule.name}」", "english": f"rule “{rule.name}”"}
        for found in conditions.check(rule.when):
            yield found.under(f"{path}.when", **named)
        for found in effect_problems(effect):
            yield found.under(f"{path}.effect", **named)


def effect_problems(effect: Effect) -> Iterator[Problem]:
    if not (effect.pin or effect.q_min or effect.offer_human):
        yield problem("", "规则没有任何效果", "the effect does nothing")
    if effect.endpoint and effect.strength:
        yield problem(
            "strength",
            "不能同时指定模型端点和强度",
            "an endpoint and a strength cannot both be pinned",
        )
    if not 0 <= effect.q_min <= 1:
        yield problem("q_min", *range_words(0, 1))


def name_problems(rules: Sequence[Rule]) -> Iterator[Problem]:
    counts = Counter(rule.name for rule in rules)
    seen: set[str] = set()
    for number, rule in enumerate(rules):
        path = f"rules[{number}].name"
        if not rule.name.strip() or len(rule.name) > NAME_CHARS:
            yield problem(
                path,
                f"应为 1 到 {NAME_CHARS} 个字符",
                f"must have 1 to {NAME_CHARS} characters",
            )
        elif counts[rule.name] > 1 and rule.name in seen:
            yield problem(
                path,
                f"另一条规则也叫「{rule.name}」",
                f"another rule is called “{rule.name}” too",
            )
        seen.add(rule.name)


def endpoint_problems(rules: Sequence[Rule], known: set[str]) -> Iterator[Problem]:
    for number, rule in enumerate(rules):
        name = rule.effect.endpoint
        if name and name not in known:
            yield problem(
                f"rules[{number}].effect.endpoint",
                f"规则「{rule.name}」指定的模型端点「{name}」不存在",
                f"rule “{rule.name}” pins the endpoint “{name}”, which does not exist",
            )


def problem(path: str, chinese: str, english: str) -> Problem:
    """Sentences that name the field."""
    where = f"{path}:" if path else ""
    return Problem(path, f"{where}{chinese}。", f"{where}{' ' if where else ''}{english}.")
