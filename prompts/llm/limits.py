"""How many messages a visitor, an address or a site may send, and how many tokens an endpoint may take a minute.

Token buckets over all processes in Redis; one Lua script decides over all buckets of a message at once.
Called by prompts.admission (messages) and the gateway (tokens).
"""

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from redis import Redis

from prompts.llm import scripts
from prompts.llm.scripts import MICROSECONDS, TAG

PREFIX = f"limit:{TAG}"
TOKENS_PREFIX = f"tokens:{TAG}"
# How long the per-second counts of arrivals are kept: load.py reads them.
COUNTS_KEPT_SECONDS = 120
# A bucket that has filled up again may go. One of tokens stays for as long as a call may take, which may
# still have to settle with it.
SLACK_MS = 1_000
TOKENS_SLACK_MS = 600_000
HERE_MAX = 20_000
UNKNOWN_ADDRESS = "unknown"

# A token bucket per key, after J. Turner, "New directions in communications (or which way to the
# information age?)", IEEE Communications Magazine 24(10), 1986: it fills at `rate` up to `burst`.
# KEYS: the buckets, then the hash that counts arrivals by second if there is one.
# ARGV: time, slack_ms, forced (1: take whatever is there, leaving a debt), seconds counts are kept
# (0: nothing is counted), then rate, burst and cost of each bucket.
# Returns whether all had enough, the place of the bucket that has the longest to wait, and how many ms.
TAKE = """
local now, slack_ms = now_us(ARGV[1]), tonumber(ARGV[2])
local forced, kept_seconds = ARGV[3] == '1', tonumber(ARGV[4])
local buckets = #KEYS
if kept_seconds > 0 then buckets = buckets - 1 end

local after, waiting, wait_ms = {}, 0, 0
for i = 1, buckets do
  local rate, burst = tonumber(ARGV[2 + 3 * i]), tonumber(ARGV[3 + 3 * i])
  local cost = tonumber(ARGV[4 + 3 * i])
  local kept = redis.call('HMGET', KEYS[i], 'tokens', 'at')
  local at = tonumber(kept[2]) or now
  local grown = math.max(0, now - at) * rate / 1000000
  local tokens = math.min(burst, (tonumber(kept[1]) or burst) + grown)
  if tokens < cost then
    local wait = math.ceil((cost - tokens) / rate * 1000)
    if wait > wait_ms then waiting, wait_ms = i, wait end
  end
  -- A clock that was put back would stop the filling until it has caught up.
  if at > now then redis.call('HSET', KEYS[i], 'at', whole(now)) end
  after[i] = math.min(burst, tokens - cost)
end
if waiting > 0 and not forced then return {0, waiting, wait_ms} end

for i = 1, buckets do
  local rate, burst = tonumber(ARGV[2 + 3 * i]), tonumber(ARGV[3 + 3 * i])
  redis.call('HSET', KEYS[i], 'tokens', exact(after[i]), 'at', whole(now))
  redis.call('PEXPIRE', KEYS[i], whole(math.ceil((burst - after[i]) / rate * 1000) + slack_ms))
end
if kept_seconds > 0 then
  local counts, second = KEYS[#KEYS], math.floor(now / 1000000)
  if redis.call('HINCRBY', counts, whole(second), 1) == 1 then
    -- The first of its second clears away what nobody reads any more.
    for _, other in ipairs(redis.call('HKEYS', counts)) do
      if tonumber(other) <= second - kept_seconds then redis.call('HDEL', counts, other) end
    end
    redis.call('EXPIRE', counts, kept_seconds)
  end
end
return {1, 0, 0}
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_second` for long, `burst` at once. Raises: ValueError naming the one that is not positive."""

    per_second: float
    burst: float

    def __post_init__(self) -> None:
        for name, value in (("per_second", self.per_second), ("burst", self.burst)):
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be a positive number, not {value}")


