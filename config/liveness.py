"""Workers say which queue they serve; readiness asks who said so lately."""

import threading
from typing import Any

from celery.signals import worker_ready
from redis import RedisError

from prompts.redis import connection

QUEUES = ("turns", "default")
BEAT_SECONDS = 3.0
ALIVE_SECONDS = 10


def missing_queues() -> list[str]:
    """The queues that no live worker serves. Raises RedisError when Redis does not answer."""
    alive: Any = connection().mget([key(queue) for queue in QUEUES])
    return [queue for queue, seen in zip(QUEUES, alive, strict=True) if seen is None]


def key(queue: str) -> str:
    return f"worker:{queue}"


@worker_ready.connect
def start(sender: Any, **_: Any) -> None:
    queues = list(sender.app.amqp.queues.consume_from)
    threading.Thread(target=beat, args=[queues], name="liveness", daemon=True).start()


def beat(queues: list[str]) -> None:
    pause = threading.Event()
    while True:
        try:
            for queue in queues:
                connection().set(key(queue), 1, ex=ALIVE_SECONDS)
        except RedisError:
            pass  # readiness says so; the next beat tries again
        pause.wait(BEAT_SECONDS)
