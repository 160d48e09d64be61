"""One embedded server as data, and the three things done to it: start, wait until it answers, stop.

Called by the supervisor and by `services`; knows nothing of Postgres or Redis.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from config.embedded.account import Account
from config.embedded.errors import EmbeddedError

READY_POLL_SECONDS = 0.05
LOG_MAX_BYTES = 10 * 1024 * 1024
LAST_LINES = 10

Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    argv: tuple[str, ...]
    account: Account
    log_path: Path
    stop_signals: tuple[signal.Signals, ...]
    """Sent one after the other while it lives; SIGKILL, the last resort, is not listed."""
    is_ready: Callable[[], bool]
    clear_stale: Callable[[], None]
    """Removes what a killed predecessor left in its way."""


def start(server: Server) -> Process:
    """Starts it as a direct child in a session of its own, so that Ctrl-C reaches only the supervisor.

    It gets no environment of ours: keys and passwords do not belong in a database's process.
    Raises: EmbeddedError when the binary cannot be run.
    """
    server.clear_stale()
    with _open_log(server.log_path) as log:
        try:
            return subprocess.Popen(  # noqa: S603
                server.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=bare_environment(),
                umask=0o077,
                start_new_session=True,
                **server.account.run_as(),
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedError(f"cannot start {server.name}: {error}") from error


def bare_environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def wait_ready(
    server: Server,
    process: Process,
    *,
    timeout_seconds: float = 60,
    is_cancelled: Callable[[], bool] = bool,
) -> None:
    """Returns once it answers, or once `is_cancelled`. Raises: EmbeddedError when it dies or stays silent."""
    deadline = time.monotonic() + timeout_seconds
    while not is_cancelled() and not server.is_ready():
        if process.poll() is not None:
            raise EmbeddedError(f"{server.name} does not start: {_find_reason(server.log_path)}")
        if time.monotonic() > deadline:
            waited = f"{timeout_seconds:.0f} s"
            raise EmbeddedError(f"{server.name} is silent after {waited}: see {server.log_path}")
        time.sleep(READY_POLL_SECONDS)


def stop(server: Server, process: Process, *, seconds_per_signal: float = 3) -> None:
    """Stops it as fast as it can be stopped cleanly, in the end by SIGKILL."""
    for number in (*server.stop_signals, signal.SIGKILL):
        process.send_signal(number)  # does nothing once the process has been waited for
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds_per_signal)
            return


@contextlib.contextmanager
def _open_log(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_MAX_BYTES:
        path.replace(path.with_suffix(".log.1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _find_reason(path: Path) -> str:
    """The last words of a server that died: its fatal error if it named one, else its last line."""
    lines = path.read_text(errors="replace").strip().splitlines()
    # Our own question whether it is ready is answered in the log too.
    lines = [line for line in lines if not line.endswith("is starting up")][-LAST_LINES:]
    fatal = [line for line in lines if "fatal" in line.lower()]
    return (fatal or lines or [f"see {path}"])[-1]