@dataclass(frozen=True, slots=True)
class Bucket:
    """What a message takes from: `name` is the kind ("user", "ip"), `key` whose. Redis sees a hash of the key."""

    name: str
    key: str
    rate: Rate
    cost: float = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`who` is the name of the bucket that stood in the way.

    `wait_ms` says when to come back; 0 with a refusal: never, it costs more than the bucket holds.
    """

    allowed: bool
    who: str = ""
    wait_ms: int = 0


ALLOWED = Verdict(allowed=True)
# Tokens, and the microsecond they were counted at.
Kept = tuple[float, int]


def take(
    client: Redis,
    buckets: Sequence[Bucket],
    *,
    counted_as: str | None = None,
    pepper: bytes = b"",
    now_us: int = 0,
) -> Verdict:
    """Takes its cost from every bucket, or nothing from any; one round trip.

    What is allowed counts as an arrival of this second in the load counter `counted_as` (load.ARRIVALS).
    `pepper` is a secret all processes share: with it the hashed keys cannot be guessed back.
    Raises: RedisError.
    """
    if too_dear := find_too_dear(buckets):
        return too_dear
    keys = [bucket_key(bucket, pepper=pepper) for bucket in buckets]
    kept_seconds = 0
    if counted_as is not None:
        keys.append(counted_as)
        kept_seconds = COUNTS_KEPT_SECONDS
    head: list[float] = [now_us, SLACK_MS, 0, kept_seconds]
    tail = [x for b in buckets for x in (b.rate.per_second, b.rate.burst, b.cost)]
    allowed, place, wait_ms = scripts.run(client, TAKE, keys=keys, args=head + tail)
    if allowed:
        return ALLOWED
    return Verdict(allowed=False, who=buckets[place - 1].name, wait_ms=wait_ms)


def find_too_dear(buckets: Sequence[Bucket]) -> Verdict | None:
    """The refusal of what no wait would help."""
    names = (bucket.name for bucket in buckets if bucket.cost > bucket.rate.burst)
    name = next(names, None)
    return None if name is None else Verdict(allowed=False, who=name)


def bucket_key(bucket: Bucket, *, pepper: bytes) -> str:
    """Whose bucket it is cannot be read from its key: addresses are personal data."""
    secret = (
        pepper if len(pepper) <= hashlib.blake2b.MAX_KEY_SIZE else hashlib.blake2b(pepper).digest()
    )
    digest = hashlib.blake2b(bucket.key.encode(), key=secret, digest_size=16)
    return f"{PREFIX}:{bucket.name}:{digest.hexdigest()}"


class Limiter:
    """`take` for a process that must answer without Redis too, then with its `processes`-th part of the rates.

    `fallbacks` counts the messages judged without Redis. `count_here` is called for each of them that is
    allowed and counted: load.HERE.count.
    """

    def __init__(
        self,
        client: Redis,
        *,
        processes: int = 1,
        pepper: bytes = b"",
        count_here: Callable[[], None] | None = None,
    ) -> None:
        self.client = client
        self.processes = processes
        self.pepper = pepper
        self.count_here = count_here
        self.fallbacks = 0
        self.here = Here()
        self.lock = threading.Lock()

    def take(self, buckets: Sequence[Bucket], *, counted_as: str | None = None) -> Verdict:
        """As the function `take`, but never raises."""
        return scripts.ask(
            self.client,
            lambda: take(self.client, buckets, counted_as=counted_as, pepper=self.pepper),
            otherwise=lambda: self.take_here(buckets, counted=counted_as is not None),
        )

    def count(self, counter: str) -> None:
        """Counts an arrival of this second in `counter`, which is load.ARRIVALS; never raises."""
        scripts.ask(
            self.client,
            lambda: take(self.client, [], counted_as=counter),
            otherwise=self.counted_here,
        )

    def counted_here(self) -> Verdict:
        if self.count_here:
            self.count_here()
        return ALLOWED

    def take_here(self, buckets: Sequence[Bucket], *, counted: bool) -> Verdict:
        with self.lock:
            self.fallbacks += 1
        shares = [part_of(bucket, processes=self.processes) for bucket in buckets]
        verdict = find_too_dear(buckets) or self.here.take(shares, now_us=scripts.here_us())
        return self.counted_here() if verdict.allowed and counted else verdict


def part_of(bucket: Bucket, *, processes: int) -> Bucket:
    """This process's share of a bucket, which holds enough for one message all the same."""
    burst = max(bucket.cost, bucket.rate.burst / processes)
    return replace(bucket, rate=Rate(bucket.rate.per_second / processes, burst))


class Here:
    """The buckets of this process alone. Past HERE_MAX the ones longest unused are forgotten."""

    def __init__(self) -> None:
        self.kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
        self.lock = threading.Lock()

    def take(self, buckets: Sequence[Bucket], *, now_us: int) -> Verdict:
        with self.lock:
            kept = [self.kept.get((bucket.name, bucket.key)) for bucket in buckets]
            verdict, after = spend(kept, buckets=buckets, now_us=now_us)
            for bucket, value in zip(buckets, after, strict=True):
                self.kept[bucket.name, bucket.key] = value
                self.kept.move_to_end((bucket.name, bucket.key))
            while len(self.kept) > HERE_MAX:
                self.kept.popitem(last=False)
        return verdict


