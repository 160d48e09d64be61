"""One request to the provider fake from its first byte to its last, for any wire.

`Provider` is the state that all requests of a server share; `Exchange` is the ASGI endpoint of one wire.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from random import Random

from starlette.types import Receive, Scope, Send

from tests.fakes.provider_brain import fingerprint, think
from tests.fakes.provider_compose import compose, prompt_tokens
from tests.fakes.provider_exam import Exam, check_exam
from tests.fakes.provider_faults import NO_RULE, Rule, Scenario, advertise_retry, check_rules
from tests.fakes.provider_latency import Latency, LatencyTable, Slots
from tests.fakes.provider_log import Entry, RequestLog
from tests.fakes.provider_playback import Connection, Ending, Playback, connection_of, play
from tests.fakes.provider_requests import MAX_BODY_BYTES
from tests.fakes.provider_types import (
    NO_FAULT,
    Ask,
    BadAskError,
    Delivery,
    Fault,
    FaultKind,
    Json,
    Problem,
    ProviderWire,
)

# Who gets one of these wants to see what a client makes of a tool call, so the model is made to call one.
_TOOL_FAULTS = {
    FaultKind.DUPLICATE_TOOL_FRAGMENTS,
    FaultKind.OUT_OF_ORDER_TOOL_FRAGMENTS,
    FaultKind.UNKNOWN_TOOL,
    FaultKind.BAD_TOOL_ARGUMENTS,
}


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
        self.exam = Exam()
        self.log.clear()

    def change(self, wanted: Json) -> None:
        """Apply a scenario: a list of rules, or `{"rules", "append", "latency", "slots", "exam"}` with only what
        changes.

        Raises: ValueError naming the field that is wrong; nothing is changed then.
        """
        if isinstance(wanted, list):
            wanted = {"rules": wanted}
        _check_scenario(wanted)
        rules = check_rules(wanted["rules"]) if "rules" in wanted else []
        exam = check_exam(wanted["exam"]) if "exam" in wanted else self.exam
        self.latency = self.latency.changed(wanted.get("latency", {}))
        self.exam = exam
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
    return {name: value for name, value in asdict(latency).items() if value is not None}


def _check_scenario(wanted: Json) -> None:
    known = {"rules", "append", "latency", "slots", "exam"}
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
        entry = log.open(raw, provider=self._wire.provider, path=scope["path"])
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
            playback = self._refuse(error.problem, entry)
            return await _play(playback, entry, connection=connection, send=send)
        slots = self._provider.slots
        if not await slots.enter(gone=connection.gone):
            return "client_closed"
        try:
            entry.queued_ms = (time.time() - entry.at) * 1000 if slots.limit else 0.0
            return await _play(self._prepare(ask, entry), entry, connection=connection, send=send)
        finally:
            slots.leave()

    def _refuse(self, problem: Problem, entry: Entry) -> Playback:
        reply = self._wire.error(problem, request_id=_request_id(entry))
        playback = Playback(reply.status, tail=reply.body, content_type=reply.content_type)
        return self._with_headers(playback, entry, NO_FAULT)

    def _prepare(self, ask: Ask, entry: Entry) -> Playback:
        """Think and compose; nothing is sent yet. Notes in `entry` what was decided."""
        provider, seed = self._provider, self._provider.options.seed
        rule, fault = self._choose(ask, entry)
        read = prompt_tokens(ask)
        if provider.exam.overflows(ask, tokens=read):
            fault = Fault(FaultKind.CONTEXT_OVERFLOW)
        entry.model, entry.stream, entry.fault = ask.model, ask.stream, fault.kind.value
        asked = _forced(ask) if fault.kind in _TOOL_FAULTS else ask
        answer = provider.exam.answer(ask, seed=seed) or think(
            asked, seed=seed, tokens=self._tokens(rule), scripted=rule.answer
        )
        serial = f"fake{entry.call}{entry.number}"
        playback = compose(
            ask,
            answer,
            Delivery(serial, _request_id(entry), int(entry.at), read),
            wire=self._wire,
            fault=fault,
            latency=provider.latency.of(ask.model).with_changes(
                ttft_ms=rule.ttft_ms,
                interval_ms=rule.interval_ms,
                jitter=rule.jitter,
                ttft_jitter=rule.jitter,
            ),
            draw=Random(fingerprint(ask, seed=seed) + entry.attempt),
        )
        return self._with_headers(playback, entry, fault)

    def _choose(self, ask: Ask, entry: Entry) -> tuple[Rule, Fault]:
        """The rule for this request and its fault; a suffix of the model's name goes before all rules."""
        if ask.fault.kind is not FaultKind.NONE:
            return NO_RULE, ask.fault
        scenario = self._provider.scenario
        rule = scenario.take(ask, provider=entry.provider, path=entry.path)
        return rule, rule.as_fault()

    def _tokens(self, rule: Rule) -> int:
        if rule.tokens is not None:
            return rule.tokens
        return 0 if rule.answer is not None else self._provider.options.tokens

    def _with_headers(self, playback: Playback, entry: Entry, fault: Fault) -> Playback:
        entry.ttft_ms, entry.total_ms = (
            playback.hold_ms + playback.ttft_ms,
            playback.hold_ms + playback.end_ms,
        )
        now = time.time()
        retry_headers, wait_seconds = advertise_retry(fault, now_seconds=now)
        entry.retry_at = now + wait_seconds if wait_seconds else 0.0
        timing = f"ttft={entry.ttft_ms:.1f};total={entry.total_ms:.1f};queued={entry.queued_ms:.1f}"
        named = (self._wire.request_id_header, _request_id(entry).encode())
        headers = [(b"x-fake-timing", timing.encode()), named, *retry_headers]
        return replace(playback, headers=headers)


def _request_id(entry: Entry) -> str:
    return f"req_fake{entry.number}"


def _forced(ask: Ask) -> Ask:
    return replace(ask, tool_choice="required") if ask.tool_choice == "auto" else ask


async def _play(playback: Playback, entry: Entry, *, connection: Connection, send: Send) -> str:
    entry.status = playback.status
    if not await play(playback, connection=connection, send=send):
        return "client_closed"
    if playback.status is not None and playback.status >= 400:
        return "refused"
    is_whole = playback.ending is Ending.COMPLETE and entry.fault == FaultKind.NONE.value
    return "answered" if is_whole else "faulty"


async def _read(receive: Receive) -> bytes | None:
    """The body of a request; None when the client left. A body beyond the limit is cut, but still beyond it."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= MAX_BODY_BYTES:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            return body
