"""One request to the provider fake from its first byte to its last, for any wire.

`Provider` is the state that all requests of a server share; `Exchange` is the ASGI endpoint of one wire.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from starlette.types import Receive, Scope, Send

from tests.fakes.provider_brain import fingerprint, think
from tests.fakes.provider_compose import compose, prompt_tokens
from tests.fakes.provider_faults import NO_RULE, Rule, Scenario, advertise_retry, check_rules
from tests.fakes.provider_latency import Latency, LatencyTable, Slots
from tests.fakes.provider_log import Entry, RequestLog
from tests.fakes.provider_playback import Connection, Ending, Playback, connection_of, play
from tests.fakes.provider_types import (
    Ask,
    BadAskError,
    Delivery,
    Fault,
    FaultKind,
    Json,
    ProviderWire,
)

_MAX_BODY_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """How a provider fake behaves until a scenario says otherwise. `tokens` 0: the brain decides the length."""

    latency: Latency = field(default_factory=Latency)
    tokens: int = 0
    seed: int = 0
    slots: int = 0


class Provider:
    """Scenario, pace, places and log of one server."""

    def __init__(self, options: ProviderOptions) -> None:
        self.options = options
        self.scenario = Scenario(seed=options.seed)
        self.log = RequestLog(clock=time.time)
        self.reset()

    def reset(self) -> None:
        """Back to the options it was started with, with an empty log."""
        self.scenario.replace([])
        self.latency = LatencyTable(self.options.latency)
        self.slots = Slots(self.options.slots)
        self.log.clear()

    def change(self, wanted: Json) -> None:
        """Apply a scenario: a list of rules, or `{"rules", "append", "latency", "slots"}` with only what changes.

        Raises: ValueError naming the field that is wrong; nothing is changed then.
        """
        if isinstance(wanted, list):
            wanted = {"rules": wanted}
        _check_scenario(wanted)
        rules = check_rules(wanted["rules"]) if "rules" in wanted else []
        self.latency = self.latency.changed(wanted.get("latency", {}))
        if "slots" in wanted:
            self.slots = Slots(wanted["slots"])
        if wanted.get("append"):
            self.scenario.append(rules)
        elif "rules" in wanted:
            self.scenario.replace(rules)

    def as_json(self) -> dict[str, Json]:
        models = {name: _row(latency) for name, latency in self.latency.models.items()}
        latency = {"default": _row(self.latency.default), **models}
        return {"rules": self.scenario.as_json(), "latency": latency, "slots": self.slots.limit}


def _row(latency: Latency) -> dict[str, float]:
    return {
        "ttft_ms": latency.ttft_ms,
        "interval_ms": latency.interval_ms,
        "jitter": latency.jitter,
    }


def _check_scenario(wanted: Json) -> None:
    known = {"rules", "append", "latency", "slots"}
    if not isinstance(wanted, dict):
        raise ValueError("scenario: expected a list of rules or an object")
    if unknown := set(wanted) - known:
        raise ValueError(f"{min(unknown)}: unknown field; known are {', '.join(sorted(known))}")
    slots = wanted.get("slots", 0)
    if isinstance(slots, bool) or not isinstance(slots, int) or slots < 0:
        raise ValueError("slots: expected a whole number of at least 0")


class Exchange:
    """The ASGI endpoint that answers one wire's requests for completions."""

    def __init__(self, provider: Provider, wire: ProviderWire) -> None:
        self._provider, self._wire = provider, wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope["state"])
        raw = await _read(receive)
        if raw is None:
            return
        log = self._provider.log
        entry = log.open(raw)
        outcome = "client_closed"
        try:
            outcome = await self._answer(
                entry, raw, dict(scope["headers"]), connection=connection, send=send
            )
        finally:
            log.close(entry, outcome=outcome)

    async def _answer(
        self,
        entry: Entry,
        raw: bytes,
        headers: Mapping[bytes, bytes],
        *,
        connection: Connection,
        send: Send,
    ) -> str:
        try:
            ask = self._wire.parse(raw, headers=headers)
        except BadAskError as error:
            reply = error.reply
            playback = Playback(reply.status, tail=reply.body, content_type=reply.content_type)
            return await _play(playback, entry, connection=connection, send=send)
        slots = self._provider.slots
        if not await slots.enter(gone=connection.gone):
            return "client_closed"
        try:
            entry.queued_ms = (time.time() - entry.at) * 1000 if slots.limit else 0.0
            return await _play(self._prepare(ask, entry), entry, connection=connection, send=send)
        finally:
            slots.leave()

    def _prepare(self, ask: Ask, entry: Entry) -> Playback:
        """Think and compose; nothing is sent yet. Notes in `entry` what was decided."""
        provider = self._provider
        rule = NO_RULE if ask.fault.kind is not FaultKind.NONE else provider.scenario.take(ask)
        fault = ask.fault if rule is NO_RULE else rule.as_fault()
        entry.model, entry.stream, entry.fault = ask.model, ask.stream, fault.kind.value
        seed = provider.options.seed
        answer = think(ask, seed=seed, tokens=self._tokens(rule), scripted=rule.answer)
        draw = Random(fingerprint(ask, seed=seed) + entry.attempt)
        delivery = Delivery(
            f"chatcmpl-fake{entry.call}{entry.number}", int(entry.at), prompt_tokens(ask)
        )
        latency = provider.latency.of(ask.model).with_changes(
            ttft_ms=rule.ttft_ms, interval_ms=rule.interval_ms, jitter=rule.jitter
        )
        playback = compose(
            ask, answer, delivery, wire=self._wire, fault=fault, latency=latency, draw=draw
        )
        return _with_headers(playback, entry, fault)

    def _tokens(self, rule: Rule) -> int:
        if rule.tokens is not None:
            return rule.tokens
        return 0 if rule.answer is not None else self._provider.options.tokens


def _with_headers(playback: Playback, entry: Entry, fault: Fault) -> Playback:
    entry.ttft_ms, entry.total_ms = (
        playback.hold_ms + playback.ttft_ms,
        playback.hold_ms + playback.end_ms,
    )
    now = time.time()
    retry_headers, wait_seconds = advertise_retry(fault, now_seconds=now)
    entry.retry_at = now + wait_seconds if wait_seconds else 0.0
    timing = f"ttft={entry.ttft_ms:.1f};total={entry.total_ms:.1f};queued={entry.queued_ms:.1f}"
    own = [(b"x-fake-timing", timing.encode()), (b"x-request-id", b"req_fake%d" % entry.number)]
    return replace(playback, headers=[*own, *retry_headers])


async def _play(playback: Playback, entry: Entry, *, connection: Connection, send: Send) -> str:
    entry.status = playback.status
    if not await play(playback, connection=connection, send=send):
        return "client_closed"
    if playback.status is not None and playback.status >= 400:
        return "refused"
    is_whole = playback.ending is Ending.COMPLETE and entry.fault == FaultKind.NONE.value
    return "answered" if is_whole else "faulty"


async def _read(receive: Receive) -> bytes | None:
    """The body of a request; None when the client left. A body beyond the limit is cut, so it fails to parse."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) < _MAX_BODY_BYTES:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            return body
