"""`make bench-peak`, `python -m tests.bench.peak [--profile 80x30,10x30] [--enter 50,75,100] …`.

More messages than the platform can answer in full: who is still answered by which model, who waits, how the level of
load rises and falls, and that nothing is lost. A tenth of the visitors are VIPs. Writes var/reports/peak.json.
"""

import argparse
import json
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from chat.replay.dialogues import percentile
from tests.bench import usage
from tests.bench.crowd import departures, parse_profile
from tests.bench.report import shown, table
from tests.bench.run import describe_machine, difference_ms, say
from tests.bench.stack import (
    ROOT,
    BenchError,
    Platform,
    Prompted,
    running_platform,
    running_provider,
    three_vendors,
)
from tests.bench.staff import Row, Rows

REPORT = ROOT / "var" / "reports"
PATIENCE_SECONDS, DRAIN_SECONDS = 120.0, 120.0
SNAPSHOT_SECONDS = 6.0
KINDS = ("main", "light", "sop", "waited", "none")
TIERS = ("vip", "standard")
LIGHT = 1
QUEUE_LEVEL = 3
LIMITS = {
    "YINGDA_MESSAGES_PER_MINUTE": "600",
    "YINGDA_TURN_THREADS": "64",
    "YINGDA_DATABASE_POOL": "40",
}
# Everybody has the same usual model, so that who has another one has it because of the load.
POLICY = {"rules": [{"name": "usual", "when": {}, "effect": {"strength": "standard"}}]}
TURNS = """
    SELECT turn.id::text AS id, visitor.tier, turn.state, turn.not_before IS NOT NULL AS waited,
           decision->>'answered_by' AS endpoint, decision->>'cause' AS cause,
           (decision->'situation'->>'load_level')::int AS level,
           extract(epoch FROM turn.finished_at - turn.queued_at)::float * 1000 AS took_ms
    FROM chat_turn AS turn
    JOIN chat_conversation AS conversation ON conversation.id = turn.conversation_id
    JOIN chat_visitor AS visitor ON visitor.id = conversation.visitor_id
"""
OPEN_TURNS = "SELECT count(*) AS n FROM chat_turn WHERE state IN ('queued', 'running')"
UNANSWERED = """
    SELECT count(*) AS n FROM chat_message AS said WHERE role = 'visitor' AND NOT EXISTS (
        SELECT FROM chat_turn AS turn JOIN chat_message AS answer ON answer.turn_id = turn.id
        WHERE turn.conversation_id = said.conversation_id AND answer.role = 'bot'
          AND said.seq BETWEEN turn.first_seq AND turn.last_seq
    )
"""
CHOOSE_VIPS = """
    UPDATE chat_visitor SET tier = 'vip' WHERE id IN (
        SELECT id FROM (SELECT id, row_number() OVER (ORDER BY created_at) AS n FROM chat_visitor) AS all_of_them
        WHERE n %% 10 = 0
    )
"""


@dataclass(frozen=True, slots=True)
class Level:
    """What /metrics said `at` a second of the profile."""

    at: float
    level: int
    rate: float


@dataclass(frozen=True, slots=True)
class Message:
    """A message with what answered it; `level` is that of the decision."""

    at: float
    late: float
    acked: bool
    error: str | None
    tier: str
    kind: str
    level: int | None
    final_ms: float | None


def main() -> int:
    chosen = parse(sys.argv[1:])
    say(describe_machine())
    try:
        with running_provider() as provider_url:
            environment = {**three_vendors(provider_url), **LIMITS}
            with running_platform("daphne", environment=environment) as platform:
                found = measure(platform, chosen)
    except BenchError as error:
        say(str(error))
        return 1
    print_tables(found)
    write(found, chosen)
    return 0 if is_sound(found) else 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench.peak", description=__doc__)
    parser.add_argument("--profile", default="80x30,10x30", help="messages/s x seconds, …")
    parser.add_argument("--visitors", type=int, default=400)
    parser.add_argument("--enter", default="50,75,100", help="messages/s of LIGHT, SOP, QUEUE")
    parser.add_argument("--leave", default="40,60,80")
    parser.add_argument("--hold", type=float, default=10.0, help="seconds before a level is left")
    parser.add_argument("--name", default="peak", help="of the report")
    return parser.parse_args(arguments)


