"""Processes that are not our children: whether they are gone, and how a postmaster among them is stopped.

Used for what a killed supervisor left behind.
"""

import contextlib
import signal
import time
from collections.abc import Iterable

import psutil

POLL_SECONDS = 0.05
POSTMASTER_SECONDS = 5
ORPHAN_SECONDS = 0.5


def is_gone(process: psutil.Process) -> bool:
    """True for a zombie too: where nobody collects orphans (a container's first process) it stays for ever."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_gone(processes: Iterable[psutil.Process], *, seconds: float) -> list[psutil.Process]:
    """Waits until all are gone; returns those that are not when the time is over."""
    deadline = time.monotonic() + seconds
    alive = [process for process in processes if not is_gone(process)]
    while alive and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        alive = [process for process in alive if not is_gone(process)]
    return alive


def end_postmaster(process: psutil.Process) -> None:
    """Stops it fast, then at once, then by force together with the processes it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [process, *process.children(recursive=True)]
        for number in (signal.SIGINT, signal.SIGQUIT):
            process.send_signal(number)
            if not wait_gone(family, seconds=POSTMASTER_SECONDS):
                return
        _kill(family)


def end_orphans(backends: list[psutil.Process]) -> None:
    """Backends leave when they see that their postmaster is gone; one that is busy sees it late.

    Force does no harm: without a postmaster the next start replays the log in any case.
    """
    _kill(wait_gone(backends, seconds=ORPHAN_SECONDS))


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_gone(processes, seconds=POSTMASTER_SECONDS)
