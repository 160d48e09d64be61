"""A decision with everything it rests on, as a value that can be stored with the turn and made again."""

from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from functools import lru_cache
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from prompts.llm.catalogue import SOP
from prompts.llm.conditions import Effect
from prompts.llm.features import Features, Situation

Cause = Literal[
    "pinned",
    "quality_cheapest",
    "priority",
    "dispatcher",
    "sticky",
    "explore",
    "canary",
    "shed",
    "no_model",
]
Reject = Literal[
    "",
    "no_key",
    "breaker",
    "context",
    "output",
    "tools",
    "json",
    "tokens_per_minute",
    "budget",
    "load",
]
SOP_NAME = SOP.name


@dataclass(frozen=True, slots=True)
class Candidate:
    """An endpoint as it was weighed. `n` is how many answers of the turn's cell were counted."""

    name: str
    feasible: bool
    reject_reason: Reject
    # Of a usual answer to this turn, in the accounting currency.
    est_cost: float
    p_ok: float
    n: int
    p95_ms: float


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that matched. Its pin may come to nothing: another pinned before it, or nothing it pins can answer."""

    name: str
    effect: Effect
    outcome: Literal["applied", "forestalled", "infeasible"] = "applied"


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """Whom to ask, in order, and why."""

    policy_version: str | int
    features: Features
    situation: Situation
    cause: Cause
    chosen: str
    # Names: the chosen one, up to two others, and "sop" behind them all.
    plan: tuple[str, ...]
    candidates: tuple[Candidate, ...] = ()
    rule_hits: tuple[RuleHit, ...] = ()
    # The share of good answers that was wanted.
    threshold: float = 0.0
    # What "always the strongest" would have asked, and what not asking it is expected to save; negative: to cost.
    baseline: str = ""
    est_saving: float = 0.0
    # The chance with which this policy chooses `chosen` for such a turn.
    propensity: float = 1.0
    # The platform is overloaded and this customer has to wait.
    wait: bool = False
    # A rule wants a person to be offered.
    offer_human: bool = False
    # The canary whose arm this turn is in; empty: none.
    canary: str = ""
    # Ask this endpoint first how hard the turn is, and decide again with `features.dispatched` set. When too many
    # turns have asked (policy.dispatch_share), this decision stands as it is.
    ask_dispatcher: str = ""

    def as_json(self) -> dict[str, Any]:
        """What is stored with the turn: no key in it, and all that `replay` needs."""
        stored: dict[str, Any] = plain(self)
        return stored


def plain(value: Any) -> Any:
    """Dataclasses as objects, tuples as lists; dataclasses.asdict does the same in three times the time."""
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def features_of(stored: Mapping[str, Any]) -> Features:
    """The features of a stored decision. Raises ValueError when it holds none we can read."""
    features: Features = part(stored, "features")
    return features


def situation_of(stored: Mapping[str, Any]) -> Situation:
    """The situation of a stored decision. Raises ValueError when it holds none we can read."""
    situation: Situation = part(stored, "situation")
    return situation


def part(stored: Mapping[str, Any], name: str) -> Any:
    if name not in stored:
        raise ValueError(f"the stored decision has no {name}: another version of Yingda made it")
    try:
        return adapter(name).validate_python(stored[name])
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False, include_input=False)
        path = ".".join(map(str, (name, *first["loc"])))
        raise ValueError(f"the stored decision cannot be read: {path}: {first['msg']}") from None


@lru_cache(maxsize=2)
def adapter(name: str) -> TypeAdapter[Any]:
    # Made when it is first needed: building it costs milliseconds that only a replay should pay.
    return TypeAdapter(Features if name == "features" else Situation)