@dataclass(slots=True)
class Found:
    """Everything one run saw."""

    messages: list[Message]
    levels: list[Level]
    faults: dict[str, int]
    unanswered: int
    drained_seconds: float
    cpu_ms: dict[str, float]
    """Per message, by part."""


def measure(platform: Platform, chosen: argparse.Namespace) -> Found:
    times = departures(parse_profile(chosen.profile))
    crowd_words = ("--visitors", str(chosen.visitors), "--profile", chosen.profile)
    with (
        Rows(platform) as rows,
        Prompted("tests.bench.crowd", platform.url, *crowd_words) as crowd,
    ):
        crowd.wait_warm()
        prepare(rows, chosen)
        say(f"{len(times)} messages of {chosen.visitors} visitors")
        before = cpu_seconds(platform, crowd)
        with watched_levels(platform) as levels:
            sent = json.loads(crowd.measure(at_most_seconds=times[-1] + PATIENCE_SECONDS))["sent"]
            spent = cpu_seconds(platform, crowd)
            drained_seconds = drain(rows)
        faults = json.loads(crowd.measure(at_most_seconds=PATIENCE_SECONDS))
        return Found(
            messages=join(sent, rows),
            levels=levels,
            faults=faults,
            unanswered=rows.read(UNANSWERED)[0]["n"],
            drained_seconds=drained_seconds,
            cpu_ms=difference_ms(spent, before, per=len(times)),
        )


def cpu_seconds(platform: Platform, crowd: Prompted) -> dict[str, float]:
    return {**usage.cpu_seconds(platform.pid), "generator": crowd.cpu_seconds()}


def prepare(rows: Rows, chosen: argparse.Namespace) -> None:
    """Thresholds, the policy and who is a VIP; every process knows when it returns."""
    enter, leave = (
        [float(part) for part in text.split(",")] for text in (chosen.enter, chosen.leave)
    )
    rows.set_thresholds(enter, leave, hold_seconds=chosen.hold)
    rows.set_policy(POLICY)
    rows.change(CHOOSE_VIPS, {})
    time.sleep(SNAPSHOT_SECONDS)


def drain(rows: Rows) -> float:
    """Waits until no turn is left; seconds it took. Raises BenchError when some never end."""
    started = time.monotonic()
    while rows.read(OPEN_TURNS)[0]["n"]:
        if time.monotonic() - started > DRAIN_SECONDS:
            raise BenchError("turns that never end")
        time.sleep(0.25)
    return time.monotonic() - started


@contextmanager
def watched_levels(platform: Platform) -> Iterator[list[Level]]:
    """Reads /metrics twice a second into the list it gives."""
    found: list[Level] = []
    over = threading.Event()
    started = time.monotonic()

    def watch() -> None:
        with httpx.Client(timeout=30) as http:
            while not over.wait(0.5):
                text = http.get(f"{platform.url}/metrics").text
                found.append(read_level(text, at=time.monotonic() - started))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def read_level(text: str, *, at: float) -> Level:
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("yingda_"))
    level, rate = (
        float(values[f"yingda_{name}"]) for name in ("load_level", "requests_per_second")
    )
    return Level(round(at, 1), int(level), round(rate, 1))


# --- what came of the messages -----------------------------------------------------------------------


def join(sent: Sequence[dict[str, Any]], rows: Rows) -> list[Message]:
    turns = {turn["id"]: turn for turn in rows.read(TURNS)}
    strengths = {
        row["name"]: row["strength"]
        for row in rows.read("SELECT name, strength FROM prompts_modelendpoint")
    }
    return [as_message(each, turns.get(each["turn"]), strengths) for each in sent]


def as_message(sent: dict[str, Any], turn: Row | None, strengths: dict[str, int]) -> Message:
    waited = bool(turn and turn["waited"])
    return Message(
        at=sent["at"],
        late=sent["late"],
        acked=sent["acked"],
        error=sent["error"],
        tier=turn["tier"] if turn else "",
        kind=kind_of(turn, strengths),
        level=turn["level"] if turn else None,
        # Who waited saw a line that says so first; the answer's own time is in the rows.
        final_ms=turn["took_ms"] if turn and waited else sent["final_ms"],
    )


