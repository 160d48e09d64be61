"""Everything processes share that a routing decision needs, read in one round trip. Called by prompts.completion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redis import Redis

from prompts.llm import breaker, limits, load, scripts
from prompts.llm.catalogue import Endpoint
from prompts.llm.features import Breaker
from prompts.llm.load import Level, Thresholds

# KEYS: the two of the load level, then breaker and tokens of every endpoint. ARGV: time, thresholds.
# Returns the time, level and rate, then of every endpoint when its opening ends, its tokens and their time.
READ = (
    load.FOLLOW
    + """
local now = now_us(ARGV[1])
local level, rate = follow_load(
  KEYS[1], KEYS[2], math.floor(now / 1000000), {unpack(ARGV, 2, 9)})
local found = {whole(now), level, rate}
for i = 3, #KEYS, 2 do
  local tokens = redis.call('HMGET', KEYS[i + 1], 'tokens', 'at')
  found[#found + 1] = redis.call('HGET', KEYS[i], 'until')
  found[#found + 1], found[#found + 2] = tokens[1], tokens[2]
end
return found
"""
)
HEAD, PER_ENDPOINT = 3, 3


@dataclass(frozen=True, slots=True)
class Board:
    """`rate` is requests per second; `tokens_left` of the minute, None without a limit.

    `load` may be forced, `measured` is not. `shared` is False when Redis was away and this process alone
    had to say.
    """

    load: Level
    measured: Level
    rate: float
    breakers: Mapping[str, Breaker]
    tokens_left: Mapping[str, int | None]
    shared: bool = True


def read(
    client: Redis,
    endpoints: Sequence[Endpoint],
    *,
    thresholds: Thresholds,
    forced: Level | None = None,
    processes: int = 1,
    now_us: int = 0,
) -> Board:
    """The board now; reading it moves the load level. Never raises for Redis: then see `shared`.

    Without Redis the load is this process's times `processes`, and tokens are not limited.
    """
    return scripts.ask(
        client,
        lambda: _read_shared(
            client, endpoints, thresholds=thresholds, forced=forced, now_us=now_us
        ),
        otherwise=lambda: _read_here(
            endpoints, thresholds=thresholds, forced=forced, processes=processes
        ),
    )


def limiter(client: Redis, *, processes: int, pepper: bytes) -> limits.Limiter:
    """A limiter whose arrivals still count towards the load level while Redis is away."""
    return limits.Limiter(client, processes=processes, pepper=pepper, count_here=load.HERE.count)


def _read_shared(
    client: Redis,
    endpoints: Sequence[Endpoint],
    *,
    thresholds: Thresholds,
    forced: Level | None,
    now_us: int,
) -> Board:
    keys = list(load.KEYS)
    for endpoint in endpoints:
        keys += [breaker.key(endpoint.name), limits.tokens_key(endpoint.name)]
    found = scripts.run(client, READ, keys=keys, args=[now_us, *load.arguments(thresholds)])
    now = int(found[0])
    reading = load.reading(level=found[1], rate=float(found[2]), forced=forced)
    breakers: dict[str, Breaker] = {}
    tokens: dict[str, int | None] = {}
    for place, endpoint in enumerate(endpoints):
        first = HEAD + PER_ENDPOINT * place
        till, *stored = found[first : first + PER_ENDPOINT]
        breakers[endpoint.name] = breaker.state_at(int(till or 0), now_us=now)
        tokens[endpoint.name] = limits.tokens_left(
            stored, per_minute=endpoint.tokens_per_minute, now_us=now
        )
    return Board(reading.level, reading.measured, reading.rate, breakers, tokens)


def _read_here(
    endpoints: Sequence[Endpoint],
    *,
    thresholds: Thresholds,
    forced: Level | None,
    processes: int,
) -> Board:
    reading = load.HERE.read(thresholds=thresholds, forced=forced, processes=processes)
    return Board(
        reading.level,
        reading.measured,
        reading.rate,
        breakers={endpoint.name: breaker.state_here(endpoint.name) for endpoint in endpoints},
        tokens_left={endpoint.name: None for endpoint in endpoints},
        shared=False,
    )
