"""uvicorn within the same limits. It has flow control of its own; bodies and slow readers need a bound from us.

Started by config.web. It never reads forwarding headers: whoever sits in front of it is the peer.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
import uvicorn
from typing_extensions import override
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from config.web.limits import Limits

Application = Callable[..., Awaitable[None]]
Event = dict[str, Any]

TOO_SLOW = 4408

log = structlog.get_logger(__name__)


def serve(application: Application, *, host: str, port: int, limits: Limits) -> int:
    """Serves until SIGTERM or SIGINT. uvicorn itself exits when the port cannot be had."""
    config = uvicorn.Config(
        BodyLimit(application, limits=limits),
        host=host,
        port=port,
        loop="asyncio",
        http="h11",
        ws=bounded_socket(limits),
        ws_max_size=limits.socket_bytes,
        ws_ping_interval=20,
        ws_ping_timeout=30,
        ws_per_message_deflate=False,
        interface="asgi3",
        lifespan="off",
        access_log=False,
        log_config=None,
        # At INFO it logs the query string of every socket.
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(limits.shutdown_seconds),
    )
    log.info("web.starting", server="uvicorn", host=host, port=port)
    uvicorn.Server(config).run()
    return 0


def bounded_socket(limits: Limits) -> type[asyncio.Protocol]:
    """uvicorn's socket, with an end to the patience with a reader that stands still."""

    class BoundedSocket(WebSocketsSansIOProtocol):
        given_up = False

        @override
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            with contextlib.suppress(OSError):
                transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_SNDBUF, limits.socket_send_buffer_bytes
                )

        @override
        async def send(self, message: ASGISendEvent) -> None:
            if not self.writable.is_set() and not self.given_up:
                try:
                    async with asyncio.timeout(limits.slow_reader_seconds):
                        await self.writable.wait()
                except TimeoutError:
                    self.give_up()
            # Until the application hears of the end, what it sends is dropped.
            if not self.given_up:
                await super().send(message)

        def give_up(self) -> None:
            self.given_up = self.close_sent = True
            self.queue.put_nowait({"type": "websocket.disconnect", "code": TOO_SLOW, "reason": ""})
            self.conn.send_close(TOO_SLOW)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.loop.call_later(limits.slow_reader_seconds, self.transport.abort)

    return BoundedSocket


class BodyTooLargeError(Exception):
    """Raised into the application that is reading the body; it ends there."""


class BodyLimit:
    """Answers 413 to a body over the limit, before it is read where its length is known."""

    def __init__(self, application: Application, *, limits: Limits) -> None:
        self.application = application
        self.limits = limits

    async def __call__(self, scope: Event, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
        elif declared_bytes(scope) > self.limits.body_bytes:
            await self.refuse(receive, send)
        else:
            await self.run_counting(scope, receive, send)

    async def run_counting(self, scope: Event, receive: Any, send: Any) -> None:
        received_bytes = 0

        async def receive_counting() -> Event:
            nonlocal received_bytes
            event: Event = await receive()
            received_bytes += len(event.get("body", b""))
            if received_bytes > self.limits.body_bytes:
                raise BodyTooLargeError
            return event

        try:
            await self.application(scope, receive_counting, send)
        except BodyTooLargeError:
            await self.refuse(receive, send)

    async def refuse(self, receive: Any, send: Any) -> None:
        """Answers at once. What still comes is thrown away for a while: closing now would lose the answer."""
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.limits.refusal_seconds):
                while (await receive()).get("more_body", False):
                    pass
        await send({"type": "http.response.body", "body": b""})


def declared_bytes(scope: Event) -> int:
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0
