"""What keeps one socket from holding up the others: threads for queries, and a bucket for frames."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import DatabaseSyncToAsync

P = ParamSpec("P")
T = TypeVar("T")

# Rows are read and written here, so that no socket waits behind another's query.
DATABASE_THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="socket-database")


async def in_database(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs `act` on a database thread; its connection goes back to the pool afterwards."""
    run = DatabaseSyncToAsync(act, thread_sensitive=False, executor=DATABASE_THREADS)
    result: T = await run(*args, **kwargs)
    return result


class Bucket:
    """A token bucket: `rate` frames a second, bursts of `burst`."""

    def __init__(self, *, rate: float, burst: int, now: float) -> None:
        self.rate, self.burst = rate, burst
        self.tokens, self.filled_at = float(burst), now

    def wait_ms(self, now: float) -> int:
        """0 and a token spent, or the milliseconds until the next token."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return int((1 - self.tokens) / self.rate * 1000) + 1
        self.tokens -= 1
        return 0
