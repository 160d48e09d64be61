"""Runs Lua scripts on the Redis that all processes share, and says what is done while it is away.

Called by limits, load, breaker and board. Times in scripts are microseconds of the server's clock.
"""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import structlog
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

MICROSECONDS = 1_000_000
# The braces make every key of this layer land in one slot of a cluster: a script may touch them all.
TAG = "{llm}"
# Whoever finds Redis away spares the others the wait for this long.
REST_SECONDS = 1.0
LOG_EVERY_SECONDS = 60.0
CLIENTS_KEPT = 16

# Starts every script. `given` is 0 except in tests that choose the time. "%.0f" and "%.17g" because
# Lua's own tostring() keeps 14 digits, which is less than a time in microseconds has.
PRELUDE = """
local function now_us(given)
  given = tonumber(given)
  if given ~= 0 then return given end
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local function whole(number) return string.format('%.0f', number) end
local function exact(number) return string.format('%.17g', number) end
"""


def run(
    client: Redis, source: str, *, keys: Sequence[str], args: Sequence[str | int | float]
) -> Any:
    """What the script returns, in one round trip once the server knows it. Raises: RedisError."""
    return _prepared(client, source)(keys=keys, args=args)


def ask(
    client: Redis, question: Callable[[], Answer], *, otherwise: Callable[[], Answer]
) -> Answer:
    """What `question` brings back from Redis, or `otherwise` brings while Redis is away."""
    outage = outage_of(client)
    if time.monotonic() < outage.rests_until:
        return otherwise()
    try:
        return question()
    except RedisError as error:
        outage.begin(error)
        return otherwise()


class Outage:
    """What this process knows of a Redis that does not answer. Times of time.monotonic()."""

    __slots__ = ("logged_at", "rests_until")

    def __init__(self) -> None:
        self.rests_until = 0.0
        self.logged_at = float("-inf")

    def begin(self, error: RedisError) -> None:
        """Nobody asks for REST_SECONDS; says so at most once in LOG_EVERY_SECONDS."""
        now = time.monotonic()
        self.rests_until = now + REST_SECONDS
        if now - self.logged_at >= LOG_EVERY_SECONDS:
            self.logged_at = now
            # The class only: the text may hold an address with its password.
            log.warning("model_layer_without_redis", error=type(error).__name__)


@lru_cache(maxsize=CLIENTS_KEPT)
def outage_of(client: Redis) -> Outage:
    return Outage()


def here_us() -> int:
    """The time as the scripts count it, by this machine's clock."""
    return time.time_ns() // 1000


@lru_cache(maxsize=CLIENTS_KEPT * 8)
def _prepared(client: Redis, source: str) -> Any:
    return client.register_script(PRELUDE + source)
