"""Which endpoints can answer a turn at all, what each would cost, and how good its answer is expected to be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prompts.llm import quality
from prompts.llm.features import Features, Option, Situation
from prompts.llm.load import Level
from prompts.llm.router.decision import SOP_NAME, Candidate, Reject
from prompts.llm.router.policy import Policy, is_angry

# Somebody who complains is not put off with less.
SPARED_INTENT = "complaint"
THOUSAND = 1000.0


@dataclass(frozen=True, slots=True)
class Contender:
    """An endpoint with what is thought of it. `burden` is what is minimised: cost and, by its weight, latency."""

    option: Option
    reject: Reject
    est_cost: float
    burden: float
    p_ok: float

    @property
    def name(self) -> str:
        return self.option.name

    @property
    def strength(self) -> int:
        return self.option.strength

    def candidate(self) -> Candidate:
        return Candidate(
            name=self.name,
            feasible=not self.reject,
            reject_reason=self.reject,
            est_cost=self.est_cost,
            p_ok=self.p_ok,
            n=self.option.of_cell.n,
            p95_ms=self.option.p95_ms,
        )


def weigh(
    features: Features, policy: Policy, situation: Situation
) -> tuple[tuple[Contender, ...], bool]:
    """Every endpoint, and whether load keeps some from this customer that could answer."""
    options = [o for o in situation.options if o.provider != "sop" and o.name != SOP_NAME]
    rejects = rejections(options, features, stopped=bool(situation.stopped_budgets))
    able = [o for o, reject in zip(options, rejects, strict=True) if not reject]
    thought = quality.by_strength(able, prior_mass=policy.prior_mass)
    contenders = []
    for option, reject in zip(options, rejects, strict=True):
        cost = expected_cost(option, features, answer_tokens=policy.answer_tokens)
        burden = cost + policy.latency_weight * option.p95_ms / THOUSAND
        p_ok = thought.get(option.name)
        if p_ok is None:
            p_ok = quality.p_ok(option, prior_mass=policy.prior_mass)
        contenders.append(Contender(option, reject, cost, burden, p_ok))
    return shed(contenders, features, level=situation.load_level)


def expected_cost(option: Option, features: Features, *, answer_tokens: int) -> float:
    """Of an answer of usual length, in the accounting currency."""
    output_tokens = min(answer_tokens, features.output_tokens, option.max_output_tokens)
    return (features.input_tokens * option.price_in + output_tokens * option.price_out) / THOUSAND


# --- who can answer ------------------------------------------------------------------------------------


def rejections(options: Sequence[Option], features: Features, *, stopped: bool) -> list[Reject]:
    """Why each endpoint cannot answer; empty where it can.

    When nobody can give the whole length or hold to a schema, whoever can do the rest is asked all the same: the
    answer is cut or described in the prompt then, which is better than none.
    """
    rejects = [rejection(option, features, stopped=stopped) for option in options]
    if all(rejects) and {"output", "json"} & set(rejects):
        eased = replace(features, output_tokens=0, needs_json=False)
        rejects = [rejection(option, features, stopped=stopped, asked=eased) for option in options]
    return rejects


def rejection(
    option: Option, features: Features, *, stopped: bool, asked: Features | None = None
) -> Reject:
    """Why the endpoint cannot answer; `asked` is what is asked of its abilities, unless that is `features`."""
    asked = asked or features
    tokens = features.input_tokens + min(features.output_tokens, option.max_output_tokens)
    checks: tuple[tuple[Reject, bool], ...] = (
        ("no_key", not option.has_key),
        ("breaker", option.breaker == "open"),
        ("context", 0 < option.context_tokens < tokens),
        ("output", option.max_output_tokens < asked.output_tokens),
        ("tools", features.needs_tools and not option.tools),
        ("json", asked.needs_json and not option.json_schema),
        ("tokens_per_minute", option.tokens_left is not None and option.tokens_left < tokens),
        ("budget", stopped and is_paid(option)),
    )
    return next((reason for reason, holds in checks if holds), "")


def is_paid(option: Option) -> bool:
    return option.price_in > 0 or option.price_out > 0


# --- load ----------------------------------------------------------------------------------------------


def shed(
    contenders: Sequence[Contender], features: Features, *, level: int
) -> tuple[tuple[Contender, ...], bool]:
    """The endpoints with those rejected that the load keeps from this customer, and whether there are any."""
    able = [contender for contender in contenders if not contender.reject]
    most = strength_allowed(able, features, level=level)
    withheld = [contender for contender in able if contender.strength > most]
    judged = tuple(replace(c, reject="load") if c in withheld else c for c in contenders)
    return judged, bool(withheld)


def strength_allowed(able: Sequence[Contender], features: Features, *, level: int) -> float:
    """The strongest endpoint this customer may have. Who is spared is served normally until everybody queues."""
    lightest = min((contender.strength for contender in able), default=0)
    spared = is_spared(features)
    if level >= Level.QUEUE:
        return lightest if spared else 0
    if spared or level < Level.LIGHT:
        return float("inf")
    return lightest if level == Level.LIGHT else 0


def is_spared(features: Features) -> bool:
    """VIPs, and whoever complains or is angry."""
    return features.tier == "vip" or features.intent == SPARED_INTENT or is_angry(features)


def must_wait(features: Features, *, level: int) -> bool:
    return level >= Level.QUEUE and not is_spared(features)
