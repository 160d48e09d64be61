"""The whole platform as a fixture: `manage.py up` in a home and on a port of its own, with the fake provider."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent
# A machine that does much else starts it slowly; one that cannot start it ends by itself.
READY_SECONDS = 240
ADMIN_PASSWORD = "a-password-for-tests"


@dataclass
class Stack:
    """A running platform. `output` holds the lines the supervisor printed."""

    url: str
    home: Path
    process: "subprocess.Popen[str]"
    output: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None

    def processes(self, *words: str) -> list[psutil.Process]:
        """Processes of the platform whose command line holds every word."""
        tree = psutil.Process(self.process.pid).children(recursive=True)
        return [p for p in tree if all(word in " ".join(command_line(p)) for word in words)]

    def kill(self, *words: str) -> int:
        """SIGKILL to every process whose command line holds every word; returns how many."""
        found = self.processes(*words)
        for process in found:
            process.kill()
        return len(found)

    def wait_for_line(self, text: str, *, seconds: float) -> str:
        """The first printed line that holds `text`. Raises AssertionError when none comes in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in list(self.output):
                if text in line:
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"no line with {text!r}:\n" + "\n".join(self.output[-60:]))

    def stop(self) -> None:
        """SIGTERM, and ten seconds for everything to end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            if self.reader is not None:
                self.reader.join(5)
            if self.process.stdout is not None:
                self.process.stdout.close()


def command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, *, demo_provider: bool = True, **environment: str) -> Stack:
    """Starts the platform and waits until it is ready."""
    port = free_port()
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("YINGDA_", "DJANGO_"))}
    variables |= {
        "YINGDA_HOME": str(home),
        "PORT": str(port),
        "YINGDA_DEMO_PROVIDER": "1" if demo_provider else "0",
        "YINGDA_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "YINGDA_READY_SECONDS": str(READY_SECONDS),
        "PYTHONUNBUFFERED": "1",
    } | environment
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    stack = Stack(url=f"http://127.0.0.1:{port}", home=home, process=process)
    stack.reader = threading.Thread(target=collect, args=[stack], daemon=True)
    stack.reader.start()
    try:
        stack.wait_for_line("ready:", seconds=READY_SECONDS)
    except AssertionError:
        stack.stop()  # one that comes up late would run on
        raise
    return stack


def collect(stack: Stack) -> None:
    assert stack.process.stdout is not None
    for line in stack.process.stdout:
        stack.output.append(line.rstrip("\n"))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """One platform for every test that only talks to it."""
    with tempfile.TemporaryDirectory(prefix="yingda-stack-", ignore_cleanup_errors=True) as home:
        running = start(Path(home))
        yield running
        running.stop()
