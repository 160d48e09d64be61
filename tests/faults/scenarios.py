"""One function per fault: put the platform under load, break a part, and judge what visitors got.

`test_faults` runs a few of them in every test run, `run` all.
"""

import asyncio
import contextlib
import signal
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from chat.replay.outcomes import Outcome
from chat.replay.visitor import Visitor
from tests.faults.judging import Verdict, judge, pushed_answers
from tests.faults.platform import Platform, streaming, until

MARKER = "慢慢说"
QUESTION = f"我的订单怎么还没到?请{MARKER}"
VISITORS, LINES = 5, 6
LOAD_SECONDS = 240
QUEUE = "turns"


# --- a worker breaks while it speaks -----------------------------------------------------------------


async def kill_worker(platform: Platform) -> Verdict:
    """kill -9 of the turns worker: the answer arrives once, on the same socket, within lease and sweep."""
    complaints = []
    async with platform.visitor() as visitor:
        outcome, seconds = await break_mid_stream(platform, visitor, lambda: platform.kill("turns"))
        if visitor.connections != 1:
            complaints.append(f"{visitor.connections} sockets")
        if len(pushed_answers(visitor, outcome.turn_id)) != 1:
            complaints.append("the answer was not pushed exactly once")
        return await judge(
            "turns worker killed in mid-stream",
            [(visitor, [outcome])],
            seconds=seconds,
            limit_seconds=20,
            complaints=complaints,
        )


async def stop_worker(platform: Platform) -> Verdict:
    """SIGTERM of the turns worker, as in a deployment: what it says is finished, or begun again at once."""
    async with platform.visitor() as visitor:
        outcome, seconds = await break_mid_stream(
            platform, visitor, lambda: platform.terminate("turns")
        )
        return await judge(
            "turns worker stopped in mid-stream",
            [(visitor, [outcome])],
            seconds=seconds,
            limit_seconds=10,
        )


async def freeze_worker(platform: Platform) -> Verdict:
    """A worker hangs, another takes over, the first wakes up: it may not answer a second time."""
    [first] = platform.parts("turns")
    second = platform.start_second_worker(first)
    try:
        await until(lambda: len(platform.listeners()) >= 3, seconds=60)
        second.send_signal(signal.SIGSTOP)
        async with platform.visitor() as visitor:
            platform.slow_answer(MARKER)
            asking = asyncio.create_task(visitor.send(QUESTION))
            await until(streaming(visitor))
            broken = time.monotonic()
            with platform.frozen("turns"):
                second.send_signal(signal.SIGCONT)
                outcome = await asking
                seconds = time.monotonic() - broken
            # Time enough for the first to finish what it had begun.
            await asyncio.sleep(6)
            return await judge(
                "turns worker frozen in mid-stream, then woken",
                [(visitor, [outcome])],
                seconds=seconds,
                limit_seconds=20,
            )
    finally:
        second.send_signal(signal.SIGCONT)
        second.terminate()
        second.wait(60)


async def take_over(platform: Platform) -> Verdict:
    """An agent claims the conversation while the bot speaks: the bot is silent from then on."""
    complaints = []
    async with platform.visitor() as visitor, platform.agent() as agent:
        platform.slow_answer(MARKER)
        asking = asyncio.create_task(visitor.send(QUESTION))
        await until(streaming(visitor))
        claimed = await agent.act(visitor.conversation_id, "claim")
        broken = time.monotonic()
        await until(lambda: visitor.state == "agent")
        seconds = time.monotonic() - broken
        outcome = await asking
        reply = {"client_id": str(uuid.uuid4()), "text": "我来帮您", "epoch": claimed["epoch"]}
        await agent.act(visitor.conversation_id, "reply", **reply)
        # Longer than the rest of the bot's answer would have taken.
        await asyncio.sleep(4)
        rows = (await visitor.fetch())["messages"]
        if [row["role"] for row in rows] != ["visitor", "system", "agent"]:
            complaints.append(f"roles {[row['role'] for row in rows]}")
        return await judge(
            "agent takes over in mid-stream",
            [(visitor, [outcome])],
            seconds=seconds,
            limit_seconds=2,
            complaints=complaints,
        )


# --- the doorbell ------------------------------------------------------------------------------------


async def lose_doorbell(platform: Platform) -> Verdict:
    """The broker forgets a turn's task: the sweeper finds the turn."""
    return await ring_oddly(platform, "doorbell lost", lambda: platform.redis.delete(QUEUE))


async def repeat_doorbell(platform: Platform) -> Verdict:
    """The broker delivers a turn's task four times: one answer."""

    def repeat() -> None:
        waiting: Any = platform.redis.lrange(QUEUE, 0, -1)
        platform.redis.rpush(QUEUE, *waiting * 3)

    return await ring_oddly(platform, "doorbell rung four times", repeat)


