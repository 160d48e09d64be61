"""The provider fake as a process: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.fakes.provider_control import ProviderControl

ROOT = Path(__file__).resolve().parent.parent


def start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.fakes.provider_server", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_process_announces_itself_and_stops_at_once_with_open_streams() -> None:
    with start("--ttft-ms", "1", "--interval-ms", "60000") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        control = ProviderControl(line.split()[-1])
        with httpx.stream(
            "POST",
            f"{control.base_url}/chat/completions",
            json=body(stream=True),
            headers={"authorization": "Bearer k"},
            trust_env=False,
        ) as reply:
            next(reply.iter_bytes())
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = process.wait(5)
        control.close()

        assert re.fullmatch(r"fake provider: http://127\.0\.0\.1:\d+\n", line)
        assert (code, process.stderr and process.stderr.read()) == (0, "")
        assert time.monotonic() - started < 1


def test_process_says_that_the_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start("--port", str(port)) as process:
            _, complaint = process.communicate(timeout=20)

    assert process.returncode == 1
    assert (
        complaint == f"fake provider: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    )


@pytest.mark.parametrize(
    "options", [("--host", "192.0.2.1"), ("--tokens", "-1"), ("--ttft-ms", "nan")]
)
def test_process_refuses_bad_options(options: tuple[str, str]) -> None:
    with start(*options) as process:
        _, complaint = process.communicate(timeout=20)

    assert process.returncode == 2
    assert options[0] in complaint
