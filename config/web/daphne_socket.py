"""One websocket on Daphne, bounded in both directions. Built by daphne_server; it knows nothing of the application.

Outgoing: the transport reports when the kernel takes no more; frames are counted from there, and a reader that
stays behind is closed. Incoming: a socket is not read while its messages wait for the application.
"""

import asyncio
import contextlib
import socket

from daphne.ws_protocol import WebSocketProtocol
from typing_extensions import override

from config.web.limits import Limits

TOO_BIG = 1009
TOO_SLOW = 4408


class BoundedSocket(WebSocketProtocol):
    """Also the producer of its own transport, which is how Twisted says "full" and "empty"."""

    behind_frames = 0
    behind_bytes = 0
    fragments = 0
    unread_full = False
    failedByMe: bool  # noqa: N815 Autobahn's name

    @property
    def limits(self) -> Limits:
        limits: Limits = self.factory.server_class.limits
        return limits

    # --- the transport ---------------------------------------------------------------------------

    @override
    def connectionMade(self) -> None:
        self.drained = asyncio.Event()
        self.drained.set()
        # Until here the HTTP channel was the producer: it stops reading a peer that does not read.
        self.transport.unregisterProducer()
        super().connectionMade()
        self.transport.registerProducer(self, True)  # noqa: FBT003
        # A kernel buffer that grows to megabytes would hide a slow reader for minutes.
        with contextlib.suppress(OSError):
            self.transport.getHandle().setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, self.limits.socket_send_buffer_bytes
            )

    def pauseProducing(self) -> None:  # noqa: N802 Twisted's name
        self.drained.clear()

    def resumeProducing(self) -> None:  # noqa: N802 Twisted's name
        self.behind_frames = self.behind_bytes = 0
        self.drained.set()

    def stopProducing(self) -> None:  # noqa: N802 Twisted's name
        self.drained.set()

    # --- outgoing --------------------------------------------------------------------------------

    async def wait_for_room(self, size_bytes: int) -> None:
        """Returns when a frame may be sent; closes the socket of a reader that does not catch up in time."""
        if self.drained.is_set() or self.state != self.STATE_OPEN:
            return
        self.behind_frames += 1
        self.behind_bytes += size_bytes
        limits = self.limits
        if (
            self.behind_frames <= limits.socket_behind_frames
            and self.behind_bytes <= limits.socket_behind_bytes
        ):
            return
        try:
            async with asyncio.timeout(limits.slow_reader_seconds):
                await self.drained.wait()
        except TimeoutError:
            self.close_with(TOO_SLOW)

    def close_with(self, code: int) -> None:
        """Starts the closing handshake; Autobahn aborts the connection when the peer does not finish it."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=code)

    @override
    def serverClose(self, code: int | None = None) -> None:
        # Daphne's own refuses the codes below 3000 that RFC 6455 keeps for servers, 1011 to 1013 among them.
        self.close_with(1000 if code is None else code)

    @override
    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        # A frame after the close frame is dropped: the application has not heard of the close yet.
        if self.state in {self.STATE_CONNECTING, self.STATE_OPEN}:
            super().serverSend(content, binary)

    @override
    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        # Autobahn's own builds a coloured debug line for every frame, logged or not.
        self.transport.write(data)

    # --- incoming --------------------------------------------------------------------------------

    @override
    def dataReceived(self, data: bytes) -> None:
        self._dataReceived(data)

    @override
    def processData(self) -> bool:
        """Takes one frame from the buffer, unless enough messages wait for the application."""
        if (
            self.state == self.STATE_OPEN
            and self.application_queue.qsize() >= self.limits.socket_unread_frames
        ):
            self.unread_full = True
            self.transport.pauseProducing()
            return False
        more: bool = super().processData()
        return more

    def application_took(self, *, waiting: int) -> None:
        """Goes on reading once the application has taken half of what waited for it."""
        if self.unread_full and waiting <= self.limits.socket_unread_frames // 2:
            self.unread_full = False
            self.transport.resumeProducing()
            self.consumeData()

    @override
    def onMessageBegin(self, isBinary: bool) -> None:
        self.fragments = 0
        super().onMessageBegin(isBinary)

    @override
    def onMessageFrameBegin(self, length: int) -> None:
        # Autobahn's own limit would hold for what we send, too.
        super().onMessageFrameBegin(length)
        self.fragments += 1
        too_big = self.message_data_total_length > self.limits.socket_bytes
        if (too_big or self.fragments > self.limits.socket_fragments) and not self.failedByMe:
            self.failedByMe = True
            self.close_with(TOO_BIG)

    @override
    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        # A handshake that failed early has no application to tell.
        if hasattr(self, "server"):
            super().onClose(wasClean, self.localCloseCode if self.closedByMe else code, reason)
