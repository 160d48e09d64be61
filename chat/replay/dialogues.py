"""Reads dialogues, plays their customers' side with several visitors at a time, and checks what the server kept.

Called by `manage.py replay` through chat.replay.
"""

import asyncio
import gzip
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import httpx

from chat import protocol
from chat.replay.outcomes import Outcome
from chat.replay.visitor import REQUEST_SECONDS, ReplayError, Visitor

CUSTOMER_ROLES = {"user", "visitor", "customer"}
SERVER_LINES = 500
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Dialogue:
    id: str
    utterances: tuple[str, ...]
    skipped: int
    """Lines of the customer that no visitor could send: blank, too long, control characters."""


# --- reading ------------------------------------------------------------------------------------------


def load(file: BinaryIO, *, name: str) -> list[Dialogue]:
    """The dialogues of a JSONL file of `{id, turns: [{role, text}]}`, gzipped or not.

    Raises ReplayError naming the file and the line.
    """
    dialogues = []
    for number, raw in enumerate(lines_of(file, name=name), start=1):
        if raw.strip():
            try:
                dialogues.append(parse(raw, number=number))
            except (ValueError, RecursionError) as error:
                raise ReplayError(f"{name}, line {number}: {error}") from None
    if not dialogues:
        raise ReplayError(f"{name}: no dialogues")
    return dialogues


def lines_of(file: BinaryIO, *, name: str) -> Iterator[bytes]:
    try:
        head = file.read(2)
        rest = head + file.read()
        content = gzip.decompress(rest) if head == GZIP_MAGIC else rest
    except (OSError, EOFError) as error:
        raise ReplayError(f"{name}: {error}") from None
    return iter(content.split(b"\n"))


def parse(raw: bytes, *, number: int) -> Dialogue:
    """Raises ValueError that says what is wrong."""
    try:
        fields = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error})") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("turns"), list):
        raise ValueError('an object with a list "turns" is wanted')
    spoken = [check_turn(turn) for turn in fields["turns"]]
    said = [text for role, text in spoken if role in CUSTOMER_ROLES]
    sendable = tuple(text for text in said if is_sendable(text))
    return Dialogue(str(fields.get("id", number)), sendable, len(said) - len(sendable))


def check_turn(turn: object) -> tuple[str, str]:
    """Role and text of a turn. Raises ValueError."""
    if not isinstance(turn, dict):
        raise ValueError("a turn is not an object")
    role, text = turn.get("role"), turn.get("text")
    if not isinstance(role, str) or not isinstance(text, str):
        raise ValueError('a turn without the strings "role" and "text"')
    return role.lower(), text


def is_sendable(text: str) -> bool:
    try:
        protocol.check_text(text)
    except protocol.ProtocolError:
        return False
    return True


# --- playing ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Summary:
    """What a run saw; `line()` is the JSON line of docs/protocol.md §8 with fields added."""

    outcomes: list[Outcome] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    duplicated: int = 0
    lost: int = 0
    gaps: int = 0
    apologies: int = 0
    """Turns that failed: their visitors got an honest sentence instead of an answer."""
    skipped: int = 0
    dialogues: int = 0
    seconds: float = 0.0

    def count(self, fact: Callable[[Outcome], bool]) -> int:
        return sum(map(fact, self.outcomes))

    @property
    def is_clean(self) -> bool:
        """Everything sent was kept once and answered, by the bot or by waiting for a person."""
        served = self.count(lambda outcome: outcome.answered or outcome.with_person)
        faults = self.duplicated + self.lost + self.gaps + self.errors.total()
        return not faults and served == len(self.outcomes)

    def line(self, *, visitors: int) -> dict[str, Any]:
        ttft_ms = sorted(o.ttft_ms for o in self.outcomes if o.ttft_ms is not None)
        final_ms = sorted(o.final_ms for o in self.outcomes if o.final_ms is not None)
        return {
            "sent": len(self.outcomes),
            "acked": self.count(lambda outcome: outcome.acked),
            "answered": self.count(lambda outcome: outcome.answered),
            "duplicated": self.duplicated,
            "lost": self.lost,
            "ttft_ms_p50": percentile(ttft_ms, 50),
            "ttft_ms_p99": percentile(ttft_ms, 99),
            "final_ms_p50": percentile(final_ms, 50),
            "final_ms_p99": percentile(final_ms, 99),
            "with_person": self.count(lambda outcome: outcome.with_person),
            "apologies": self.apologies,
            "gaps": self.gaps,
            "errors": dict(self.errors),
            "skipped": self.skipped,
            "dialogues": self.dialogues,
            "visitors": visitors,
            "seconds": round(self.seconds, 2),
        }


def percentile(ordered: list[float], percent: float) -> float | None:
    """The nearest rank of values in ascending order; None of no values."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


class Pace:
    """Lets one message pass every 1/rate seconds, over all visitors; a rate of 0 lets all pass."""

    def __init__(self, rate: float) -> None:
        self.interval_seconds = 1 / rate if rate else 0.0
        self.next_at = 0.0

    async def turn(self) -> None:
        if self.interval_seconds:
            now = time.monotonic()
            at = max(now, self.next_at)
            self.next_at = at + self.interval_seconds
            await asyncio.sleep(at - now)


async def play(
    dialogues: Iterable[Dialogue],
    *,
    url: str,
    inbox: str,
    visitors: int,
    rate: float = 0.0,
    answer_seconds: float = 30.0,
    progress: Callable[[], object] = lambda: None,
) -> Summary:
    """Plays every dialogue with a visitor of its own, `visitors` at a time.

    `rate` is messages per second overall, 0 as fast as answers come; `progress` is called once per message.
    Raises ReplayError when the server cannot be reached.
    """
    summary = Summary()
    pace = Pace(rate)
    waiting = iter(dialogues)
    started = time.monotonic()
    limits = httpx.Limits(max_connections=visitors)
    async with httpx.AsyncClient(timeout=REQUEST_SECONDS, limits=limits) as http:
        await check_reachable(url, http=http)

        async def take_turns() -> None:
            for dialogue in waiting:
                visitor = Visitor(url, inbox, http=http, answer_seconds=answer_seconds)
                await play_one(dialogue, visitor, summary=summary, pace=pace, progress=progress)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(visitors):
                    group.create_task(take_turns())
        except* ReplayError as errors:
            raise ReplayError(str(first_of(errors))) from None
    summary.seconds = time.monotonic() - started
    return summary


async def check_reachable(url: str, *, http: httpx.AsyncClient) -> None:
    """Raises ReplayError at once, where a visitor would be patient."""
    try:
        (await http.get(f"{url.rstrip('/')}/healthz")).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ReplayError(f"cannot reach {url}: {str(error) or type(error).__name__}") from None


def first_of(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


async def play_one(
    dialogue: Dialogue,
    visitor: Visitor,
    *,
    summary: Summary,
    pace: Pace,
    progress: Callable[[], object],
) -> None:
    summary.skipped += dialogue.skipped
    summary.dialogues += 1
    if not dialogue.utterances:
        return
    outcomes = []
    async with visitor:
        for utterance in dialogue.utterances:
            await pace.turn()
            outcome = await visitor.send(utterance)
            outcomes.append(outcome)
            summary.outcomes.append(outcome)
            if outcome.error:
                summary.errors[outcome.error] += 1
            progress()
        check(outcomes, visitor.messages, await visitor.fetch(), summary=summary)
        summary.apologies += list(visitor.turn_states.values()).count("failed")


def check(
    outcomes: list[Outcome],
    seen: dict[int, dict[str, Any]],
    conversation: dict[str, Any],
    *,
    summary: Summary,
) -> None:
    """Compares what was sent with what the server keeps: each line once, no gap, one answer per turn."""
    rows: list[dict[str, Any]] = conversation["messages"]
    if len(rows) >= SERVER_LINES:
        # The server returns its newest lines only; for those before them, what was seen live counts.
        rows = [message for seq, message in sorted(seen.items()) if seq < rows[0]["seq"]] + rows
    seqs = Counter(row["seq"] for row in rows)
    lines = Counter(row["client_id"] for row in rows if row["role"] == "visitor")
    answers = Counter(row["turn_id"] for row in rows if row["role"] == "bot" and "turn_id" in row)
    summary.lost += sum(1 for outcome in outcomes if not lines[outcome.client_id])
    summary.duplicated += sum(
        (counted - Counter(counted.keys())).total() for counted in (lines, answers)
    )
    summary.gaps += conversation["seq"] - len(seqs) + (seqs - Counter(seqs.keys())).total()
