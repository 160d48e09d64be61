"""The things under measurement: the fake provider and a whole platform, each started for the run and stopped after it."""

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import psutil

from tests.bench import usage

ROOT = Path(__file__).resolve().parents[2]
TTFT_MS, INTERVAL_MS, TOKENS = 200, 10, 30
START_SECONDS = 120.0
STOP_SECONDS = 15.0


class BenchError(Exception):
    """The run cannot start or go on; the message is for whoever started it."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform: its address, the supervisor's process, its home, and what it was started with."""

    url: str
    pid: int
    home: Path
    start_seconds: float
    """From an empty home to ready."""
    environment: Mapping[str, str] = field(default_factory=dict)


def clean_environment() -> dict[str, str]:
    """The caller's environment without anything that would change what is measured."""
    prefixes = (
        "YINGDA_",
        "OPENAI_",
        "ANTHROPIC_",
        "DASHSCOPE_",
        "DATABASE_URL",
        "REDIS_URL",
        "DJANGO_",
    )
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def running_provider() -> Iterator[str]:
    """Gives the base URL of the fake provider."""
    port = free_port()
    latency = ["--ttft-ms", str(TTFT_MS), "--interval-ms", str(INTERVAL_MS)]
    command = ["-m", "tests.fakes.provider_server", "--port", str(port), *latency]
    with spawned([*command, "--tokens", str(TOKENS)], {}, Path(os.devnull)) as process:
        url = f"http://127.0.0.1:{port}"
        wait_until_answering(f"{url}/v1/models", process)
        yield f"{url}/v1"


def one_vendor(provider_url: str) -> dict[str, str]:
    """What points a platform at the fake as its only model."""
    return {"OPENAI_BASE_URL": provider_url, "OPENAI_API_KEY": "demo"}


def three_vendors(provider_url: str) -> dict[str, str]:
    """What points a platform at the fake as three vendors, each by its own wire."""
    root = provider_url.removesuffix("/v1")
    return {
        **one_vendor(provider_url),
        "ANTHROPIC_BASE_URL": root,
        "ANTHROPIC_API_KEY": "demo",
        "DASHSCOPE_BASE_URL": f"{root}/api/v1",
        "DASHSCOPE_API_KEY": "demo",
    }


@contextlib.contextmanager
def running_platform(server: str, *, environment: Mapping[str, str]) -> Iterator[Platform]:
    """Runs the whole platform in a home of its own, with `environment` added to a clean one."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="yingda-bench-", ignore_cleanup_errors=True) as home:
        given = {
            "YINGDA_DEMO_SHOP": "0",
            **environment,
            "PORT": str(port),
            "YINGDA_SERVER": server,
            "YINGDA_HOME": home,
            "PYTHONUNBUFFERED": "1",
        }
        output = Path(home) / "output.log"
        started = time.monotonic()
        with spawned(["manage.py", "up"], given, output) as process:
            wait_until_ready(process, output)
            took_seconds = time.monotonic() - started
            url = f"http://127.0.0.1:{port}"
            yield Platform(url, process.pid, Path(home), took_seconds, given)


@contextlib.contextmanager
def further_worker(platform: Platform, *, number: int) -> Iterator[None]:
    """One more `turns` worker beside the supervisor's, by its line in the Procfile."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    line = next(line for line in lines if line.startswith("turns: ")).removeprefix("turns: ")
    command = f"exec {sys.executable} -m {line.replace('turns@', f'turns{number}@')}"
    output = platform.home / f"turns{number}.log"
    with running(["/bin/sh", "-c", command], platform.environment, output):
        yield


def spawned(
    command: Sequence[str], environment: Mapping[str, str], output: Path
) -> contextlib.AbstractContextManager["subprocess.Popen[str]"]:
    """A Python process of ours for as long as the block lasts."""
    return running([sys.executable, *command], environment, output)


@contextlib.contextmanager
def running(
    argv: Sequence[str], environment: Mapping[str, str], output: Path
) -> Iterator["subprocess.Popen[str]"]:
    with output.open("w") as stream:
        process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**clean_environment(), **environment},
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            stop(process)


def stop(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_ready(process: "subprocess.Popen[str]", output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while "ready: " not in output.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchError(f"the platform did not start:\n{tail(output)}")
        time.sleep(0.05)


def tail(output: Path) -> str:
    return "\n".join(output.read_text(errors="replace").splitlines()[-20:])


def wait_until_answering(url: str, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(url)
            return
        time.sleep(0.05)
    raise BenchError(f"nothing answers at {url}")


class Prompted:
    """A child that prints `warm`, waits for a word, and prints a line of JSON for every word it gets."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def cpu_seconds(self) -> float:
        """What the child has spent so far."""
        return usage.spent_seconds(psutil.Process(self._process.pid))

    def wait_warm(self) -> None:
        """Returns when every visitor is connected and has had an answer."""
        self._take(START_SECONDS)

    def measure(self, *, at_most_seconds: float, order: str = "go") -> str:
        """Starts the measurement, with the line it is to get, and returns its result, a JSON line."""
        assert self._process.stdin
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        return self._take(at_most_seconds)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def _take(self, seconds: float) -> str:
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            line = ""
        if not line:
            raise BenchError("the load generator ended without a result")
        return line


class Generator(Prompted):
    """The load in a process of its own, so that its work does not slow what it measures."""

    def __init__(self, target: str, url: str, *, visitors: int, seconds: float) -> None:
        crowd = ("--visitors", str(visitors), "--seconds", str(seconds))
        super().__init__("tests.bench.load", target, url, *crowd)
