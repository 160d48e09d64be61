"""When each question of a run is due, and what came of it. Plain values by a clock that is handed in; no sockets here."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# Visitors of a closed loop do not begin in step.
SPREAD_SECONDS = 0.5


def arrivals(rate: float, seconds: float, *, rng: random.Random) -> Iterator[float]:
    """Seconds from the start at which customers ask, `rate` a second on average and independent of each other."""
    at = rng.expovariate(rate)
    while at < seconds:
        yield at
        at += rng.expovariate(rate)


@dataclass(slots=True)
class Asked:
    """One question: times are seconds of the run's clock, taken from when it was due, whenever it could be sent."""

    due_at: float
    first_at: float | None = None
    final_at: float | None = None
    turn_id: str | None = None
    error: str = ""

    def line(self, start: float) -> dict[str, Any]:
        return {
            "due_ms": milliseconds(start, self.due_at),
            "first_ms": milliseconds(self.due_at, self.first_at),
            "total_ms": milliseconds(self.due_at, self.final_at),
            "turn": self.turn_id,
            "error": self.error,
        }


@dataclass(slots=True)
class Course:
    """One run. Questions become due once everybody is warm; those of an open run whatever the answers do.

    A visitor takes the next due question when free. Where all are busy it is taken late, and its wait counts:
    the time of an answer begins when the question was due.
    """

    users: int
    seconds: float
    # Questions a second; 0: a closed loop, in which each visitor asks when the answer before is there.
    rate: float = 0.0
    seed: int = 1
    asked: list[Asked] = field(default_factory=list)
    start: float | None = None
    broken: bool = False
    _warm: int = 0
    _due: Iterator[float] = field(default_factory=lambda: iter(()))

    def note_warm(self, now: float) -> None:
        """A visitor is connected and has had an answer; with the last of them the run begins."""
        self._warm += 1
        if self._warm == self.users and self.start is None:
            self.start = now
            if self.rate:
                self._due = arrivals(self.rate, self.seconds, rng=random.Random(self.seed))

    def next(self, number: int, now: float) -> Asked | None:
        """The next question for the visitor of this number; None when the run is over. Its moment may be to come."""
        start = self.start or 0.0
        if self.rate:
            at = next(self._due, None)
            due_at = None if at is None else start + at
        else:
            spread = number * 37 % 50 / 50 * min(SPREAD_SECONDS, self.seconds / 2)
            due_at = max(now, start + spread)
            due_at = due_at if due_at < start + self.seconds else None
        if due_at is None:
            return None
        self.asked.append(Asked(due_at))
        return self.asked[-1]

    def close(self, now: float, *, patience_seconds: float) -> bool:
        """Whether everything that was due has been answered or given up by now."""
        if self.start is None:
            return self.broken
        over = now >= self.start + self.seconds
        open_ones = any(not (each.final_at or each.error) for each in self.asked)
        return over and (not open_ones or now >= self.start + self.seconds + patience_seconds)

    def lines(self) -> list[dict[str, Any]]:
        """A line for each question; what was never taken, or never came to an end, stands there as unserved."""
        left = [Asked(self.start + at) for at in self._due] if self.start is not None else []
        for each in [*self.asked, *left]:
            if not (each.final_at or each.error):
                each.error = "unserved"
        return [each.line(self.start or 0.0) for each in [*self.asked, *left]]


def milliseconds(start: float, end: float | None) -> float | None:
    return None if end is None else round((end - start) * 1000, 2)
