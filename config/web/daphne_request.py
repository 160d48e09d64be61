"""One HTTP request on Daphne: bounded in size and in the time it takes to arrive. Built by daphne_server."""

import asyncio
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.web.http import HTTPChannel
from typing_extensions import override

REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedRequest(WebRequest):
    """Refuses a body that is too large without keeping it."""

    received_bytes = 0
    refused = False

    @override
    def gotLength(self, length: int | None) -> None:
        if (length or 0) > self.server.limits.body_bytes:
            self.refuse()
            length = 0
        super().gotLength(length)

    @override
    def handleContentChunk(self, data: bytes) -> None:
        self.received_bytes += len(data)
        if self.refused:
            return
        if self.received_bytes > self.server.limits.body_bytes:
            self.refuse()
        else:
            super().handleContentChunk(data)

    def refuse(self) -> None:
        """Answers 413 at once. What still comes is thrown away for a while: closing now would lose the answer."""
        self.refused = True
        self.requestHeaders.removeHeader(b"expect")
        self.channel.transport.write(REFUSAL)
        self.channel.transport.loseWriteConnection()
        asyncio.get_running_loop().call_later(
            self.server.limits.refusal_seconds, self.channel.forceAbortClient
        )

    @override
    def process(self) -> Any:
        if self.refused:
            return None
        # Daphne would let any client move the application to another root.
        self.requestHeaders.removeHeader(b"daphne-root-path")
        return super().process()


class BoundedChannel(HTTPChannel):
    """A connection whose time for a whole request runs from its start, whatever trickles in meanwhile."""

    @override
    def resetTimeout(self) -> None:
        return


class BoundedFactory(HTTPFactory):
    protocol = BoundedChannel

    @override
    def buildProtocol(self, addr: object) -> Any:
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol
