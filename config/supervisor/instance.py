"""One instance per home: the lock that says so, and the list of processes by which a killed one is cleaned up.

Called by `running`. The lock goes with the supervisor's process, whatever kills it; the list stays behind.
"""

import contextlib
import fcntl
import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

from config.embedded.leftover import end_postmaster, is_gone, wait_gone
from config.embedded.locations import state_dir
from config.supervisor.plan import StartError

LEFTOVER_SECONDS = 5
# The start time tells a process from a later one with the same id.
START_TOLERANCE_SECONDS = 2.0


class AlreadyRunningError(Exception):
    """Another supervisor holds this home; the message is the whole line for the operator."""


@contextlib.contextmanager
def hold_home(home: Path, *, url: str) -> Iterator[None]:
    """Holds the instance's lock. Raises: AlreadyRunningError."""
    descriptor = os.open(state_dir(home) / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(_describe_holder(descriptor, home)) from None
        except OSError as error:
            raise StartError(f"cannot lock {home}: {error.strerror}") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _describe_holder(descriptor: int, home: Path) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"yingda is already running on {home} (pid {holder['pid']}, {holder['url']})"
    except (ValueError, KeyError):
        # The other one has the lock and is about to write its name.
        return f"yingda is already running on {home}"


class ProcessList:
    """The running children, in a file: `{"web": {"pid": 4711, "started": 1700000000.12}, …}`."""

    def __init__(self, home: Path) -> None:
        self._path = state_dir(home) / "processes.json"
        self._entries: dict[str, dict[str, float]] = {}
        self._lock = threading.Lock()

    def add(self, name: str, pid: int) -> None:
        with self._lock, contextlib.suppress(psutil.NoSuchProcess):
            self._entries[name] = {"pid": pid, "started": psutil.Process(pid).create_time()}
            self._save()

    def remove(self, name: str) -> None:
        with self._lock:
            self._entries.pop(name, None)
            self._save()

    def find_leftovers(self) -> dict[str, psutil.Process]:
        """What an earlier supervisor started and is still alive, by name."""
        try:
            entries = json.loads(self._path.read_text())
            found = {name: _find_same(int(e["pid"]), e["started"]) for name, e in entries.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        return {name: process for name, process in found.items() if process}

    def _save(self) -> None:
        """Renamed into place: a reader never sees half a list. A full disk must not end the care for a part."""
        fresh = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):
            fresh.write_text(json.dumps(self._entries))
            fresh.replace(self._path)


def _find_same(pid: int, started: float) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < START_TOLERANCE_SECONDS
        return process if same and not is_gone(process) else None
    return None


def end_leftovers(leftovers: dict[str, psutil.Process]) -> None:
    """Stops them: politely, then by force; Postgres last and by its own way, so that it closes its files."""
    others = [process for name, process in leftovers.items() if name != "postgres"]
    for process in others:
        _signal_group(process, signal.SIGTERM)
    for process in (alive := wait_gone(others, seconds=LEFTOVER_SECONDS)):
        _signal_group(process, signal.SIGKILL)
    wait_gone(alive, seconds=LEFTOVER_SECONDS)
    if postmaster := leftovers.get("postgres"):
        end_postmaster(postmaster)


def _signal_group(process: psutil.Process, number: signal.Signals) -> None:
    """Every part leads a group of its own. Asking psutil first keeps us from signalling a recycled id."""
    with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
        if process.is_running():
            os.killpg(process.pid, number)
