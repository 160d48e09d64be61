"""Which endpoints are better left alone for now: one circuit breaker per endpoint over all processes.

The gateway reports calls and takes probes, board reads the states, the admin resets.

closed      calls go through and are counted; too many failures open it
open        nobody calls until its time is over
half_open   one call, the probe, decides whether it closes or opens again for twice as long
"""

import threading
from dataclasses import dataclass, replace
from typing import Literal

from redis import Redis

from prompts.llm import scripts
from prompts.llm.features import Breaker
from prompts.llm.scripts import MICROSECONDS, TAG

PREFIX = f"breaker:{TAG}"
SHUT_SECONDS = 600.0
# What is left of an endpoint nobody asks any more goes after a day.
FORGOTTEN_MS = 86_400_000

# The rules are those of `advance`; one script, so that two processes never both get the probe.
# KEYS: the breaker. ARGV: time, kind and value of the event, the policy as `arguments` gives it, ms to keep.
# Returns whether a probe was granted, the time, and when the opening ends (0: closed).
ADVANCE = """
local key, now, kind, value = KEYS[1], now_us(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local bucket_us, buckets = tonumber(ARGV[4]), tonumber(ARGV[5])
local min_calls, share = tonumber(ARGV[6]), tonumber(ARGV[7])
local open_us, open_max_us = tonumber(ARGV[8]), tonumber(ARGV[9])
local probe_us, last_resort_us = tonumber(ARGV[10]), tonumber(ARGV[11])

local kept = redis.call('HMGET', key, 'until', 'held', 'length', 'probe', 'window')
local till, held = tonumber(kept[1]) or 0, tonumber(kept[2]) or 0
local length, probe = tonumber(kept[3]) or 0, tonumber(kept[4]) or 0
local window, granted = kept[5] or '', 0

local function open(for_us)
  till, length, probe, window = math.max(till, now + for_us), for_us, 0, ''
end

local function count(failed)
  local slot, entries = math.floor(now / bucket_us), {}
  for s, c, f in string.gmatch(window, '(%d+) (%d+) (%d+)') do
    s = tonumber(s)
    if s > slot - buckets and s <= slot then
      entries[#entries + 1] = {s, tonumber(c), tonumber(f)}
    end
  end
  if #entries == 0 or entries[#entries][1] ~= slot then entries[#entries + 1] = {slot, 0, 0} end
  local last = entries[#entries]
  last[2], last[3] = last[2] + 1, last[3] + failed
  local calls, failures, parts = 0, 0, {}
  for i, entry in ipairs(entries) do
    calls, failures = calls + entry[2], failures + entry[3]
    parts[i] = whole(entry[1]) .. ' ' .. whole(entry[2]) .. ' ' .. whole(entry[3])
  end
  window = table.concat(parts, ' ')
  if calls >= min_calls and failures >= share * calls then open(open_us) end
end

if kind == 'report' and till == 0 then
  count(1 - value)
elseif kind == 'report' and probe > now and value == 1 then
  till, held, length, probe, window = 0, 0, 0, 0, ''
elseif kind == 'report' and probe > now then
  open(math.min(open_max_us, length > 0 and 2 * length or open_us))
elseif kind == 'hold' then
  held = math.max(held, now + value)
  till, probe = math.max(till, held), 0
elseif kind == 'probe' and till == 0 then
  granted = 1
elseif kind == 'probe' and probe <= now then
  local late = now >= till
  local desperate = value == 1 and now >= held and now - (till - length) >= last_resort_us
  if late or desperate then granted, probe = 1, now + probe_us end
end

if kind ~= 'look' then
  redis.call('HSET', key, 'until', whole(till), 'held', whole(held), 'length', whole(length),
    'probe', whole(probe), 'window', window)
  redis.call('PEXPIRE', key, whole(math.max(0, till - now) / 1000 + tonumber(ARGV[12])))
end
return {granted, whole(now), whole(till)}
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """Opens at `failure_share` of at least `min_calls` calls in the window, first for `open_seconds`.

    A probe that says nothing for `probe_seconds` is given to another. An open breaker lets a last-resort
    probe through once it has been open for `last_resort_seconds`.
    """

    window_seconds: float = 30.0
    bucket_seconds: float = 5.0
    min_calls: int = 10
    failure_share: float = 0.5
    open_seconds: float = 15.0
    open_max_seconds: float = 120.0
    probe_seconds: float = 60.0
    last_resort_seconds: float = 5.0


POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Event:
    """What happens to a breaker.

    report: 1 a call went well, 0 it failed · hold: microseconds the endpoint wants to be left alone ·
    probe: 1 as the last resort, 0 otherwise · look: nothing.
    """

    kind: Literal["report", "hold", "probe", "look"]
    value: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A breaker as kept; times in microseconds, 0: none.

    `till` when the opening ends, `held` until when the vendor asked to be left alone, `length` of the last
    opening after failures, `probe` until when a probe is out, `window` (bucket, calls, failures) oldest first.
    """

    till: int = 0
    held: int = 0
    length: int = 0
    probe: int = 0
    window: tuple[tuple[int, int, int], ...] = ()


def report(client: Redis, endpoint: str, *, ok: bool, policy: Policy = POLICY) -> Breaker:
    """Counts a call that ended, and returns the state it leaves.

    While the breaker is not closed only the probe's end counts: other calls that end then began before.
    """
    return _happen(client, endpoint, event=Event("report", int(ok)), policy=policy)[1]


def cool(client: Redis, endpoint: str, seconds: float) -> None:
    """Leaves the endpoint alone for at least `seconds`, as by Retry-After; a longer opening stays."""
    _happen(client, endpoint, event=Event("hold", _us(seconds)), policy=POLICY)


