"""An open loop: `python -m tests.bench.crowd URL --visitors N --profile 80x30,10x30`. Started by tests.bench.peak.

Messages leave at a given rate whether or not earlier ones were answered. It prints `warm`; at the first word on its
standard input it sends and prints what became of each message, at the second it compares with what the server kept.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass
from typing import Any

import httpx

from chat import replay
from chat.replay.dialogues import check
from tests.bench.load import QUESTIONS, connected

# Those who are told to wait hear of it within this time; how long they wait is read from the rows.
ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """`rate` messages a second for `seconds`."""

    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Sent:
    """A message: when it was to leave and how late it did, in seconds of the profile, and what became of it."""

    at: float
    late: float
    outcome: replay.Outcome

    def as_json(self) -> dict[str, Any]:
        found = self.outcome
        return {
            "at": round(self.at, 3),
            "late": round(self.late, 3),
            "turn": found.turn_id,
            "acked": found.acked,
            "ttft_ms": found.ttft_ms,
            "final_ms": found.final_ms,
            "error": found.error,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--visitors", type=int, required=True)
    parser.add_argument("--profile", type=parse_profile, required=True)
    chosen = parser.parse_args()
    asyncio.run(run(chosen.url, chosen.visitors, chosen.profile))


def parse_profile(text: str) -> list[Step]:
    """`80x30,10x30` is 80 a second for 30 seconds, then 10."""
    parts = (part.split("x") for part in text.split(","))
    return [Step(float(rate), float(seconds)) for rate, seconds in parts]


def departures(profile: list[Step]) -> list[float]:
    """When each message leaves, in seconds."""
    found, begins = [], 0.0
    for step in profile:
        found += [begins + number / step.rate for number in range(round(step.rate * step.seconds))]
        begins += step.seconds
    return found


async def run(url: str, visitors: int, profile: list[Step]) -> None:
    async with httpx.AsyncClient(timeout=60) as http:
        crowd = await connected(url, visitors, http)
        for visitor in crowd:
            visitor.answer_seconds = ANSWER_SECONDS
        # Who is a VIP follows from the order of arrival: the order of speaking must not.
        random.Random(1).shuffle(crowd)
        await word("warm")
        sent = await send_all(crowd, departures(profile))
        await word(json.dumps({"sent": [each.as_json() for each in sent]}))
        print(json.dumps(await compare(crowd, sent)), flush=True)
        await asyncio.gather(*(visitor.__aexit__() for visitor in crowd))


async def word(line: str) -> None:
    """Says a line and waits for one."""
    print(line, flush=True)
    await asyncio.to_thread(sys.stdin.readline)


async def send_all(crowd: list[replay.Visitor], times: list[float]) -> list[Sent]:
    started = time.perf_counter()
    tasks = []
    for number, at in enumerate(times):
        wait_seconds = started + at - time.perf_counter()
        if wait_seconds > 0:
            await asyncio.sleep(wait_seconds)
        visitor, question = crowd[number % len(crowd)], QUESTIONS[number % len(QUESTIONS)]
        tasks.append(asyncio.create_task(send(visitor, question, at, started)))
    return await asyncio.gather(*tasks)


async def send(visitor: replay.Visitor, question: str, at: float, started: float) -> Sent:
    late = time.perf_counter() - started - at
    return Sent(at, late, await visitor.send(question))


async def compare(crowd: list[replay.Visitor], sent: list[Sent]) -> dict[str, Any]:
    """What was lost, came twice or left a gap, by what the server keeps."""
    summary = replay.Summary()
    ids = {each.outcome.client_id: each.outcome for each in sent}
    for visitor in crowd:
        rows = await visitor.fetch()
        mine = {row["client_id"] for row in rows["messages"] if row["role"] == "visitor"}
        check([ids[one] for one in mine if one in ids], visitor.messages, rows, summary=summary)
        summary.apologies += list(visitor.turn_states.values()).count("failed")
        for one in mine:
            ids.pop(one, None)
    return {
        "lost": sum(outcome.acked for outcome in ids.values()),
        "never_arrived": sum(not outcome.acked for outcome in ids.values()),
        "duplicated": summary.duplicated,
        "gaps": summary.gaps,
        "apologies": summary.apologies,
        "connections": sum(visitor.connections for visitor in crowd),
    }


if __name__ == "__main__":
    main()
