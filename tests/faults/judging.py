"""What must hold after every fault, judged by what a client can see: nothing lost, nothing twice, no one waiting."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from chat.replay.outcomes import Outcome
from chat.replay.visitor import Visitor

Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of one scenario. `seconds` is the longest anyone waited from the fault on for an answer."""

    fault: str
    seconds: float
    limit_seconds: float
    lost: int
    duplicated: int
    complaints: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        in_time = self.seconds <= self.limit_seconds
        return in_time and not (self.lost or self.duplicated or self.complaints)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


async def judge(
    fault: str,
    played: Sequence[tuple[Visitor, Sequence[Outcome]]],
    *,
    seconds: float,
    limit_seconds: float,
    complaints: Iterable[str] = (),
) -> Verdict:
    """Holds the server's rows against what its visitors sent and saw."""
    lost = duplicated = 0
    found = list(complaints)
    for visitor, outcomes in played:
        rows = (await visitor.fetch())["messages"]
        lost += count_lost(rows, outcomes)
        duplicated += count_duplicated(rows)
        found += disorders(rows) + differences(visitor, rows)
    return Verdict(fault, round(seconds, 2), limit_seconds, lost, duplicated, tuple(found))


def count_lost(rows: Sequence[Frame], outcomes: Sequence[Outcome]) -> int:
    """Lines that were acked and have no row or no answer, and lines that were never acked."""
    kept = {row["client_id"] for row in rows if row["role"] == "visitor"}
    return sum(o.client_id not in kept or not o.answered for o in outcomes)


def count_duplicated(rows: Sequence[Frame]) -> int:
    """Rows that stand there a second time: a line of a visitor, or an answer of a turn."""
    lines = Counter(row["client_id"] for row in rows if row["role"] == "visitor")
    answers = Counter(row["turn_id"] for row in rows if row["role"] == "bot")
    return sum(count - 1 for counts in (lines, answers) for count in counts.values())


def disorders(rows: Sequence[Frame]) -> list[str]:
    seqs = [row["seq"] for row in rows]
    return [] if seqs == list(range(1, len(rows) + 1)) else [f"seq is not gapless: {seqs}"]


def differences(visitor: Visitor, rows: Sequence[Frame]) -> list[str]:
    """What the client holds must be what the server holds."""
    held = [visitor.messages[seq] for seq in sorted(visitor.messages)]
    same = [(m["seq"], m["id"]) for m in held] == [(row["seq"], row["id"]) for row in rows]
    return [] if same else [f"the client holds {len(held)} lines, the server {len(rows)}"]


def pushed_answers(visitor: Visitor, turn_id: str | None) -> list[Frame]:
    """The `message` frames of a turn's answer, as the socket brought them."""
    frames = [f for f in visitor.frames if f["type"] == "message" and f["role"] == "bot"]
    return [frame for frame in frames if frame.get("turn_id") == turn_id]
