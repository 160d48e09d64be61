"""The way from a turn to a decision: who can answer, rules, choice, canary, plan."""

from collections.abc import Mapping, Sequence
from typing import Any

from prompts.llm.features import Arm, Features, Situation
from prompts.llm.router import choosing, feasible, ruling
from prompts.llm.router.choosing import Choice, Scene
from prompts.llm.router.decision import (
    SOP_NAME,
    Cause,
    RoutingDecision,
    features_of,
    situation_of,
)
from prompts.llm.router.feasible import Contender
from prompts.llm.router.policy import Policy
from prompts.llm.router.ruling import Ruling

FALLBACKS = 2


def decide(features: Features, policy: Policy, situation: Situation) -> RoutingDecision:
    """Whom to ask for this turn, and why. Pure: neither clock nor chance, so that the same again decides the same."""
    contenders, withheld = feasible.weigh(features, policy, situation)
    able = [contender for contender in contenders if not contender.reject]
    rules = ruling.rule(features, policy, feasible=able)
    priced = any(feasible.is_paid(contender.option) for contender in able)
    ranked = choosing.rank(able, threshold=rules.threshold, priced=priced)
    scene = Scene(
        features, policy, situation, ranked, rules.pinned, rules.threshold, priced, withheld
    )
    if not ranked:
        cause: Cause = "shed" if withheld else "no_model"
        return decided(scene, rules, contenders, choice=None, cause=cause)
    choice = choosing.choose(scene)
    arm = arm_of(situation.arms, features, ranked)
    if arm is None:
        return decided(scene, rules, contenders, choice=choice, cause=choice.cause)
    sent = Choice(next(c for c in ranked if c.name == arm.endpoint), "canary")
    return decided(scene, rules, contenders, choice=sent, cause="canary", canary=arm.canary)


def replay(stored: Mapping[str, Any], policy: Policy) -> RoutingDecision:
    """What `policy` would have decided for the turn of a stored decision.

    Raises ValueError, with a sentence for staff, when what is stored lacks the features or the situation.
    """
    return decide(features_of(stored), policy, situation_of(stored))


def arm_of(arms: Sequence[Arm], features: Features, ranked: Sequence[Contender]) -> Arm | None:
    """The first canary whose buckets hold this conversation and whose endpoint can answer."""
    names = {contender.name for contender in ranked}
    return next(
        (a for a in arms if a.first <= features.bucket <= a.last and a.endpoint in names), None
    )


def decided(
    scene: Scene,
    rules: Ruling,
    contenders: Sequence[Contender],
    *,
    choice: Choice | None,
    cause: Cause,
    canary: str = "",
) -> RoutingDecision:
    """The decision with its plan and what it saves; `choice` None: only SOPs answer."""
    primary = choice.contender if choice else None
    baseline = strongest(scene.ranked)
    saving = baseline.est_cost - primary.est_cost if baseline and primary else 0.0
    return RoutingDecision(
        policy_version=scene.policy.version,
        features=scene.features,
        situation=scene.situation,
        cause=cause,
        chosen=primary.name if primary else SOP_NAME,
        plan=(*plan(primary, scene.ranked), SOP_NAME),
        candidates=tuple(contender.candidate() for contender in contenders),
        rule_hits=rules.hits,
        threshold=rules.threshold,
        baseline=baseline.name if baseline else "",
        est_saving=saving,
        propensity=choice.propensity if choice else 1.0,
        wait=feasible.must_wait(scene.features, level=scene.situation.load_level),
        offer_human=rules.offer_human,
        canary=canary,
        ask_dispatcher=choosing.dispatcher_for(scene) if choice and choice.unsure else "",
    )


def strongest(ranked: Sequence[Contender]) -> Contender | None:
    """Of the strongest, the one that ranks first."""
    return max(ranked, key=lambda contender: contender.strength, default=None)


def plan(primary: Contender | None, ranked: Sequence[Contender]) -> list[str]:
    """The chosen one and the best others, those of a vendor that is not in the plan yet first."""
    if primary is None:
        return []
    planned = [primary]
    others = [contender for contender in ranked if contender is not primary]
    while others and len(planned) <= FALLBACKS:
        vendors = {contender.option.vendor for contender in planned}
        following = next((c for c in others if c.option.vendor not in vendors), others[0])
        planned.append(following)
        others.remove(following)
    return [contender.name for contender in planned]