def shut(client: Redis, endpoint: str, seconds: float = SHUT_SECONDS) -> None:
    """Leaves the endpoint alone for long: its key or its quota does not open the door."""
    cool(client, endpoint, seconds)


def try_probe(
    client: Redis, endpoint: str, *, last_resort: bool = False, policy: Policy = POLICY
) -> bool:
    """Whether the caller may call the endpoint now: anyone while it is closed, one while it is half open.

    The one must report how it went. `last_resort` asks for the probe of an open breaker too, for when every
    endpoint is open; never of one that `cool` or `shut` holds.
    """
    event = Event("probe", int(last_resort))
    return _happen(client, endpoint, event=event, policy=policy)[0]


def state(client: Redis, endpoint: str) -> Breaker:
    return _happen(client, endpoint, event=Event("look"), policy=POLICY)[1]


def reset(client: Redis, endpoint: str) -> None:
    """Closes the breaker by hand and forgets its failures. Raises: RedisError."""
    HERE.forget(endpoint)
    client.delete(key(endpoint))


def key(endpoint: str) -> str:
    return f"{PREFIX}:{endpoint}"


def state_at(till: int, *, now_us: int) -> Breaker:
    """The word for an opening that ends at `till`."""
    if till == 0:
        return "closed"
    return "open" if now_us < till else "half_open"


def advance(record: Record, event: Event, *, policy: Policy, now: int) -> tuple[Record, bool]:
    """The record after the event, and whether a probe was granted. The rules of ADVANCE."""
    if event.kind == "report":
        return _reported(record, ok=bool(event.value), policy=policy, now=now), False
    if event.kind == "hold":
        held = max(record.held, now + event.value)
        return replace(record, till=max(record.till, held), held=held, probe=0), False
    if event.kind == "probe":
        return _probed(record, last_resort=bool(event.value), policy=policy, now=now)
    return record, False


def _reported(record: Record, *, ok: bool, policy: Policy, now: int) -> Record:
    if record.till == 0:
        return _counted(record, failed=int(not ok), policy=policy, now=now)
    if record.probe <= now:
        return record
    if ok:
        return Record()
    twice = 2 * record.length or _us(policy.open_seconds)
    return _opened(record, length=min(_us(policy.open_max_seconds), twice), now=now)


def _counted(record: Record, *, failed: int, policy: Policy, now: int) -> Record:
    slot = now // _us(policy.bucket_seconds)
    oldest = slot - _buckets(policy)
    window = [entry for entry in record.window if oldest < entry[0] <= slot]
    if not window or window[-1][0] != slot:
        window.append((slot, 0, 0))
    _, calls, failures = window[-1]
    window[-1] = (slot, calls + 1, failures + failed)
    calls, failures = (sum(entry[i] for entry in window) for i in (1, 2))
    if calls >= policy.min_calls and failures >= policy.failure_share * calls:
        return _opened(record, length=_us(policy.open_seconds), now=now)
    return replace(record, window=tuple(window))


def _opened(record: Record, *, length: int, now: int) -> Record:
    return replace(record, till=max(record.till, now + length), length=length, probe=0, window=())


def _probed(record: Record, *, last_resort: bool, policy: Policy, now: int) -> tuple[Record, bool]:
    if record.till == 0:
        return record, True
    opened_for = now - (record.till - record.length)
    desperate = last_resort and now >= record.held and opened_for >= _us(policy.last_resort_seconds)
    if record.probe > now or not (now >= record.till or desperate):
        return record, False
    return replace(record, probe=now + _us(policy.probe_seconds)), True


class Here:
    """The breakers of this process alone, for as long as Redis is away."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.lock = threading.Lock()

    def happen(self, endpoint: str, event: Event, *, policy: Policy) -> tuple[bool, Breaker]:
        now = scripts.here_us()
        with self.lock:
            record = self.records.get(endpoint, Record())
            record, granted = advance(record, event, policy=policy, now=now)
            self.records[endpoint] = record
        return granted, state_at(record.till, now_us=now)

    def forget(self, endpoint: str) -> None:
        with self.lock:
            self.records.pop(endpoint, None)


HERE = Here()


def state_here(endpoint: str) -> Breaker:
    """The state as this process alone knows it."""
    return HERE.happen(endpoint, Event("look"), policy=POLICY)[1]


def happen_shared(
    client: Redis, endpoint: str, *, event: Event, policy: Policy, now_us: int = 0
) -> tuple[bool, Breaker]:
    """Whether a probe was granted, and the state after the event. Raises: RedisError."""
    args = [now_us, event.kind, event.value, *arguments(policy), FORGOTTEN_MS]
    granted, now, till = scripts.run(client, ADVANCE, keys=[key(endpoint)], args=args)
    return bool(granted), state_at(int(till), now_us=int(now))


def arguments(policy: Policy) -> list[float]:
    return [
        _us(policy.bucket_seconds),
        _buckets(policy),
        policy.min_calls,
        policy.failure_share,
        _us(policy.open_seconds),
        _us(policy.open_max_seconds),
        _us(policy.probe_seconds),
        _us(policy.last_resort_seconds),
    ]


def _happen(client: Redis, endpoint: str, *, event: Event, policy: Policy) -> tuple[bool, Breaker]:
    return scripts.ask(
        client,
        lambda: happen_shared(client, endpoint, event=event, policy=policy),
        otherwise=lambda: HERE.happen(endpoint, event, policy=policy),
    )


def _buckets(policy: Policy) -> int:
    return max(1, round(policy.window_seconds / policy.bucket_seconds))


def _us(seconds: float) -> int:
    return round(seconds * MICROSECONDS)
