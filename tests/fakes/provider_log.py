"""What clients asked of the provider fake and how they behaved: the last 1,000 requests with verdicts.

Requests to one provider with the same body are attempts of one call. Two verdicts are faults of the client: coming back before
Retry-After, and after an error that cannot pass. `closed_early` is a plain fact: right after a hang, wrong otherwise.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.provider_types import FaultKind, Json

KEPT_REQUESTS = 1000
_KEPT_BODY_BYTES = 256 * 1024
_RETRYABLE_4XX = {408, 409, 429}

RETRY_BEFORE_RETRY_AFTER = "retry_before_retry_after"
RETRY_ON_4XX = "retry_on_4xx"
CLOSED_EARLY = "closed_early"


@dataclass(slots=True)
class Entry:
    """One request. `outcome` is open, answered, faulty, refused or client_closed; `at` is seconds since the epoch."""

    number: int
    at: float
    provider: str
    path: str
    call: str
    attempt: int
    raw: bytes
    model: str = ""
    stream: bool = False
    fault: str = FaultKind.NONE.value
    status: int | None = None
    outcome: str = "open"
    queued_ms: float = 0.0
    ttft_ms: float = 0.0
    total_ms: float = 0.0
    retry_at: float = 0.0
    verdicts: list[str] = field(default_factory=list)

    @property
    def must_not_be_retried(self) -> bool:
        status = self.status or 0
        quota = self.fault == FaultKind.INSUFFICIENT_QUOTA.value
        return 400 <= status < 500 and (status not in _RETRYABLE_4XX or quota)

    def as_json(self) -> dict[str, Json]:
        names = ("number", "at", "provider", "path", "call", "attempt", "model", "stream", "fault")
        times = ("status", "outcome", "queued_ms", "ttft_ms", "total_ms", "verdicts")
        return {name: getattr(self, name) for name in (*names, *times)} | {
            "body": _decoded(self.raw)
        }


class RequestLog:
    """Opened with the first byte of a request, closed with the last of its reply. `clock` gives epoch seconds."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT_REQUESTS)
        self._last_of_call: dict[str, Entry] = {}
        self._seen = 0
        self._open = 0
        self._peak_open = 0

    def open(self, raw: bytes, *, provider: str, path: str) -> Entry:
        """Note a request and judge it against the attempt before it, if that one failed."""
        call = hashlib.blake2b(raw, digest_size=8, key=provider.encode()).hexdigest()
        before = self._last_of_call.pop(call, None)
        is_retry = before is not None and before.outcome != "answered"
        self._seen += 1
        entry = Entry(self._seen, self._clock(), provider, path, call, 1, raw[:_KEPT_BODY_BYTES])
        if before is not None and is_retry:
            entry.attempt = before.attempt + 1
            entry.verdicts += _judge(before, entry)
        self._remember(entry)
        return entry

    def close(self, entry: Entry, *, outcome: str) -> None:
        entry.outcome = outcome
        if outcome == "client_closed":
            entry.verdicts.append(CLOSED_EARLY)
        self._open = max(0, self._open - 1)

    def as_json(self, *, limit: int = KEPT_REQUESTS) -> dict[str, Json]:
        """`{"summary": {...}, "requests": [oldest, ...]}` with at most the last `limit` requests."""
        entries = list(self._entries)
        verdicts = Counter(verdict for entry in entries for verdict in entry.verdicts)
        outcomes = Counter(entry.outcome for entry in entries)
        summary = {"seen": self._seen, "open": self._open, "peak_open": self._peak_open}
        shown = [entry.as_json() for entry in entries[max(0, len(entries) - limit) :]]
        return {
            "summary": {**summary, "outcomes": outcomes, "verdicts": verdicts},
            "requests": shown,
        }

    def _remember(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._last_of_call[entry.call] = entry
        while len(self._last_of_call) > KEPT_REQUESTS:
            del self._last_of_call[next(iter(self._last_of_call))]
        self._open += 1
        self._peak_open = max(self._peak_open, self._open)


def _judge(before: Entry, entry: Entry) -> list[str]:
    verdicts = []
    if entry.at < before.retry_at:
        verdicts.append(RETRY_BEFORE_RETRY_AFTER)
    if before.must_not_be_retried:
        verdicts.append(RETRY_ON_4XX)
    return verdicts


def _decoded(raw: bytes) -> Json:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")
