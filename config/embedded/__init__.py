"""Postgres and Redis from wheels, under the home of one instance; plain Python, no Django.

`run_dir`, `database_url` and `redis_url` follow from the home alone; settings use them. `services` runs both
for tests and tools; the supervisor starts the same servers as parts of its own.
"""

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from config.embedded import postgres, redis, server
from config.embedded.errors import EmbeddedError
from config.embedded.locations import database_url, redis_url, run_dir

__all__ = ["EmbeddedError", "Services", "database_url", "redis_url", "run_dir", "services"]


@dataclass(slots=True)
class Services:
    """A running Postgres and Redis that can be killed and started again one by one."""

    home: Path
    database_url: str
    redis_url: str
    _servers: dict[str, server.Server] = field(repr=False)
    _processes: dict[str, server.Process] = field(default_factory=dict, repr=False)

    def start_postgres(self) -> None:
        self._start("postgres")

    def start_redis(self) -> None:
        self._start("redis")

    def kill_postgres(self) -> None:
        """SIGKILL to the postmaster; its backends notice and leave. Returns when it is gone."""
        self._kill("postgres")

    def kill_redis(self) -> None:
        self._kill("redis")

    def restart_postgres(self) -> None:
        """Stops it cleanly and returns when the new one answers."""
        self._stop("postgres")
        self._start("postgres")

    def restart_redis(self) -> None:
        self._stop("redis")
        self._start("redis")

    def pid(self, name: str) -> int:
        """The process id of "postgres" or "redis". Raises: KeyError when it is not running."""
        return self._processes[name].pid

    def stop(self) -> None:
        for name in list(self._processes):
            self._stop(name)

    def _start(self, name: str) -> None:
        if name in self._processes:
            return
        process = self._processes[name] = server.start(self._servers[name])
        server.wait_ready(self._servers[name], process)

    def _stop(self, name: str) -> None:
        if process := self._processes.pop(name, None):
            server.stop(self._servers[name], process)

    def _kill(self, name: str) -> None:
        process = self._processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def services(home: Path) -> Iterator[Services]:
    """Runs both servers under `home` until the block ends.

    Raises: EmbeddedError with one line for the operator.
    """
    servers = {"redis": redis.prepare(home), "postgres": postgres.prepare(home)}
    running = Services(
        home=home, database_url=database_url(home), redis_url=redis_url(home), _servers=servers
    )
    try:
        running.start_redis()
        running.start_postgres()
        yield running
    finally:
        running.stop()
