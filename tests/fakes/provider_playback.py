"""Plays prepared bytes over a connection on time, and breaks the connection where a fault wants it.

Tokens are written straight to the transport, already framed as HTTP chunks: a token costs one timer and one write,
so that 50 streams with a token each 10 ms leave the machine to whatever is being measured.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from starlette.types import Send
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends RST


class Ending(Enum):
    """What follows the last bytes."""

    COMPLETE = "complete"
    CUT = "cut"
    RESET = "reset"
    HANG = "hang"


@dataclass(frozen=True, slots=True)
class Playback:
    """A whole reply, ready to play. `status` None: nothing is ever sent.

    `steps` are (milliseconds after the headers, bytes); `tail` goes out at `end_ms` together with the end of the
    body; `hold_ms` passes before the headers. All bytes of `steps` and `tail` are plain; framing happens here.
    """

    status: int | None
    steps: Sequence[tuple[float, bytes]] = ()
    tail: bytes = b""
    end_ms: float = 0.0
    ending: Ending = Ending.COMPLETE
    content_type: str = "application/json"
    headers: Sequence[tuple[bytes, bytes]] = ()
    hold_ms: float = 0.0
    ttft_ms: float = 0.0


class Connection:
    """One TCP connection of a client; `gone` is done when it is closed from either side."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def is_gone_within(self, delay_ms: float | None) -> bool:
        """Wait until the client leaves, or `delay_ms` pass (None: for ever). True when it left."""
        timeout_seconds = None if delay_ms is None else delay_ms / 1000
        await asyncio.wait({self.gone}, timeout=timeout_seconds)
        return self.gone.done()

    async def close(self) -> None:
        """End the connection in the orderly TCP way, whatever HTTP was still owed."""
        self.transport.close()
        await asyncio.wait({self.gone})

    async def reset(self) -> None:
        """End the connection with a RST."""
        wire: socket.socket = self.transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()
        await asyncio.wait({self.gone})


class ConnectionProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 that also hands the application its `Connection`, as `scope["state"]["connection"]`."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._connection = Connection(transport)
        self.app_state = {**self.app_state, "connection": self._connection}

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._connection.gone.set_result(None)


async def play(playback: Playback, *, connection: Connection, send: Send) -> bool:
    """Send the reply on time. False when the client closed before the end that was planned."""
    if playback.hold_ms and await connection.is_gone_within(playback.hold_ms):
        return False
    if playback.status is not None:
        await send(_start(playback))
        if not await _Player(playback, connection).finished:
            return False
    match playback.ending:
        case Ending.HANG:
            await connection.is_gone_within(None)
            return False
        case Ending.CUT:
            await connection.close()
        case Ending.RESET:
            await connection.reset()
        case Ending.COMPLETE:
            # In one go with the end of the body: a client that stops at its terminal marker and finds the body
            # unfinished throws the connection away.
            _write(connection, [playback.tail])
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    return True


def _start(playback: Playback) -> dict[str, Any]:
    headers = [(b"content-type", playback.content_type.encode()), *playback.headers]
    return {"type": "http.response.start", "status": playback.status, "headers": headers}


def _write(connection: Connection, frames: Sequence[bytes]) -> None:
    data = b"".join([b"%x\r\n%b\r\n" % (len(frame), frame) for frame in frames if frame])
    if data:
        connection.transport.write(data)


class _Player:
    """Writes every step when it is due; steps that are late go out together. `finished` tells whether all went."""

    __slots__ = ("_at", "_connection", "_loop", "_playback", "_started", "_timer", "finished")

    def __init__(self, playback: Playback, connection: Connection) -> None:
        self._loop = asyncio.get_running_loop()
        self._playback, self._connection = playback, connection
        self._started = self._loop.time()
        self._at = 0
        self._timer: asyncio.TimerHandle | None = None
        self.finished: asyncio.Future[bool] = self._loop.create_future()
        connection.gone.add_done_callback(self._stop)
        self._tick()

    def _tick(self) -> None:
        steps, first, at = self._playback.steps, self._at, self._at
        now_ms = (self._loop.time() - self._started) * 1000
        while at < len(steps) and steps[at][0] <= now_ms:
            at += 1
        self._at = at
        _write(self._connection, [frame for _, frame in steps[first:at]])
        next_ms = steps[at][0] if at < len(steps) else self._playback.end_ms
        if at == len(steps) and next_ms <= now_ms:
            self._finish(played=True)
        else:
            self._timer = self._loop.call_at(self._started + next_ms / 1000, self._tick)

    def _stop(self, _gone: asyncio.Future[None]) -> None:
        self._finish(played=False)

    def _finish(self, *, played: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._connection.gone.remove_done_callback(self._stop)
        if not self.finished.done():
            self.finished.set_result(played)


def connection_of(state: object) -> Connection:
    """The connection in a request's `scope["state"]`."""
    return cast("dict[str, Connection]", state)["connection"]
