"""The provider fake as a process: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def started(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.fakes.provider_server", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_process_announces_itself_and_stops_at_once_with_open_streams() -> None:
    request = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "你好"}]}
    with started("--ttft-ms", "1", "--interval-ms", "60000") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        with httpx.Client(trust_env=False, headers={"authorization": "Bearer k"}) as http:
            url = f"{line.split()[-1]}/v1/chat/completions"
            with http.stream("POST", url, json=request) as reply:
                next(reply.iter_bytes())
                told_at = time.monotonic()
                process.terminate()
                output, complaint = process.communicate(timeout=5)
                took_seconds = time.monotonic() - told_at

    assert re.fullmatch(r"fake provider: http://127\.0\.0\.1:\d+\n", line)
    assert (process.returncode, output, complaint) == (0, "", "")
    assert took_seconds < 2


def test_process_says_that_the_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with started("--port", str(port)) as process:
            _, complaint = process.communicate(timeout=20)

    assert process.returncode == 1
    assert complaint == (
        f"fake provider: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    )


@pytest.mark.parametrize(
    "options", [("--host", "192.0.2.1"), ("--tokens", "-1"), ("--ttft-ms", "nan")]
)
def test_process_refuses_bad_options(options: tuple[str, str]) -> None:
    with started(*options) as process:
        _, complaint = process.communicate(timeout=20)

    assert process.returncode == 2
    assert options[0] in complaint