async def ring_oddly(platform: Platform, fault: str, tamper: Callable[[], object]) -> Verdict:
    """Tampers with the broker's queue between a line's ack and the worker."""
    platform.quick_answers()
    async with platform.visitor() as visitor:
        await visitor.send("你好")
        with platform.frozen("turns"):
            platform.hang_up_listeners()
            asking = asyncio.create_task(visitor.send("我的订单怎么还没到?"))
            await until(lambda: platform.redis.llen(QUEUE))
            tamper()
            broken = time.monotonic()
        outcome = await asking
        seconds = time.monotonic() - broken
        # Time enough for a second run to show itself.
        await asyncio.sleep(2)
        return await judge(fault, [(visitor, [outcome])], seconds=seconds, limit_seconds=8)


# --- a service breaks under load ---------------------------------------------------------------------


async def kill_web(platform: Platform) -> Verdict:
    """kill -9 of the web process: clients reconnect, sync, and send again what was not acked."""
    return await under_load(platform, "web killed", killing(platform, "web"), limit_seconds=35)


async def kill_redis(platform: Platform) -> Verdict:
    """kill -9 of Redis: posting still acks, the sweeper runs the turns, sockets hear again."""
    return await under_load(platform, "Redis killed", killing(platform, "redis"), limit_seconds=10)


async def flush_redis(platform: Platform) -> Verdict:
    """FLUSHALL again and again: Redis is no truth, so nothing is lost with it."""

    async def flush() -> None:
        for _ in range(20):
            platform.redis.flushall()
            await asyncio.sleep(0.05)

    return await under_load(platform, "Redis flushed 20 times", flush, limit_seconds=10)


async def kill_postgres(platform: Platform) -> Verdict:
    """kill -9 of Postgres: nothing acked is lost, what was refused is sent again under its client_id."""
    killed = killing(platform, "postgres")
    return await under_load(platform, "Postgres killed", killed, limit_seconds=10)


async def kill_scheduler(platform: Platform) -> Verdict:
    """kill -9 of beat and of the default worker: answers need neither."""
    killed = killing(platform, "beat", "default")
    return await under_load(platform, "beat and default worker killed", killed, limit_seconds=5)


async def kill_supervisor(platform: Platform) -> Verdict:
    """kill -9 of the supervisor, and `up` once more: the conversation goes on where it was."""
    platform.quick_answers()
    async with platform.visitor() as visitor:
        before = await visitor.send("我的订单怎么还没到?")
        broken = time.monotonic()
        await asyncio.to_thread(platform.kill_supervisor)
        after = await visitor.send("还在吗?")
        return await judge(
            "supervisor killed and started again",
            [(visitor, [before, after])],
            seconds=time.monotonic() - broken,
            limit_seconds=60,
        )


def killing(platform: Platform, *names: str) -> Callable[[], Awaitable[None]]:
    async def kill() -> None:
        for name in names:
            platform.kill(name)

    return kill


async def under_load(
    platform: Platform,
    fault: str,
    act: Callable[[], Awaitable[None]],
    *,
    limit_seconds: float,
) -> Verdict:
    """Several visitors talk; in the middle of it something breaks."""
    platform.quick_answers()
    async with contextlib.AsyncExitStack() as present:
        visitors = [await present.enter_async_context(platform.visitor()) for _ in range(VISITORS)]
        async with asyncio.timeout(LOAD_SECONDS), asyncio.TaskGroup() as group:
            talks = [group.create_task(talk(visitor)) for visitor in visitors]
            await asyncio.sleep(1)
            broken = time.monotonic()
            await act()
        await platform.ready()
        spoken = [task.result() for task in talks]
        waits = [line.waited(broken) for lines in spoken for line in lines]
        return await judge(
            fault,
            [(v, [line.outcome for line in s]) for v, s in zip(visitors, spoken, strict=True)],
            seconds=max(waits),
            limit_seconds=limit_seconds,
        )


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line and what became of it, by this process's clock."""

    outcome: Outcome
    sent_at: float
    answered_at: float

    def waited(self, since: float) -> float:
        """How long its visitor waited after `since`."""
        return max(0.0, self.answered_at - max(self.sent_at, since))


async def talk(visitor: Visitor) -> list[Spoken]:
    spoken = []
    for number in range(LINES):
        start = time.monotonic()
        outcome = await visitor.send(f"我的订单怎么还没到? {number}")
        spoken.append(Spoken(outcome, start, time.monotonic()))
        await asyncio.sleep(0.2)
    return spoken


async def break_mid_stream(
    platform: Platform, visitor: Visitor, act: Callable[[], object]
) -> tuple[Outcome, float]:
    """What became of a line whose answer was under way when `act` happened, and how long it took from then."""
    platform.slow_answer(MARKER)
    asking = asyncio.create_task(visitor.send(QUESTION))
    await until(streaming(visitor))
    act()
    broken = time.monotonic()
    return await asking, time.monotonic() - broken


Scenario = Callable[[Platform], Coroutine[Any, Any, Verdict]]
CHEAP: tuple[Scenario, ...] = (kill_worker, take_over, lose_doorbell)
ALL: tuple[Scenario, ...] = (
    *CHEAP,
    repeat_doorbell,
    stop_worker,
    freeze_worker,
    kill_web,
    flush_redis,
    kill_redis,
    kill_postgres,
    kill_scheduler,
    kill_supervisor,
)
