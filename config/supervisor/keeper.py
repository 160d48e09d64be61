"""Keeps one part alive: starts it, shows its output, starts it again when it dies, stops it.

One keeper per part, each with a thread that waits for its process. `crew` owns them.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import IO

from config.embedded.errors import EmbeddedError
from config.supervisor.console import Console
from config.supervisor.instance import ProcessList

Process = subprocess.Popen[bytes]

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
HEALTHY_SECONDS = 30.0
LINE_BYTES = 64 * 1024


class Keeper:
    def __init__(
        self,
        name: str,
        spawn: Callable[[], Process],
        *,
        console: Console,
        processes: ProcessList,
        stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,),
    ) -> None:
        self.name = name
        self.stop_signals = stop_signals
        self._spawn = spawn
        self._console = console
        self._processes = processes
        self._process: Process | None = None
        self._restarts = False
        self._has_died = False
        self._stopping = threading.Event()
        # Held while a process is started: a stop comes before that or sees it, never between.
        self._starting = threading.Lock()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> Process:
        """Starts the part once. Raises: OSError, EmbeddedError when it cannot be started."""
        self._start_process()
        assert self._process is not None  # noqa: S101  nobody stops a keeper before its start
        self._thread.start()
        return self._process

    def restart_when_it_dies(self) -> None:
        """From now on the end of the process is an accident."""
        self._restarts = True

    def has_trouble(self) -> bool:
        """Whether it died before, or is down now."""
        process = self._process
        return self._has_died or process is None or process.poll() is not None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    def send(self, number: signal.Signals) -> None:
        """From now on the part stays down; its process gets the signal, with its whole group for SIGKILL."""
        self._stopping.set()
        with self._starting:
            process = self._process
        if process is None:
            return
        if number == signal.SIGKILL:
            _kill_group(process)
        else:
            process.send_signal(number)

    def join(self, seconds: float = 0) -> bool:
        """Waits until the part is down for good; False when the time was not enough."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _start_process(self) -> None:
        with self._starting:
            if self._stopping.is_set():
                return
            process = self._process = self._spawn()
            self._processes.add(self.name, process.pid)
        if process.stdout is not None:
            show = partial(self._console.say, name=self.name)
            threading.Thread(target=_show_lines, args=(process.stdout, show), daemon=True).start()

    def _keep(self) -> None:
        wait_seconds = FIRST_WAIT_SECONDS
        while True:
            started = time.monotonic()
            reason = self._await_end()
            if self._stopping.is_set() or not self._restarts:
                return
            self._has_died = True
            if time.monotonic() - started >= HEALTHY_SECONDS:
                wait_seconds = FIRST_WAIT_SECONDS
            self._console.say(f"{self.name} {reason}: starting it again in {wait_seconds:g} s")
            if self._stopping.wait(wait_seconds):
                return
            wait_seconds = min(wait_seconds * 2, LONGEST_WAIT_SECONDS)
            self._start_again()

    def _await_end(self) -> str:
        """Waits for the process, removes what it left in its group, and says how it ended."""
        process = self._process
        if process is None:
            return "could not be started"
        code = process.wait()
        _kill_group(process)
        self._processes.remove(self.name)
        return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"

    def _start_again(self) -> None:
        self._process = None
        try:
            self._start_process()
        except (OSError, EmbeddedError) as error:
            self._console.say(str(error))


def _kill_group(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _show_lines(stream: IO[bytes], show: Callable[[str], None]) -> None:
    with stream:
        for line in iter(partial(stream.readline, LINE_BYTES), b""):
            if text := line.decode(errors="replace").rstrip():
                show(text)
