"""What the rules that match a turn come to."""

from collections.abc import Sequence
from dataclasses import dataclass

from prompts.llm.catalogue import STRENGTHS
from prompts.llm.conditions import Effect, matches
from prompts.llm.features import Features
from prompts.llm.router.decision import RuleHit
from prompts.llm.router.feasible import Contender
from prompts.llm.router.policy import Policy

LEVELS: dict[str, int] = {name: level for level, name in STRENGTHS.items()}


@dataclass(frozen=True, slots=True)
class Ruling:
    """`pinned` are the endpoints one of which must answer; empty: any may."""

    hits: tuple[RuleHit, ...]
    pinned: tuple[Contender, ...]
    threshold: float
    offer_human: bool


def rule(features: Features, policy: Policy, *, feasible: Sequence[Contender]) -> Ruling:
    """The first matching rule that pins does so, if it can; every matching rule raises and offers."""
    hits: list[RuleHit] = []
    pinned: tuple[Contender, ...] = ()
    has_pinned = False
    for one in policy.rules:
        if not matches(one.when, features):
            continue
        if not one.effect.pin:
            hits.append(RuleHit(one.name, one.effect))
        elif has_pinned:
            hits.append(RuleHit(one.name, one.effect, "forestalled"))
        else:
            has_pinned = True
            pinned = tuple(c for c in feasible if is_pinned(c, one.effect))
            hits.append(RuleHit(one.name, one.effect, "applied" if pinned else "infeasible"))
    return Ruling(
        hits=tuple(hits),
        pinned=pinned,
        threshold=max([policy.threshold(features), *(hit.effect.q_min for hit in hits)]),
        offer_human=any(hit.effect.offer_human for hit in hits),
    )


def is_pinned(contender: Contender, effect: Effect) -> bool:
    if effect.endpoint:
        return contender.name == effect.endpoint
    return contender.strength == LEVELS[effect.strength]
