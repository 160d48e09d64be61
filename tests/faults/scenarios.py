"""One function per fault: put the platform under load, break a part, and judge what visitors got.

`test_faults` runs a few of them in every test run, `run` all.
"""

import asyncio
import signal
import subprocess
import time
import uuid
from collections.abc import Awaitable, Callable

from chat.replay.outcomes import Outcome
from chat.replay.visitor import Visitor
from tests.faults.judging import Verdict, judge, pushed_answers
from tests.faults.platform import Platform, streaming, until
from tests.stack import ROOT

MARKER = "慢慢说"
QUESTION = f"我的订单怎么还没到?请{MARKER}"
VISITORS, LINES = 5, 6
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
    quiet = subprocess.DEVNULL
    second = subprocess.Popen(
        first.cmdline(), cwd=ROOT, env=first.environ(), stdout=quiet, stderr=quiet
    )
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
        await asyncio.sleep(5)
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
        [task] = platform.redis.lrange(QUEUE, 0, -1)
        platform.redis.rpush(QUEUE, task, task, task)

    return await ring_oddly(platform, "doorbell rung four times", repeat)


async def ring_oddly(platform: Platform, fault: str, tamper: Callable[[], object]) -> Verdict:
    """Tampers with the broker's queue between a line's ack and the worker."""
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
        await asyncio.sleep(3)
        return await judge(fault, [(visitor, [outcome])], seconds=seconds, limit_seconds=5)


# --- a service breaks under load ---------------------------------------------------------------------


async def kill_web(platform: Platform) -> Verdict:
    """kill -9 of the web process: clients reconnect, sync, and send again what was not acked."""
    return await under_load(platform, "web killed", lambda: platform.kill("web"), 35)


async def kill_redis(platform: Platform) -> Verdict:
    """kill -9 of Redis: posting still acks, the sweeper runs the turns, sockets hear again."""
    return await under_load(platform, "Redis killed", lambda: platform.kill("redis"), 20)


async def flush_redis(platform: Platform) -> Verdict:
    """FLUSHALL: Redis is no truth, so nothing is lost with it."""
    return await under_load(platform, "Redis flushed", lambda: platform.redis.flushall(), 20)


async def kill_postgres(platform: Platform) -> Verdict:
    """kill -9 of Postgres: nothing acked is lost, what was refused is sent again under its client_id."""
    return await under_load(platform, "Postgres killed", lambda: platform.kill("postgres"), 20)


async def kill_scheduler(platform: Platform) -> Verdict:
    """kill -9 of beat and of the default worker: answers need neither."""

    def kill() -> None:
        platform.kill("beat")
        platform.kill("default")

    return await under_load(platform, "beat and default worker killed", kill, 5)


async def under_load(
    platform: Platform, fault: str, act: Callable[[], object], limit_seconds: float
) -> Verdict:
    """Several visitors talk; in the middle of it something breaks."""
    platform.slow_answer("never asked for")
    async with asyncio.timeout(300), asyncio.TaskGroup() as group:
        visitors = [platform.visitor() for _ in range(VISITORS)]
        for visitor in visitors:
            await visitor.__aenter__()
        talks = [group.create_task(talk(visitor)) for visitor in visitors]
        await asyncio.sleep(1)
        broken = time.monotonic()
        act()
    await platform.ready()
    waits = [
        end - max(start, broken) for t in talks for _, start, end in t.result() if end > broken
    ]
    # The last frames may have been lost with a connection; that is what sync is for.
    played = [
        (v, [outcome for outcome, _, _ in t.result()]) for v, t in zip(visitors, talks, strict=True)
    ]
    verdict = await judge(fault, played, seconds=max(waits, default=0), limit_seconds=limit_seconds)
    for visitor in visitors:
        await visitor.__aexit__()
    return verdict


async def talk(visitor: Visitor) -> list[tuple[Outcome, float, float]]:
    """Every line with the moments it was sent and answered."""
    spoken = []
    for number in range(LINES):
        start = time.monotonic()
        outcome = await visitor.send(f"我的订单怎么还没到? {number}")
        spoken.append((outcome, start, time.monotonic()))
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


Scenario = Callable[[Platform], Awaitable[Verdict]]
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
)
