"""When the provider fake speaks: time to first token, pace, jitter, and a limit of answers at a time.

`Latency` is a plain value; `Slots` is the queue in front of a provider with few places.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from math import exp, inf
from random import Random
from typing import Any

from tests.fakes.provider_types import Json


@dataclass(frozen=True, slots=True)
class Latency:
    """`jitter` is the sigma of a lognormal factor on every wait: 0 none, 0.5 gives a p95 of 2.3 times the median.

    `ttft_jitter` is that of the first token where it is another.
    """

    ttft_ms: float = 200.0
    interval_ms: float = 10.0
    jitter: float = 0.0
    ttft_jitter: float | None = None

    def due_ms(self, tokens: int, *, draw: Random) -> list[float]:
        """When each token is due after the request came, and as last element when the answer ends."""
        first_jitter = self.jitter if self.ttft_jitter is None else self.ttft_jitter
        first_ms = self.ttft_ms * _factor(draw, first_jitter)
        if not self.jitter:
            return [first_ms + at * self.interval_ms for at in range(tokens + 1)]
        due = [first_ms]
        for _ in range(tokens):
            due.append(due[-1] + self.interval_ms * _factor(draw, self.jitter))
        return due

    def with_changes(self, **changes: float | None) -> Latency:
        """The same with the given measures; None leaves one as it is."""
        return replace(
            self, **{name: value for name, value in changes.items() if value is not None}
        )


def _factor(draw: Random, jitter: float) -> float:
    return exp(draw.gauss(0.0, jitter)) if jitter else 1.0


# Roughly what hosted models of three sizes do; the p95 of the first token is 440, 1050 and 2700 ms.
PRESETS = {
    "light": Latency(250.0, interval_ms=1000 / 90, jitter=0.2, ttft_jitter=0.35),
    "standard": Latency(500.0, interval_ms=1000 / 55, jitter=0.25, ttft_jitter=0.45),
    "strong": Latency(1200.0, interval_ms=1000 / 30, jitter=0.3, ttft_jitter=0.5),
}


@dataclass(frozen=True, slots=True)
class LatencyTable:
    """The default pace and that of models by name or shell pattern; the first pattern that fits counts."""

    default: Latency
    models: Mapping[str, Latency] = field(default_factory=dict)

    def of(self, model: str) -> Latency:
        fitting = (
            latency for pattern, latency in self.models.items() if fnmatchcase(model, pattern)
        )
        return next(fitting, self.default)

    def changed(self, rows: Json) -> LatencyTable:
        """With rows `{"default" or a model: {"ttft_ms": 50}}` on top. Raises: ValueError naming the bad field.

        A row may start from a preset, `{"preset": "light", "ttft_ms": 50}`, or be the name of one; it may give
        `tokens_per_second` for `interval_ms`.
        """
        if not isinstance(rows, dict):
            raise ValueError("latency: expected an object of models")
        default = _changed(self.default, rows.get("default", {}), "latency.default")
        named = {name: row for name, row in rows.items() if name != "default"}
        models = {name: _changed(default, row, f"latency.{name}") for name, row in named.items()}
        return LatencyTable(
            default, {**models, **{k: v for k, v in self.models.items() if k not in models}}
        )


def _changed(latency: Latency, row: Json, where: str) -> Latency:
    row = {"preset": row} if isinstance(row, str) else row
    if not isinstance(row, dict):
        raise ValueError(f"{where}: expected an object or the name of a preset")
    measures = dict(row)
    if preset := measures.pop("preset", None):
        latency = _preset(preset, f"{where}.preset")
    _check_measures(measures, where)
    if pace := measures.pop("tokens_per_second", 0):
        measures["interval_ms"] = 1000 / pace
    return latency.with_changes(**measures)


def _preset(name: Json, where: str) -> Latency:
    if not isinstance(name, str) or name not in PRESETS:
        raise ValueError(f"{where}: unknown preset {name!r}; known are {', '.join(PRESETS)}")
    return PRESETS[name]


def _check_measures(measures: Mapping[str, Json], where: str) -> None:
    known = {"tokens_per_second", *(each.name for each in fields(Latency))}
    for name, value in measures.items():
        if name not in known:
            raise ValueError(f"{where}.{name}: unknown field; known are {', '.join(sorted(known))}")
        if not is_amount(value):
            raise ValueError(f"{where}.{name}: expected a number of at least 0")


def is_amount(value: Json) -> bool:
    """A finite number of at least 0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < inf


class Slots:
    """At most `limit` answers at a time, first come first served; 0 means no limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._free = asyncio.Semaphore(limit) if limit else None

    async def enter(self, *, gone: asyncio.Future[None]) -> bool:
        """Wait for a place; False when the client went away first, and then no place is held."""
        if self._free is None:
            return not gone.done()
        place: asyncio.Future[Any] = asyncio.ensure_future(self._free.acquire())
        waits: set[asyncio.Future[Any]] = {place, gone}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._give_back(place)
            raise
        if gone.done():
            self._give_back(place)
            return False
        return True

    def _give_back(self, place: asyncio.Future[Any]) -> None:
        if place.done():
            self.leave()
        else:
            place.cancel()

    def leave(self) -> None:
        if self._free is not None:
            self._free.release()