def kind_of(turn: Row | None, strengths: dict[str, int]) -> str:
    if turn is None or turn["state"] != "done" or not turn["endpoint"]:
        return "none"
    if turn["waited"]:
        return "waited"
    if turn["endpoint"] == "sop":
        return "sop"
    return "light" if strengths[turn["endpoint"]] == LIGHT else "main"


def is_sound(found: Found) -> bool:
    """Nothing lost or doubled, everything answered, and VIPs on the main model below the QUEUE level."""
    harmed = found.unanswered + sum(
        found.faults[name] for name in ("lost", "duplicated", "gaps", "never_arrived", "apologies")
    )
    return not harmed and not put_off(found.messages)


def put_off(messages: Sequence[Message]) -> int:
    """VIPs' messages that had less than the main model below the QUEUE level."""
    return sum(
        message.tier == "vip" and message.kind != "main" and (message.level or 0) < QUEUE_LEVEL
        for message in messages
    )


# --- tables ------------------------------------------------------------------------------------------


def print_tables(found: Found) -> None:
    print(f"\nBy second\n{second_table(found)}")
    print(f"\nBy tier\n{tier_table(found.messages)}")
    acked = sum(message.acked for message in found.messages)
    errors = dict(Counter(message.error for message in found.messages if message.error))
    late = percentile(sorted(message.late for message in found.messages), 99) or 0.0
    print(
        f"\nsent {len(found.messages)}, acked {acked}, unanswered {found.unanswered}, {found.faults}, errors {errors}"
        f"\nVIPs below QUEUE without the main model: {put_off(found.messages)}"
        f"\nthe generator was {late:.2f} s late at p99; all turns ended {found.drained_seconds:.1f} s after the last reply"
        f"\nCPU ms per message: {found.cpu_ms}, {sum(found.cpu_ms.values()):.1f} in all"
    )


def second_table(found: Found) -> str:
    by_second: dict[int, list[Message]] = defaultdict(list)
    for message in found.messages:
        by_second[int(message.at)].append(message)
    levels = {int(level.at): level for level in found.levels}
    lines = [
        second_cells(second, by_second.get(second, []), levels.get(second))
        for second in range(max([*by_second, *levels]) + 1)
    ]
    heads = [f"{tier} {kind}" for tier in TIERS for kind in KINDS]
    return table(("second", "level", "measured/s", "sent", *heads), lines)


def second_cells(second: int, messages: Sequence[Message], level: Level | None) -> tuple[str, ...]:
    counts = Counter((message.tier, message.kind) for message in messages)
    return (
        str(second),
        str(level.level) if level else "",
        shown(level.rate if level else None),
        str(len(messages)),
        *(str(counts[tier, kind] or "") for tier in TIERS for kind in KINDS),
    )


def tier_table(messages: Sequence[Message]) -> str:
    lines = []
    for tier in TIERS:
        mine = [message for message in messages if message.tier == tier]
        for kind in ("all", *KINDS):
            some = [message for message in mine if kind in ("all", message.kind)]
            lines.append((tier, kind, *time_cells(some, of=len(mine))))
    return table(("tier", "by", "messages", "share", "final p50 ms", "p99"), lines)


def time_cells(messages: Sequence[Message], *, of: int) -> tuple[str, ...]:
    times = sorted(message.final_ms for message in messages if message.final_ms is not None)
    share = len(messages) / of if of else 0.0
    return (
        str(len(messages)),
        shown(share, digits=3),
        shown(percentile(times, 50)),
        shown(percentile(times, 99)),
    )


def write(found: Found, chosen: argparse.Namespace) -> None:
    REPORT.mkdir(parents=True, exist_ok=True)
    path = REPORT / f"{chosen.name}.json"
    content = {"machine": describe_machine().splitlines()[0], "shape": vars(chosen)}
    path.write_text(json.dumps({**content, **asdict(found)}, ensure_ascii=False) + "\n")
    say(f"written to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
