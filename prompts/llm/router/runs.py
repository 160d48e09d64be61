"""What came of the judged turns under each policy, simple ones and the whole. Used by prompts.llm.router.offline."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from random import Random
from statistics import fmean

from prompts.llm import quality
from prompts.llm.features import Features, Option, Situation, Tally, length_bucket
from prompts.llm.router.deciding import decide
from prompts.llm.router.decision import SOP_NAME
from prompts.llm.router.outcomes import Outcome, Turn
from prompts.llm.router.policy import Policy, is_angry
from prompts.llm.router.ruling import LEVELS

# An SOP answers nothing that a model was wanted for, and costs nothing.
BY_SOP = Outcome(good=False, cost=0.0)
NOTHING = Tally()
BEST, FULL = "best single", "full policy"


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one turn."""

    endpoint: str
    good: bool
    cost: float
    total_ms: float
    dispatched: bool = False


# --- what was learned ----------------------------------------------------------------------------------


class Past:
    """How the endpoints fared in the half that is learned from."""

    def __init__(self, options: Sequence[Option], turns: Sequence[Turn]) -> None:
        self.turns = turns
        # Whatever the table says of their past includes the half that is judged.
        self.options = tuple(
            replace(o, overall=NOTHING, of_intent=NOTHING, of_cell=NOTHING) for o in options
        )
        self.by_cell: dict[tuple[str, Hashable], Tally] = {}
        for depth in (0, 1, 3):
            self.by_cell |= tallies(turns, partial(level_of, depth=depth))
        self.costs = {o.name: fmean(t.outcomes[o.name].cost for t in turns) for o in options}
        self.p95_ms = {
            o.name: percentile([t.outcomes[o.name].ttft_ms for t in turns], 95) for o in options
        }

    def options_for(self, features: Features) -> tuple[Option, ...]:
        """The options as they would have stood for this turn."""
        cell = cell_of(features)
        return tuple(
            replace(
                option,
                p95_ms=self.p95_ms[option.name],
                overall=self.by_cell[option.name, ()],
                of_intent=self.by_cell.get((option.name, cell[:1]), NOTHING),
                of_cell=self.by_cell.get((option.name, cell), NOTHING),
            )
            for option in self.options
        )


def cell_of(features: Features) -> tuple[str, ...]:
    return features.intent, features.emotion, length_bucket(features.input_tokens)


def level_of(features: Features, *, depth: int) -> tuple[str, ...]:
    """The cell cut to its first parts: none for all turns, one for the intent."""
    return cell_of(features)[:depth]


def tallies(
    turns: Iterable[Turn], key: Callable[[Features], Hashable]
) -> dict[tuple[str, Hashable], Tally]:
    """Good answers by endpoint and key."""
    counts: dict[tuple[str, Hashable], list[int]] = defaultdict(lambda: [0, 0])
    for turn in turns:
        at = key(turn.features)
        for name, outcome in turn.outcomes.items():
            counts[name, at][0] += outcome.good
            counts[name, at][1] += 1
    return {at: Tally(good, n) for at, (good, n) in counts.items()}


# --- policies ------------------------------------------------------------------------------------------


def run(
    turns: Sequence[Turn], policy: Policy, past: Past, *, seed: int
) -> Mapping[str, list[Taken]]:
    """What came of the turns, by the policy's name; the whole policy is FULL, the best endpoint alone BEST."""
    return dict(policies(turns, policy, past, seed=seed))


def policies(
    judged: Sequence[Turn], policy: Policy, past: Past, *, seed: int
) -> Iterable[tuple[str, list[Taken]]]:
    yield BEST, single(judged, best_single(past.options, judged))
    by_strength = sorted(past.options, key=lambda o: (o.strength, past.costs[o.name]))
    yield "always-light", single(judged, by_strength[0].name)
    strongest = by_strength[-1].strength
    yield (
        "always-strong",
        single(judged, next(o.name for o in by_strength if o.strength == strongest)),
    )
    full = decided(judged, policy, past)
    yield "random-same-mix", shuffled(judged, full, seed=seed)
    for name, key, threshold in single_feature(policy):
        yield name, by_key(judged, past, key=key, threshold=threshold)
    if all(turn.dispatcher for turn in judged):
        yield "dispatcher-only", dispatched(judged, by_strength)
    yield FULL, full
    yield "oracle", [oracle(turn) for turn in judged]


def single(turns: Sequence[Turn], name: str) -> list[Taken]:
    return [taken(turn, name) for turn in turns]


