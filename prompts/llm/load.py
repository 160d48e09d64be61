"""How busy all processes together are, and the level of service that follows from it.

limits.take counts arrivals; reading the level moves it. Called by board, the admin and /metrics.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from redis import Redis

from prompts.llm import scripts
from prompts.llm.scripts import TAG

# A hash of arrivals by second, and the hash of what was made of them.
ARRIVALS = f"load:{TAG}:arrivals"
STATE = f"load:{TAG}:state"
KEYS = (STATE, ARRIVALS)
KEPT_SECONDS = 120
STEPS = ("light", "sop", "queue")
MOST = {"hold_seconds": 600.0, "mean_seconds": 60.0}

# follow_load looks at every whole second since the last look, as if somebody had looked at each, so the
# level depends on the arrivals only and not on who asks when. The rule itself is that of `advance`.
FOLLOW = """
local function advance_load(level, below, rate, hold, enter, leave, second)
  for i = 3, level + 1, -1 do
    if rate > enter[i] then return i, -1 end
  end
  if level == 0 or rate >= leave[level] then return level, -1 end
  if below < 0 then below = second end
  if second - below < hold then return level, below end
  level = level - 1
  if level > 0 and rate < leave[level] then return level, second end
  return level, -1
end

local function follow_load(state_key, arrivals_key, second, args)
  local over, hold = tonumber(args[1]), tonumber(args[2])
  local enter = {tonumber(args[3]), tonumber(args[4]), tonumber(args[5])}
  local leave = {tonumber(args[6]), tonumber(args[7]), tonumber(args[8])}
  local kept = redis.call('HMGET', state_key, 'level', 'below', 'second', 'rate')
  local level, below = tonumber(kept[1]) or 0, tonumber(kept[2]) or -1
  local seen, rate = tonumber(kept[3]) or 0, kept[4] or '0'
  if seen == second then return level, rate end

  local arrivals, flat = {}, redis.call('HGETALL', arrivals_key)
  for i = 1, #flat, 2 do arrivals[tonumber(flat[i])] = tonumber(flat[i + 1]) end
  local span = math.ceil(3 * hold) + over
  local first = math.max(seen + 1, second - span)
  if seen > second then first = second end
  local mean = 0
  for now = first, second do
    local sum = 0
    for past = now - over, now - 1 do sum = sum + (arrivals[past] or 0) end
    mean = sum / over
    level, below = advance_load(level, below, mean, hold, enter, leave, now)
  end
  rate = exact(mean)
  redis.call('HSET', state_key, 'level', level, 'below', whole(below),
    'second', whole(second), 'rate', rate)
  redis.call('EXPIRE', state_key, whole(span + 60))
  return level, rate
end
"""

# ARGV: time, then the thresholds as `arguments` gives them.
READ = (
    FOLLOW
    + """
local second = math.floor(now_us(ARGV[1]) / 1000000)
local level, rate = follow_load(KEYS[1], KEYS[2], second, {unpack(ARGV, 2, 9)})
return {level, rate}
"""
)


class Level(IntEnum):
    """What others than VIPs get: their usual model, light models, SOP answers, a place in the queue."""

    NORMAL = 0
    LIGHT = 1
    SOP = 2
    QUEUE = 3


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Requests per second above which LIGHT, SOP and QUEUE are entered, and below which they are left.

    The rate is the mean over the last `mean_seconds` whole seconds; a level is left once it stayed below
    for `hold_seconds`.
    """

    enter: tuple[float, float, float] = (50.0, 75.0, 100.0)
    leave: tuple[float, float, float] = (40.0, 60.0, 80.0)
    hold_seconds: float = 10.0
    mean_seconds: int = 3

    def check(self) -> list[str]:
        """A sentence for everything that is wrong, in English and Chinese, naming the field."""
        enter, leave = (
            dict(zip(STEPS, self.enter, strict=True)),
            dict(zip(STEPS, self.leave, strict=True)),
        )
        values: dict[str, float] = {
            **{f"enter_{step}": value for step, value in enter.items()},
            **{f"leave_{step}": value for step, value in leave.items()},
            "hold_seconds": self.hold_seconds,
            "mean_seconds": self.mean_seconds,
        }
        return [
            *(
                f"{name} must be a number above 0. {name} 必须是大于 0 的数。"
                for name, value in values.items()
                if not (value > 0 and math.isfinite(value))
            ),
            *(
                f"{name} must be at most {most:g}. {name} 不能超过 {most:g}。"
                for name, most in MOST.items()
                if values[name] > most
            ),
            *(
                f"enter_{high} must be above enter_{low}. enter_{high} 必须大于 enter_{low}。"
                for low, high in pairwise(STEPS)
                if not enter[low] < enter[high]
            ),
            *(
                f"leave_{step} must be below enter_{step}. leave_{step} 必须小于 enter_{step}。"
                for step in STEPS
                if not leave[step] < enter[step]
            ),
        ]


