"""The load generator: `python -m tests.bench.load TARGET URL --visitors N --seconds S`. Started by tests.bench.stack.

A closed loop: each visitor asks, waits for the whole answer, asks again. It prints `warm`, waits for a line on its
standard input, measures, prints one JSON line.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import ssl
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from chat import replay
from chat.replay.dialogues import check

QUESTIONS = (
    "我的订单怎么还没到?",
    "这件衣服可以退货吗,要自己出运费吗?",
    "发票怎么开",
    "优惠券用不了是怎么回事?",
    "帮我催一下物流",
    "收到的杯子是碎的,怎么办",
    "能换个大一码的吗",
    "退款什么时候到账?",
)
MODEL = "bench"
SPREAD_SECONDS = 0.5


@dataclass(slots=True)
class Tally:
    """Milliseconds of each answer, and what went wrong."""

    ttft_ms: list[float] = field(default_factory=list)
    final_ms: list[float] = field(default_factory=list)
    in_window: int = 0
    failed: int = 0

    def add(self, ttft_ms: float, final_ms: float, *, in_window: bool) -> None:
        self.ttft_ms.append(round(ttft_ms, 2))
        self.final_ms.append(round(final_ms, 2))
        self.in_window += in_window


Ask = Callable[[str], Awaitable[tuple[float, float] | None]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=["raw", "sdk", "yingda", "idle"])
    parser.add_argument("url")
    parser.add_argument("--visitors", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    chosen = parser.parse_args()
    result = asyncio.run(TARGETS[chosen.target](chosen.url, chosen.visitors, chosen.seconds))
    print(json.dumps(result), flush=True)


async def run(asks: list[Ask], seconds: float) -> dict[str, Any]:
    """Warms up with one answer each, waits for the word, then measures."""
    tally = Tally()
    await asyncio.gather(*(ask(QUESTIONS[0]) for ask in asks))
    await wait_for_the_word()
    # The rate is counted once all visitors have begun.
    starting = time.perf_counter() + SPREAD_SECONDS
    window = (starting, starting + seconds)
    await asyncio.gather(*(loop(ask, n, window, tally) for n, ask in enumerate(asks)))
    return {
        "seconds": seconds,
        "answers": len(tally.final_ms),
        "answers_per_second": round(tally.in_window / seconds, 2),
        "failed": tally.failed,
        "ttft_ms": sorted(tally.ttft_ms),
        "final_ms": sorted(tally.final_ms),
    }


async def wait_for_the_word() -> None:
    print("warm", flush=True)
    await asyncio.to_thread(sys.stdin.readline)


async def loop(ask: Ask, number: int, window: tuple[float, float], tally: Tally) -> None:
    # Visitors do not ask in step.
    await asyncio.sleep(number * 37 % 50 / 50 * SPREAD_SECONDS)
    for question in itertools.islice(itertools.cycle(QUESTIONS), number, None):
        took_ms = await ask(question)
        now = time.perf_counter()
        if took_ms is None:
            tally.failed += 1
        else:
            tally.add(*took_ms, in_window=window[0] <= now <= window[1])
        if now > window[1]:
            return


# --- the direct stream -------------------------------------------------------------------------------


def body(question: str) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": question}], "stream": True}


async def raw(url: str, visitors: int, seconds: float) -> dict[str, Any]:
    """The stream as bytes: the least a client can do. A client each: a shared pool has its own queues."""
    context = ssl.create_default_context()
    headers = {"Authorization": "Bearer demo"}
    async with contextlib.AsyncExitStack() as stack:
        asks = []
        for _ in range(visitors):
            client = httpx.AsyncClient(headers=headers, timeout=60, verify=context)
            asks.append(asking_raw(await stack.enter_async_context(client), url))
        return await run(asks, seconds)


def asking_raw(client: httpx.AsyncClient, url: str) -> Ask:
    async def ask(question: str) -> tuple[float, float] | None:
        started = time.perf_counter()
        first = None
        async with client.stream("POST", f"{url}/chat/completions", json=body(question)) as reply:
            async for chunk in reply.aiter_bytes():
                if first is None and b'"content":"' in chunk.replace(b'"content":""', b""):
                    first = time.perf_counter()
        return elapsed_ms(started, first)

    return ask


async def sdk(url: str, visitors: int, seconds: float) -> dict[str, Any]:
    """The stream through the vendor's client."""
    import openai  # a slow library, wanted by this target only

    client = openai.AsyncOpenAI(base_url=url, api_key="demo", max_retries=0)

    async def ask(question: str) -> tuple[float, float] | None:
        started = time.perf_counter()
        first = None
        stream = await client.chat.completions.create(**body(question))
        async for chunk in stream:
            if first is None and chunk.choices and chunk.choices[0].delta.content:
                first = time.perf_counter()
        return elapsed_ms(started, first)

    async with client:
        return await run([ask] * visitors, seconds)


def elapsed_ms(started: float, first: float | None) -> tuple[float, float] | None:
    if first is None:
        return None
    return (first - started) * 1000, (time.perf_counter() - started) * 1000


# --- through the platform ----------------------------------------------------------------------------


async def yingda(url: str, visitors: int, seconds: float) -> dict[str, Any]:
    """Visitors on sockets; afterwards each conversation is compared with what the server kept."""
    async with httpx.AsyncClient(timeout=60) as http:
        crowd = await connected(url, visitors, http)
        outcomes: dict[replay.Visitor, list[replay.Outcome]] = {visitor: [] for visitor in crowd}

        def asking(visitor: replay.Visitor) -> Ask:
            async def ask(question: str) -> tuple[float, float] | None:
                outcome = await visitor.send(question)
                outcomes[visitor].append(outcome)
                if outcome.ttft_ms is None or outcome.final_ms is None:
                    return None
                return outcome.ttft_ms, outcome.final_ms

            return ask

        result = await run([asking(visitor) for visitor in crowd], seconds)
        summary = replay.Summary()
        for visitor, seen in outcomes.items():
            check(seen, visitor.messages, await visitor.fetch(), summary=summary)
            summary.apologies += list(visitor.turn_states.values()).count("failed")
        await asyncio.gather(*(visitor.__aexit__() for visitor in crowd))
        frames = sum(len(visitor.frames) for visitor in crowd)
        turns = sum(map(len, outcomes.values()))
        faults = {
            name: getattr(summary, name) for name in ("lost", "duplicated", "gaps", "apologies")
        }
        return {**result, **faults, "frames_per_turn": round(frames / max(1, turns), 1)}


async def connected(url: str, visitors: int, http: httpx.AsyncClient) -> list[replay.Visitor]:
    crowd = [replay.Visitor(url, http=http, patience_seconds=60) for _ in range(visitors)]
    for start in range(0, visitors, 10):
        await asyncio.gather(*(visitor.__aenter__() for visitor in crowd[start : start + 10]))
    return crowd


async def idle(url: str, visitors: int, seconds: float) -> dict[str, Any]:
    """Sockets that say hello and nothing more."""
    async with httpx.AsyncClient(timeout=60) as http:
        crowd = await connected(url, visitors, http)
        await wait_for_the_word()
        await asyncio.sleep(seconds)
        await asyncio.gather(*(visitor.__aexit__() for visitor in crowd))
    return {"sockets": visitors}


TARGETS = {"raw": raw, "sdk": sdk, "yingda": yingda, "idle": idle}

if __name__ == "__main__":
    main()
