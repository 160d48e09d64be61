"""Chooses among the endpoints that can answer: pinned, asked for by a dispatcher, kept, explored, or the cheapest."""

from collections.abc import Sequence
from dataclasses import dataclass

from prompts.llm.features import Features, Option, Situation
from prompts.llm.load import Level
from prompts.llm.router import feasible
from prompts.llm.router.decision import Cause
from prompts.llm.router.feasible import Contender
from prompts.llm.router.policy import Policy
from prompts.llm.router.ruling import LEVELS

# Shares and costs that differ by less are the same.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Scene:
    """A turn with the endpoints that can answer it, best first."""

    features: Features
    policy: Policy
    situation: Situation
    ranked: tuple[Contender, ...]
    pinned: tuple[Contender, ...]
    threshold: float
    priced: bool
    # Load keeps endpoints from this customer.
    withheld: bool

    def reaches(self, contender: Contender) -> bool:
        return contender.p_ok >= self.threshold - ROUNDING

    @property
    def usual_cause(self) -> Cause:
        if self.withheld:
            return "shed"
        return "quality_cheapest" if self.priced else "priority"


@dataclass(frozen=True, slots=True)
class Choice:
    """Who answers; `unsure` when a dispatcher should be asked first."""

    contender: Contender
    cause: Cause
    propensity: float = 1.0
    unsure: bool = False


def rank(
    contenders: Sequence[Contender], *, threshold: float, priced: bool
) -> tuple[Contender, ...]:
    """The cheapest that is good enough first; then those that are not, the best of them first.

    Without any price, the order of priority takes the place of the cost.
    """

    def key(contender: Contender) -> tuple[bool, float, float, int, str]:
        enough = contender.p_ok >= threshold - ROUNDING
        lack = 0.0 if enough else -contender.p_ok
        burden = contender.burden if priced else 0.0
        return not enough, lack, burden, contender.option.priority, contender.name

    return tuple(sorted(contenders, key=key))


def choose(scene: Scene) -> Choice:
    """Who answers, of at least one that can."""
    best = scene.ranked[0]
    kept = current(scene, scene.pinned or scene.ranked)
    if scene.pinned:
        pinned = rank(scene.pinned, threshold=scene.threshold, priced=scene.priced)
        return Choice(kept or pinned[0], "pinned")
    if kept is not None:
        return Choice(kept, scene.usual_cause if kept is best or scene.withheld else "sticky")
    if scene.withheld:
        return Choice(best, "shed")
    if scene.features.dispatched:
        return Choice(dispatched(scene), "dispatcher")
    return explored(scene) or Choice(
        best, scene.usual_cause, greedy_propensity(scene), is_unsure(scene)
    )


def current(scene: Scene, among: Sequence[Contender]) -> Contender | None:
    """The endpoint that answered before, if it can stay."""
    if not scene.policy.sticky:
        return None
    name = scene.features.current_endpoint
    return next((c for c in among if c.name == name and scene.reaches(c)), None)


# --- dispatcher ----------------------------------------------------------------------------------------


def is_unsure(scene: Scene) -> bool:
    """Whether a dispatcher's word could change anything: the intent is unsure, or strengths cost the same."""
    if len({contender.strength for contender in scene.ranked}) < 2:
        return False
    features = scene.features
    doubtful = features.intent_p > 0 and features.intent_margin < scene.policy.uncertain_margin
    return doubtful or len({contender.strength for contender in equals(scene)}) > 1


def equals(scene: Scene) -> list[Contender]:
    """The best and those as good as it that cost the same within epsilon. Only a price can make equal."""
    best = scene.ranked[0]
    if not scene.priced or not scene.reaches(best) or best.burden <= 0:
        return [best]
    most = best.burden * (1 + scene.policy.epsilon)
    return [c for c in scene.ranked if scene.reaches(c) and c.burden <= most]


def dispatched(scene: Scene) -> Contender:
    """The best of the strength the dispatcher asked for, or of the nearest above, or of the strongest.

    Its word settles who of the good enough answers; it never makes do with one that is not.
    """
    wanted = scene.features.dispatched
    if wanted == "failed":
        return stronger(scene)
    enough = [contender for contender in scene.ranked if scene.reaches(contender)]
    pool = enough or scene.ranked
    above = [contender.strength for contender in pool if contender.strength >= LEVELS[wanted]]
    level = min(above) if above else max(contender.strength for contender in pool)
    return next(contender for contender in pool if contender.strength == level)


def stronger(scene: Scene) -> Contender:
    """What is taken when the dispatcher does not answer: the strongest of the equals, or else one step up."""
    best, alike = scene.ranked[0], equals(scene)
    strongest = max(alike, key=lambda c: c.strength)
    if strongest.strength > best.strength or len(alike) > 1:
        return strongest
    above = [c.strength for c in scene.ranked if c.strength > best.strength]
    return next((c for c in scene.ranked if above and c.strength == min(above)), best)


def dispatcher_for(scene: Scene) -> str:
    """The dispatcher to ask; empty when none can be. Keeping the share of turns that do is the caller's part."""
    if not scene.policy.dispatch_share or scene.situation.load_level >= Level.SOP:
        return ""
    stopped = bool(scene.situation.stopped_budgets)
    ready = [o for o in scene.situation.options if can_dispatch(o, stopped=stopped)]
    return min(ready, key=lambda o: (o.priority, o.name)).name if ready else ""


def can_dispatch(option: Option, *, stopped: bool) -> bool:
    return (
        option.dispatcher
        and option.has_key
        and option.breaker != "open"
        and option.tokens_left != 0
        and not (stopped and feasible.is_paid(option))
    )


# --- exploration ---------------------------------------------------------------------------------------


def explored(scene: Scene) -> Choice | None:
    """The endpoint that is tried to learn about it; None when the turn's draw is not among them."""
    if not may_explore(scene) or scene.features.draw >= scene.policy.explore:
        return None
    pool = sorted(scene.ranked, key=lambda c: c.name)
    tried = pool[int(scene.features.draw / scene.policy.explore * len(pool))]
    if tried is scene.ranked[0]:
        return Choice(tried, scene.usual_cause, greedy_propensity(scene))
    return Choice(tried, "explore", scene.policy.explore / len(pool))


def may_explore(scene: Scene) -> bool:
    """Nobody is tried out on who is spared under load."""
    return len(scene.ranked) > 1 and not feasible.is_spared(scene.features)


def greedy_propensity(scene: Scene) -> float:
    if not may_explore(scene):
        return 1.0
    explore = scene.policy.explore
    return 1 - explore + explore / len(scene.ranked)