@dataclass(frozen=True, slots=True)
class State:
    """The level as of `second`; `below_since` is the second since which the rate allows leaving it."""

    level: Level = Level.NORMAL
    below_since: int | None = None
    second: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """`rate` is requests per second over all processes; `level` may be forced, `measured` never is."""

    level: Level
    measured: Level
    rate: float


def advance(state: State, *, rate: float, thresholds: Thresholds, now: int) -> State:
    """The state a second later: up at once and as far as the rate says, down one level after holding.

    After a step down the next level has to hold for as long again.
    """
    highest = sum(rate > enter for enter in thresholds.enter)
    if highest > state.level:
        return State(Level(highest), None, now)
    if state.level == Level.NORMAL or rate >= thresholds.leave[state.level - 1]:
        return State(state.level, None, now)
    since = now if state.below_since is None else state.below_since
    if now - since < thresholds.hold_seconds:
        return State(state.level, since, now)
    lower = Level(state.level - 1)
    still_below = lower > Level.NORMAL and rate < thresholds.leave[lower - 1]
    return State(lower, now if still_below else None, now)


def follow(
    state: State, *, arrivals: Mapping[int, float], thresholds: Thresholds, now: int
) -> tuple[State, float]:
    """The state at second `now` and its rate, having looked at every second since `state.second`."""
    span = math.ceil(3 * thresholds.hold_seconds) + thresholds.mean_seconds
    first = now if state.second >= now else max(state.second + 1, now - span)
    rate = 0.0
    for second in range(first, now + 1):
        rate = mean(arrivals, second=second, over=thresholds.mean_seconds)
        state = advance(state, rate=rate, thresholds=thresholds, now=second)
    return state, rate


def mean(arrivals: Mapping[int, float], *, second: int, over: int) -> float:
    """Arrivals per second over the `over` whole seconds before `second`."""
    return sum(arrivals.get(past, 0) for past in range(second - over, second)) / over


class Meter:
    """What this process alone counts and makes of it, for as long as Redis is away."""

    def __init__(self) -> None:
        self.arrivals: Counter[int] = Counter()
        self.state = State()
        self.rate = 0.0
        self.lock = threading.Lock()

    def count(self, *, now: int | None = None) -> None:
        """One arrival in second `now`."""
        second = int(time.time()) if now is None else now
        with self.lock:
            self.arrivals[second] += 1
            if self.arrivals[second] == 1:
                for old in [s for s in self.arrivals if s <= second - KEPT_SECONDS]:
                    del self.arrivals[old]

    def read(
        self,
        *,
        thresholds: Thresholds,
        forced: Level | None = None,
        processes: int = 1,
        now: int | None = None,
    ) -> Reading:
        """As if every one of `processes` had as much to do as this one."""
        second = int(time.time()) if now is None else now
        with self.lock:
            if self.state.second != second:
                all_of_them = {s: n * processes for s, n in self.arrivals.items()}
                self.state, self.rate = follow(
                    self.state, arrivals=all_of_them, thresholds=thresholds, now=second
                )
            return reading(level=self.state.level, rate=self.rate, forced=forced)


HERE = Meter()


def read(
    client: Redis,
    *,
    thresholds: Thresholds,
    forced: Level | None = None,
    processes: int = 1,
    now_us: int = 0,
) -> Reading:
    """The level now; `forced` overrides it while the measuring goes on. Redis away: by this process alone."""
    return scripts.ask(
        client,
        lambda: _read_shared(client, thresholds=thresholds, forced=forced, now_us=now_us),
        otherwise=lambda: HERE.read(thresholds=thresholds, forced=forced, processes=processes),
    )


def arguments(thresholds: Thresholds) -> list[float]:
    """The thresholds as follow_load takes them: eight numbers."""
    head = [thresholds.mean_seconds, thresholds.hold_seconds]
    return [*head, *thresholds.enter, *thresholds.leave]


def reading(*, level: int, rate: float, forced: Level | None) -> Reading:
    measured = Level(level)
    return Reading(measured if forced is None else forced, measured, rate)


def _read_shared(
    client: Redis, *, thresholds: Thresholds, forced: Level | None, now_us: int
) -> Reading:
    args = [now_us, *arguments(thresholds)]
    level, rate = scripts.run(client, READ, keys=KEYS, args=args)
    return reading(level=level, rate=float(rate), forced=forced)