def taken(turn: Turn, name: str, *, after_dispatch: bool = False) -> Taken:
    outcome = BY_SOP if name == SOP_NAME else turn.outcomes[name]
    asked = turn.dispatcher if after_dispatch else None
    return Taken(
        endpoint=name,
        good=outcome.good,
        cost=outcome.cost + (asked.cost if asked else 0.0),
        total_ms=outcome.total_ms + (asked.ms if asked else 0.0),
        dispatched=asked is not None,
    )


def decided(turns: Sequence[Turn], policy: Policy, past: Past) -> list[Taken]:
    """What `decide` does, asking the dispatcher for at most its share of the turns so far.

    Each turn is taken for the first of its conversation: whom another policy would have stayed with is not known.
    """
    found: list[Taken] = []
    asked = 0
    for number, turn in enumerate(turns, 1):
        features = replace(turn.features, current_endpoint="", dispatched="")
        situation = Situation(options=past.options_for(features))
        decision = decide(features, policy, situation)
        ask = bool(decision.ask_dispatcher and turn.dispatcher)
        if ask and asked + 1 <= policy.dispatch_share * number and turn.dispatcher:
            asked += 1
            told = replace(features, dispatched=turn.dispatcher.said)
            decision = decide(told, policy, situation)
            found.append(taken(turn, decision.chosen, after_dispatch=True))
        else:
            found.append(taken(turn, decision.chosen))
    return found


def shuffled(turns: Sequence[Turn], found: Sequence[Taken], *, seed: int) -> list[Taken]:
    """The same endpoints as often, handed out at random."""
    names = [each.endpoint for each in found]
    Random(seed).shuffle(names)  # noqa: S311 - a lot, not a secret
    return [taken(turn, name) for turn, name in zip(turns, names, strict=True)]


def single_feature(
    policy: Policy,
) -> list[tuple[str, Callable[[Features], Hashable], Callable[[Features], float]]]:
    """Policies that look at one thing: name, what they look at, and the quality they want."""
    usual = policy.quality_standard
    return [
        ("length-only", lambda f: length_bucket(f.input_tokens), lambda _: usual),
        ("tier-only", lambda f: f.tier, lambda f: policy.quality_vip if f.tier == "vip" else usual),
        ("intent-only", lambda f: f.intent, lambda _: usual),
        (
            "intent+emotion",
            lambda f: (f.intent, f.emotion),
            lambda f: usual + (policy.quality_angry_adds if is_angry(f) else 0.0),
        ),
    ]


def by_key(
    turns: Sequence[Turn],
    past: Past,
    *,
    key: Callable[[Features], Hashable],
    threshold: Callable[[Features], float],
) -> list[Taken]:
    """The cheapest endpoint that was good enough where the key was the same."""
    counted = tallies(past.turns, key)
    found = []
    for turn in turns:
        at = key(turn.features)
        good = {
            option.name: quality.p_ok(
                replace(
                    option,
                    overall=past.by_cell[option.name, ()],
                    of_cell=counted.get((option.name, at), NOTHING),
                )
            )
            for option in past.options
        }
        enough = [name for name in good if good[name] >= threshold(turn.features)]
        best = (
            min(enough, key=past.costs.__getitem__) if enough else max(good, key=good.__getitem__)
        )
        found.append(taken(turn, best))
    return found


def dispatched(turns: Sequence[Turn], by_strength: Sequence[Option]) -> list[Taken]:
    """The dispatcher is asked every time; the strongest answers when it does not."""
    found = []
    for turn in turns:
        wanted = LEVELS.get(turn.dispatcher.said, 0) if turn.dispatcher else 0
        fitting = [o for o in by_strength if wanted and o.strength >= wanted]
        level = fitting[0].strength if fitting else by_strength[-1].strength
        name = next(o.name for o in by_strength if o.strength == level)
        found.append(taken(turn, name, after_dispatch=True))
    return found


def oracle(turn: Turn) -> Taken:
    """The cheapest good answer, as nobody can know it beforehand."""
    names = sorted(turn.outcomes, key=lambda name: turn.outcomes[name].cost)
    return taken(turn, next((name for name in names if turn.outcomes[name].good), names[0]))


def best_single(options: Sequence[Option], turns: Sequence[Turn]) -> str:
    """The endpoint with most good answers to the judged turns; of equals, the cheaper."""

    def key(option: Option) -> tuple[int, float]:
        outcomes = [turn.outcomes[option.name] for turn in turns]
        return sum(o.good for o in outcomes), -sum(o.cost for o in outcomes)

    return max(options, key=key).name


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]
