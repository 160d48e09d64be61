"""All keepers of an instance: servers first, parts on top of them; stopped in the opposite order.

`running` adds to it as the start goes on and stops it whatever happened.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from config.embedded import server
from config.supervisor.console import Console
from config.supervisor.instance import ProcessList
from config.supervisor.keeper import Keeper, Process
from config.supervisor.plan import Part, StartError

# How long each stop signal may take before the next one; together below the ten seconds of a stop.
PART_GRACE_SECONDS = (5.0, 0.5)
SERVER_GRACE_SECONDS = (3.0, 1.0, 0.5)
POLL_SECONDS = 0.05


class Crew:
    def __init__(self, *, directory: Path, console: Console, processes: ProcessList) -> None:
        self._directory = directory
        self._console = console
        self._processes = processes
        self._servers: list[Keeper] = []
        self._parts: list[Keeper] = []

    def add_server(self, embedded: server.Server, *, stop: threading.Event) -> None:
        """Starts an embedded server and waits until it answers. Raises: EmbeddedError."""
        spawn = partial(server.start, embedded)
        keeper = self._build(embedded.name, spawn, stop_signals=embedded.stop_signals)
        self._servers.append(keeper)
        server.wait_ready(embedded, keeper.start(), is_cancelled=stop.is_set)
        # Only now: a database that never came up is an error to report, not one to repeat.
        keeper.restart_when_it_dies()

    def add(self, part: Part) -> None:
        """Starts a part and keeps it running. Raises: StartError when its command cannot be run."""
        self._start(part).restart_when_it_dies()

    def run(self, part: Part, *, stop: threading.Event) -> int | None:
        """Runs a part to its end: its exit code, or None when the stop came first."""
        keeper = self._start(part)
        while not keeper.join(POLL_SECONDS):
            if stop.is_set():
                return None
        self._parts.remove(keeper)
        return keeper.exit_code

    def troubled_names(self) -> list[str]:
        """The parts that died or are down."""
        return [keeper.name for keeper in (*self._servers, *self._parts) if keeper.has_trouble()]

    def stop(self, *, hurry: threading.Event) -> None:
        """Stops everything and returns when nothing is left; once in a hurry, by force."""
        _stop_all(self._parts, PART_GRACE_SECONDS, is_hurried=hurry.is_set)
        _stop_all(self._servers, SERVER_GRACE_SECONDS, is_hurried=hurry.is_set)

    def _start(self, part: Part) -> Keeper:
        keeper = self._build(part.name, partial(_spawn, part, directory=self._directory))
        self._parts.append(keeper)
        try:
            keeper.start()
        except OSError as error:
            raise StartError(
                f"cannot start {part.name}: {error.strerror} ({part.argv[0]})"
            ) from error
        return keeper

    def _build(
        self,
        name: str,
        spawn: Callable[[], Process],
        *,
        stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,),
    ) -> Keeper:
        return Keeper(
            name,
            spawn,
            console=self._console,
            processes=self._processes,
            stop_signals=stop_signals,
        )


def _spawn(part: Part, *, directory: Path) -> Process:
    """A session of its own keeps the terminal's Ctrl-C away: the supervisor alone decides what stops when."""
    return subprocess.Popen(  # noqa: S603
        part.argv,
        cwd=directory,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **part.env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _stop_all(
    keepers: Sequence[Keeper], grace_seconds: Sequence[float], *, is_hurried: Callable[[], bool]
) -> None:
    for turn, seconds in enumerate(grace_seconds):
        for keeper in keepers:
            if not keeper.join():
                is_last = turn >= len(keeper.stop_signals) or is_hurried()
                keeper.send(signal.SIGKILL if is_last else keeper.stop_signals[turn])
        deadline = time.monotonic() + seconds
        while not all(keeper.join() for keeper in keepers):
            if time.monotonic() > deadline or is_hurried():
                break
            time.sleep(POLL_SECONDS)
