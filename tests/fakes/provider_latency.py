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
    """`jitter` is the sigma of a lognormal factor on every wait: 0 none, 0.5 gives a p95 of 2.3 times the median."""

    ttft_ms: float = 200.0
    interval_ms: float = 10.0
    jitter: float = 0.0

    def due_ms(self, tokens: int, *, draw: Random) -> list[float]:
        """When each token is due after the request came, and as last element when the answer ends."""
        if not self.jitter:
            return [self.ttft_ms + at * self.interval_ms for at in range(tokens + 1)]
        due = [self.ttft_ms * self._factor(draw)]
        for _ in range(tokens):
            due.append(due[-1] + self.interval_ms * self._factor(draw))
        return due

    def _factor(self, draw: Random) -> float:
        return exp(draw.gauss(0.0, self.jitter))

    def with_changes(self, **changes: float | None) -> Latency:
        """The same with the given measures; None leaves one as it is."""
        return replace(
            self, **{name: value for name, value in changes.items() if value is not None}
        )


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
        """With rows `{"default" or a model: {"ttft_ms": 50}}` on top. Raises: ValueError naming the bad field."""
        if not isinstance(rows, dict):
            raise ValueError("latency: expected an object of models")
        default = _changed(self.default, rows.get("default", {}), "latency.default")
        named = {name: row for name, row in rows.items() if name != "default"}
        models = {name: _changed(default, row, f"latency.{name}") for name, row in named.items()}
        return LatencyTable(
            default, {**models, **{k: v for k, v in self.models.items() if k not in models}}
        )


def _changed(latency: Latency, row: Json, where: str) -> Latency:
    known = {each.name for each in fields(Latency)}
    if not isinstance(row, dict):
        raise ValueError(f"{where}: expected an object")
    for name, value in row.items():
        if name not in known:
            raise ValueError(f"{where}.{name}: unknown field; known are {', '.join(sorted(known))}")
        if not is_amount(value):
            raise ValueError(f"{where}.{name}: expected a number of at least 0")
    return latency.with_changes(**row)


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
