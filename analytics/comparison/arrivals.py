"""Requests that are sent when they are due, whether or not earlier ones were answered. Called by the worker."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from random import Random

from analytics.comparison.plan import Item
from analytics.models import ComparedAnswer

# With more under way than that one waits, and its waiting counts.
AT_ONCE = 64

Ask = Callable[[Item], ComparedAnswer | None]
Answered = ComparedAnswer | None | Exception


class Arrivals:
    """Sends items as by chance, `rate` a second in the mean, from a thread of its own, so that nothing else delays one.

    The clock of an answer runs from when it was due. Used as a context: leaving it sends nothing more, not what is
    due already either, and waits for what is under way.
    """

    def __init__(self, ask: Ask, items: list[Item], *, rate: float, seed: int) -> None:
        self.ask, self.items = ask, items
        self.rate, self.draw = rate, Random(seed)  # noqa: S311 - nothing secret is drawn
        self.stop = threading.Event()
        self.answered: SimpleQueue[Answered] = SimpleQueue()
        self.pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="load")
        self.sender = threading.Thread(target=self.send, name="arrivals", daemon=True)

    def __enter__(self) -> "Arrivals":
        self.sender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.sender.join()
        self.pool.shutdown(wait=True, cancel_futures=True)

    def send(self) -> None:
        due = time.monotonic()
        for item in self.items:
            due += self.draw.expovariate(self.rate)
            if self.stop.wait(max(0.0, due - time.monotonic())):
                return
            self.pool.submit(self.ask_due, item, due)

    def ask_due(self, item: Item, due: float) -> None:
        late_ms = (time.monotonic() - due) * 1000
        try:
            row = self.ask(item)
        except Exception as error:  # noqa: BLE001 - raised again by whoever takes the answers
            self.answered.put(error)
            return
        if row is not None:
            row.total_ms += late_ms
            if row.first_token_ms is not None:
                row.first_token_ms += late_ms
        self.answered.put(row)

    def take(self) -> list[Answered]:
        """What was answered since it was last asked, or went wrong."""
        found = []
        while True:
            try:
                found.append(self.answered.get_nowait())
            except Empty:
                return found
