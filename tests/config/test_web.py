"""The web process over real sockets: what a client may not do to it, on both servers."""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.config.web_probe import LIMITS

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Web:
    server: str
    port: int
    process: "subprocess.Popen[str]"
    output: IO[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/"

    def rss_bytes(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def printed(self) -> str:
        return Path(self.output.name).read_text()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def running(server: str, output: Path) -> Iterator[Web]:
    port = free_port()
    with output.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.config.web_probe", server, str(port)],
            cwd=ROOT,
            stdout=stream,
            stderr=stream,
            text=True,
        )
        try:
            wait_for(port, process)
            yield Web(server, port, process, stream)
        finally:
            process.kill()
            process.wait()


def wait_for(port: int, process: "subprocess.Popen[str]") -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, "the server ended"
        time.sleep(0.05)
    pytest.fail("the server does not listen")


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def web(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with running(request.param, tmp_path_factory.mktemp("web") / "output") as started:
        yield started


@pytest.fixture(scope="module")
def daphne(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with running("daphne", tmp_path_factory.mktemp("web") / "output") as started:
        yield started


async def ask(ws: ClientConnection, **order: object) -> dict[str, object]:
    await ws.send(json.dumps(order))
    reply: dict[str, object] = json.loads(await asyncio.wait_for(ws.recv(), 5))
    return reply


async def answers(web: Web) -> bool:
    async with connect(web.socket_url, subprotocols=["yingda.v1"]) as ws:  # type: ignore[list-item]
        return await ask(ws, echo="你好") == {"echo": "你好"}


async def closing_code(ws: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(ws.recv(), 10)
    return closed.value.rcvd.code if closed.value.rcvd else None


async def closing_code_after(web: Web, message: str | list[str]) -> int | None:
    async with connect(web.socket_url) as ws:
        with contextlib.suppress(ConnectionClosed):
            await ws.send(message)
        return await closing_code(ws)


def slow_reader(web: Web) -> socket.socket:
    """A raw websocket whose owner reads nothing after the handshake."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", web.port))
    raw.sendall(
        b"GET /ws/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert b" 101 " in raw.recv(4096)
    return raw


def masked(text: str) -> bytes:
    """A text frame as a client sends it; a mask of zeros leaves the payload as it is."""
    payload = text.encode()
    assert len(payload) < 126
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


async def test_socket_answers_and_keeps_its_subprotocol(web: Web) -> None:
    async with connect(web.socket_url, subprotocols=["yingda.v1"]) as ws:  # type: ignore[list-item]
        assert ws.subprotocol == "yingda.v1"
        assert await ask(ws, echo="x") == {"echo": "x"}


async def test_root_path_header_is_ignored(web: Web) -> None:
    headers = {"Daphne-Root-Path": "/public", "X-Forwarded-For": "9.9.9.9"}
    expected = {"path": "/public/x", "root_path": "", "client": ["127.0.0.1"]}
    async with httpx.AsyncClient(base_url=web.url, headers=headers) as client:
        assert (await client.get("/public/x")).json() == {"length": 0, **expected}
    async with connect(web.socket_url, additional_headers=headers) as ws:
        assert await ask(ws, scope=1) == {**expected, "path": "/ws/"}


@pytest.mark.parametrize("size", [LIMITS.socket_bytes + 1, 5_000_000])
async def test_oversized_message_closes_that_socket_only(web: Web, size: int) -> None:
    code = await closing_code_after(web, "x" * size)
    # uvicorn may reset the connection before its close frame has been read.
    assert code == 1009 or (web.server == "uvicorn" and code is None)
    assert await answers(web)


async def test_large_answers_are_not_limited(web: Web) -> None:
    async with connect(web.socket_url, max_size=None) as ws:
        await ws.send(json.dumps({"flood": 3, "size": LIMITS.socket_bytes * 4}))
        for _ in range(3):
            assert len(await asyncio.wait_for(ws.recv(), 5)) == LIMITS.socket_bytes * 4


async def test_message_in_too_many_fragments_closes_the_socket(daphne: Web) -> None:
    assert await closing_code_after(daphne, ["x"] * (LIMITS.socket_fragments + 5)) == 1009


async def test_reserved_close_codes_reach_the_client(web: Web) -> None:
    assert await closing_code_after(web, json.dumps({"close": 1013})) == 1013


async def test_slow_reader_is_closed_and_costs_little(web: Web) -> None:
    before_bytes = web.rss_bytes()
    raw = slow_reader(web)
    with raw:
        raw.sendall(masked(json.dumps({"flood": 200_000, "size": 1000})))
        deadline = time.monotonic() + 3 * LIMITS.slow_reader_seconds + 2
        while "disconnect 4408" not in web.printed() and time.monotonic() < deadline:
            assert await answers(web), "the neighbours are served"
            await asyncio.sleep(0.2)
    assert "disconnect 4408" in web.printed()
    assert web.rss_bytes() - before_bytes < 8_000_000


async def test_reader_that_catches_up_keeps_its_socket_and_every_frame(web: Web) -> None:
    async with connect(web.socket_url, max_queue=8) as ws:
        await ws.send(json.dumps({"flood": 5000, "size": 1000}))
        await asyncio.sleep(LIMITS.slow_reader_seconds / 2)
        for _ in range(5000):
            assert len(await asyncio.wait_for(ws.recv(), 5)) == 1000
        assert await ask(ws, echo=1) == {"echo": 1}


async def test_flood_waits_outside_and_is_then_answered_in_order(daphne: Web) -> None:
    before_bytes = daphne.rss_bytes()
    raw = slow_reader(daphne)
    raw.setblocking(False)
    with raw:
        raw.send(masked(json.dumps({"sleep": 3})))
        sent_bytes = 0
        frames = masked(json.dumps({"echo": 1})) * 2000
        with contextlib.suppress(BlockingIOError):
            while sent_bytes < 20_000_000:
                sent_bytes += raw.send(frames)
        assert await answers(daphne)
        assert sent_bytes < 20_000_000, "the server went on reading"
        assert daphne.rss_bytes() - before_bytes < 8_000_000
    async with connect(daphne.socket_url) as ws:
        await ws.send(json.dumps({"sleep": 0.3}))
        for n in range(300):
            await ws.send(json.dumps({"echo": n}))
        assert [json.loads(await ws.recv())["echo"] for _ in range(300)] == list(range(300))


async def test_declared_large_body_is_refused_unread(web: Web) -> None:
    before_bytes = web.rss_bytes()
    async with httpx.AsyncClient(base_url=web.url) as client:
        response = await client.post("/body", content=b"x" * (60 * LIMITS.body_bytes))
        assert response.status_code == 413
        assert (await client.post("/body", content=b"x" * 1000)).json()["length"] == 1000
    assert web.rss_bytes() - before_bytes < 20_000_000


async def test_chunked_large_body_is_refused(web: Web) -> None:
    async def chunks() -> object:
        for _ in range(50):
            yield b"x" * 100_000

    async with httpx.AsyncClient(base_url=web.url) as client:
        response = await client.post("/body", content=chunks())  # type: ignore[arg-type]
        assert response.status_code == 413
    async with httpx.AsyncClient(base_url=web.url) as client:
        assert (await client.get("/")).status_code == 200


def test_request_that_trickles_in_is_cut_off(daphne: Web) -> None:
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", daphne.port), 10) as raw:
        raw.settimeout(0.5)
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - started < 10:
                raw.sendall(b"G" if time.monotonic() - started < 1 else b"E")
                with contextlib.suppress(TimeoutError):
                    if not raw.recv(100):
                        break
    assert LIMITS.request_seconds - 1 < time.monotonic() - started < LIMITS.request_seconds + 3


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
async def test_sigterm_says_goodbye_and_exits_in_time(server: str, tmp_path: Path) -> None:
    with running(server, tmp_path / "output") as web:
        async with httpx.AsyncClient(base_url=web.url) as client:
            sockets = [await connect(web.socket_url) for _ in range(20)]
            pending = asyncio.create_task(client.get("/slow"))
            await asyncio.sleep(0.2)
            web.process.send_signal(signal.SIGTERM)
            codes = {await closing_code(ws) for ws in sockets}
            assert codes == {1012}
            assert (await pending).status_code == 200
        await asyncio.to_thread(web.process.wait, 5)


async def test_sigterm_does_not_wait_for_those_who_do_not_read(tmp_path: Path) -> None:
    with running("daphne", tmp_path / "output") as web:
        raw = slow_reader(web)
        raw.sendall(masked(json.dumps({"sleep": 60})))
        await asyncio.sleep(0.2)
        web.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(web.process.wait, LIMITS.shutdown_seconds + 1)
        raw.close()


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
def test_taken_port_is_said_in_one_line(server: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = subprocess.run(
            [sys.executable, "-m", "tests.config.web_probe", server, str(taken.getsockname()[1])],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=20,
        )
    assert ended.returncode
    said = ended.stdout + ended.stderr
    assert "in use" in said
    assert "Traceback" not in said


async def test_query_strings_are_not_logged(web: Web) -> None:
    async with httpx.AsyncClient(base_url=web.url) as client:
        await client.get("/?token=hush")
    async with connect(f"{web.socket_url}?token=hush") as ws:
        await ask(ws, echo=1)
    assert "hush" not in web.printed()
