"""Many threads in several processes take from the same buckets at once, over real Redis."""

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import TypeVar

from redis import Redis

from prompts.llm import limits
from prompts.llm.limits import Bucket

Result = TypeVar("Result")


def race(act: Callable[[], Result], *, racers: int) -> list[Result]:
    """What `act` returned to each of `racers` threads that start it at the same moment."""
    start = threading.Barrier(racers)

    def run(_: int) -> Result:
        start.wait()
        return act()

    with ThreadPoolExecutor(racers) as pool:
        return list(pool.map(run, range(racers)))


def granted_over_processes(
    url: str, buckets: Sequence[Bucket], *, processes: int, threads: int, each: int
) -> int:
    """How many of `processes` x `threads` x `each` takes were allowed."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        started = [pool.submit(granted, url, buckets, threads, each) for _ in range(processes)]
        return sum(future.result() for future in started)


def granted(url: str, buckets: Sequence[Bucket], threads: int, each: int) -> int:
    client = Redis.from_url(url)

    def take() -> int:
        return sum(limits.take(client, buckets).allowed for _ in range(each))

    return sum(race(take, racers=threads))
