"""Which request meets which fault: rules of a scenario, used up in order, or the suffix of a model's name.

A rule is one JSON object, see `Rule`; a suffix reads `model@fault:kind` or `model@fault:kind:number`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from email.utils import formatdate
from fnmatch import fnmatchcase
from math import ceil
from random import Random

from tests.fakes.provider_latency import is_amount
from tests.fakes.provider_types import NO_FAULT, Ask, Fault, FaultKind, Json

PROVIDERS = ("openai", "anthropic", "dashscope", "*")
_SUFFIX = "@fault:"
_KIND_WORDS = tuple(kind.value for kind in FaultKind)
_KINDS = ", ".join(_KIND_WORDS)
_NUMBER_IS_RETRY_AFTER = {
    FaultKind.RATE_LIMIT,
    FaultKind.RATE_LIMIT_SECONDS,
    FaultKind.RATE_LIMIT_MILLISECONDS,
    FaultKind.RATE_LIMIT_DATE,
    FaultKind.THROTTLING,
    FaultKind.UNAVAILABLE,
    FaultKind.OVERLOADED,
}
_DEFAULT_RETRY_AFTER_MS = {
    FaultKind.RATE_LIMIT_SECONDS: 1000.0,
    FaultKind.RATE_LIMIT_MILLISECONDS: 300.0,
    FaultKind.RATE_LIMIT_DATE: 2000.0,
}
_NUMBER_IS_DELAY = {FaultKind.HANG_BEFORE_HEADERS, FaultKind.SLOW_DRIP}


@dataclass(slots=True)
class Rule:
    """What happens to the next requests that match.

    `times` 0 means always; `provider` is "openai", "anthropic", "dashscope" or "*"; `path` and `model` are names or
    shell patterns; `contains` must occur in the customer's last line.
    `ttft_ms interval_ms jitter tokens answer` change a request that need not have a fault at all.
    """

    fault: str = FaultKind.NONE.value
    times: int = 1
    probability: float = 1.0
    provider: str = "*"
    path: str = "*"
    model: str = "*"
    contains: str = ""
    after_tokens: int | None = None
    delay_ms: float | None = None
    retry_after_ms: float | None = None
    ttft_ms: float | None = None
    interval_ms: float | None = None
    jitter: float | None = None
    tokens: int | None = None
    answer: str | None = None
    used: int = 0

    @property
    def is_spent(self) -> bool:
        return 0 < self.times <= self.used

    def matches(self, ask: Ask, *, provider: str, path: str) -> bool:
        return (
            not self.is_spent
            and self.provider in {"*", provider}
            and fnmatchcase(path, self.path)
            and fnmatchcase(ask.model, self.model)
            and self.contains in ask.question
        )

    def as_fault(self) -> Fault:
        return Fault(FaultKind(self.fault), self.after_tokens, self.delay_ms, self.retry_after_ms)


NO_RULE = Rule()
_WHOLE = {"times", "after_tokens", "tokens"}
_TEXT = {"fault", "provider", "path", "model", "contains", "answer"}
_OPTIONAL = {field.name for field in fields(Rule) if field.default is None}
_SETTABLE = {field.name for field in fields(Rule)} - {"used"}


class Scenario:
    """The queue of rules; the first that matches a request (and wins its draw) is used for it."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self.replace([])

    def replace(self, rules: Sequence[Rule]) -> None:
        self._rules = list(rules)
        self._draw = Random(self._seed)

    def append(self, rules: Sequence[Rule]) -> None:
        self._rules += rules

    def take(self, ask: Ask, *, provider: str, path: str) -> Rule:
        """The rule for this request, counted as used; `NO_RULE` when none applies."""
        for rule in self._rules:
            if rule.matches(ask, provider=provider, path=path) and (
                rule.probability >= 1 or self._draw.random() < rule.probability
            ):
                rule.used += 1
                return rule
        return NO_RULE

    def as_json(self) -> list[dict[str, Json]]:
        return [asdict(rule) for rule in self._rules]


def check_rules(rows: Json) -> list[Rule]:
    """Rules from decoded JSON. Raises: ValueError naming the row and field that is wrong."""
    if not isinstance(rows, list):
        raise ValueError("rules: expected a list of objects")
    return [_check_rule(row, f"rules[{at}]") for at, row in enumerate(rows)]


def _check_rule(row: Json, where: str) -> Rule:
    if not isinstance(row, dict):
        raise ValueError(f"{where}: expected an object")
    if unknown := set(row) - _SETTABLE:
        raise ValueError(
            f"{where}.{min(unknown)}: unknown field; known are {', '.join(sorted(_SETTABLE))}"
        )
    for name, value in row.items():
        _check_field(name, value, f"{where}.{name}")
    if row.get("fault", "none") not in _KIND_WORDS:
        raise ValueError(f"{where}.fault: unknown kind {row['fault']!r}; known are {_KINDS}")
    if row.get("provider", "*") not in PROVIDERS:
        raise ValueError(f"{where}.provider: unknown; known are {', '.join(PROVIDERS)}")
    return Rule(**row)


def _check_field(name: str, value: Json, where: str) -> None:
    if value is None and name in _OPTIONAL:
        return
    if name in _TEXT and not isinstance(value, str):
        raise ValueError(f"{where}: expected a text")
    if name in _WHOLE and not (is_amount(value) and isinstance(value, int)):
        raise ValueError(f"{where}: expected a whole number of at least 0")
    if name not in _TEXT and not is_amount(value):
        raise ValueError(f"{where}: expected a number of at least 0")


def split_model(name: str) -> tuple[str, Fault]:
    """The plain name of a model and the fault its suffix asks for. Raises: ValueError for an unknown suffix."""
    base, mark, suffix = name.partition(_SUFFIX)
    if not mark:
        return name, NO_FAULT
    word, _, number = suffix.partition(":")
    if word not in _KIND_WORDS or (number and not (number.isascii() and number.isdigit())):
        raise ValueError(f"unknown fault {suffix!r} in the model name; known are {_KINDS}")
    return base, _measured(FaultKind(word), int(number) if number else None)


def _measured(kind: FaultKind, number: int | None) -> Fault:
    if kind in _NUMBER_IS_RETRY_AFTER:
        return Fault(kind, retry_after_ms=number)
    if kind in _NUMBER_IS_DELAY:
        return Fault(kind, delay_ms=number)
    return Fault(kind, after_tokens=number)


def advertise_retry(fault: Fault, *, now_seconds: float) -> tuple[list[tuple[bytes, bytes]], float]:
    """The header that tells a client when to come back, and how many seconds from now that is (0: no header)."""
    wait_ms = (
        fault.retry_after_ms
        if fault.retry_after_ms is not None
        else _DEFAULT_RETRY_AFTER_MS.get(fault.kind, 0.0)
    )
    if wait_ms <= 0 or fault.kind not in _NUMBER_IS_RETRY_AFTER:
        return [], 0.0
    if fault.kind is FaultKind.RATE_LIMIT_MILLISECONDS:
        return [(b"retry-after-ms", b"%d" % wait_ms)], wait_ms / 1000
    whole_seconds = ceil(wait_ms / 1000)
    if fault.kind is FaultKind.RATE_LIMIT_DATE:
        back_at_seconds = ceil(now_seconds + wait_ms / 1000)
        date = formatdate(back_at_seconds, usegmt=True).encode()
        return [(b"retry-after", date)], back_at_seconds - now_seconds
    return [(b"retry-after", b"%d" % whole_seconds)], float(whole_seconds)