def spend(
    kept: Sequence[Kept | None], *, buckets: Sequence[Bucket], now_us: int
) -> tuple[Verdict, list[Kept]]:
    """The verdict on buckets that were left as `kept`, and how it leaves them. The rule of TAKE."""
    before = [
        value or (bucket.rate.burst, now_us) for value, bucket in zip(kept, buckets, strict=True)
    ]
    tokens = [refilled(b, rate=x.rate, now_us=now_us) for b, x in zip(before, buckets, strict=True)]
    waits = [wait_for(bucket, tokens=have) for bucket, have in zip(buckets, tokens, strict=True)]
    longest = max(waits, default=0)
    if longest > 0:
        who = buckets[waits.index(longest)].name
        verdict = Verdict(allowed=False, who=who, wait_ms=longest)
        return verdict, [(have, min(at, now_us)) for have, at in before]
    after = [min(x.rate.burst, have - x.cost) for x, have in zip(buckets, tokens, strict=True)]
    return ALLOWED, [(have, now_us) for have in after]


def refilled(kept: Kept, *, rate: Rate, now_us: int) -> float:
    tokens, at = kept
    return min(rate.burst, tokens + max(0, now_us - at) * rate.per_second / MICROSECONDS)


def wait_for(bucket: Bucket, *, tokens: float) -> int:
    """Milliseconds until the bucket holds what is asked of it."""
    if tokens >= bucket.cost:
        return 0
    return math.ceil((bucket.cost - tokens) / bucket.rate.per_second * 1000)


@dataclass(frozen=True, slots=True)
class TokenWindow:
    """What an endpoint may take a minute over all processes; `per_minute` 0: no limit."""

    endpoint: str
    per_minute: int

    def reserve(self, client: Redis, tokens: int, *, now_us: int = 0) -> bool:
        """Takes the estimate of a call; False when the minute has not that much left. Redis away: True."""
        if self.per_minute <= 0:
            return True
        if tokens > self.per_minute:
            return False
        return scripts.ask(
            client,
            lambda: self._spend(client, tokens, forced=0, now_us=now_us),
            otherwise=lambda: True,
        )

    def settle(self, client: Redis, *, reserved: int, actual: int, now_us: int = 0) -> None:
        """Gives back what a call did not use, or takes what it used beyond: that may leave a debt."""
        if self.per_minute > 0 and actual != reserved:
            scripts.ask(
                client,
                lambda: self._spend(client, actual - reserved, forced=1, now_us=now_us),
                otherwise=lambda: False,
            )

    def _spend(self, client: Redis, tokens: int, *, forced: int, now_us: int) -> bool:
        args: list[float] = [now_us, TOKENS_SLACK_MS, forced, 0]
        args += [self.per_minute / 60, self.per_minute, tokens]
        return bool(scripts.run(client, TAKE, keys=[tokens_key(self.endpoint)], args=args)[0])


def tokens_key(endpoint: str) -> str:
    return f"{TOKENS_PREFIX}:{endpoint}"


def tokens_left(stored: Sequence[Any], *, per_minute: int, now_us: int) -> int | None:
    """What is left of the minute by the fields `tokens` and `at` of its key; None without a limit."""
    if per_minute <= 0:
        return None
    if stored[0] is None:
        return per_minute
    kept = (float(stored[0]), int(stored[1]))
    return math.floor(refilled(kept, rate=Rate(per_minute / 60, per_minute), now_us=now_us))


# --- whose address it is ---------------------------------------------------------------------------

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_address(peer: str, *, forwarded_for: str | None, trusted: tuple[Network, ...]) -> str:
    """Who sent the request: the right-most hop of X-Forwarded-For that is none of our proxies.

    Only a proxy in `trusted` is believed about the hop before it, so what a client writes there itself
    changes nothing. A part that is no address ends the walk at the hop that wrote it.
    """
    address = read_address(peer)
    if address is None or not is_in(trusted, address=address):
        return peer
    for part in reversed((forwarded_for or "").split(",")):
        hop = read_address(part)
        if hop is None:
            break
        address = hop
        if not is_in(trusted, address=address):
            break
    return str(address)


def ip_key(address: str) -> str:
    """What an address is limited as: IPv6 by its /64, since whoever has one address there has them all."""
    read = read_address(address)
    if read is None:
        return UNKNOWN_ADDRESS
    if isinstance(read, IPv4Address):
        return str(read)
    return str(IPv6Network((int(read), 64), strict=False))


def read_address(text: str) -> Address | None:
    """The address in "1.2.3.4", "1.2.3.4:5678", "::1" or "[::1]:5678"; an IPv4 one however it is wrapped."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        read = ip_address(text)
    except ValueError:
        return None
    return (read.ipv4_mapped or read) if isinstance(read, IPv6Address) else read


def is_in(networks: tuple[Network, ...], *, address: Address) -> bool:
    return any(address in network for network in networks)
