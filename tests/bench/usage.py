"""CPU and memory of a running platform by its parts, read from the process tree. Used by run."""

import contextlib
from collections import defaultdict

import psutil

# Part by what its command line contains; the first that fits.
PARTS = (
    ("config.web", "web"),
    ("-Q turns", "turns"),
    ("-Q default", "default"),
    ("celery", "beat"),
    ("redis", "redis"),
    ("postgres", "postgres"),
)


def parts_of(supervisor_pid: int) -> dict[str, list[psutil.Process]]:
    """The processes of each part; the supervisor itself under its own name."""
    root = psutil.Process(supervisor_pid)
    found: dict[str, list[psutil.Process]] = defaultdict(list, {"supervisor": [root]})
    for child in root.children():
        with contextlib.suppress(psutil.Error):
            found[part_of(child)] += [child, *child.children(recursive=True)]
    return dict(found)


def part_of(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    return next((part for mark, part in PARTS if mark in command), process.name())


def cpu_seconds(supervisor_pid: int) -> dict[str, float]:
    """CPU time so far by part, with that of children that have ended."""
    return {
        part: sum(map(spent_seconds, processes))
        for part, processes in parts_of(supervisor_pid).items()
    }


def spent_seconds(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        own = float(times.user + times.system)
        # The supervisor's ended children are not part of the load; a postmaster's are.
        ended = float(times.children_user + times.children_system)
        return own + ended if "postgres" in process.name() else own
    return 0.0


def pss_mb(supervisor_pid: int) -> dict[str, float]:
    """Memory by part in megabytes, shared pages counted once over all who share them."""
    return {
        part: round(sum(map(pss_bytes, processes)) / 1e6, 1)
        for part, processes in parts_of(supervisor_pid).items()
    }


def pss_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_full_info().pss)
    return 0
