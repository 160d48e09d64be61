"""Daphne with the limits it lacks: slow readers, floods, large bodies, slow requests, and a goodbye on SIGTERM.

Started by config.web. It never reads forwarding headers: whoever sits in front of it is the peer.
"""

# Daphne's module installs the asyncio reactor, so it comes before anything else of Twisted.
from daphne.server import Server, twisted_loop  # isort: skip

import asyncio
import functools
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from daphne.ws_protocol import WebSocketFactory
from twisted.internet import defer, reactor
from twisted.internet.error import CannotListenError
from twisted.logger import ILogObserver, globalLogBeginner
from typing_extensions import override

from config.web.daphne_request import BoundedFactory
from config.web.daphne_socket import BoundedSocket
from config.web.limits import Limits

Application = Callable[..., Awaitable[None]]

RESTARTING = 1012
BACKLOG_CONNECTIONS = 1024

log = structlog.get_logger(__name__)


def serve(application: Application, *, host: str, port: int, limits: Limits) -> int:
    """Serves until SIGTERM or SIGINT. Returns the exit code: 1 when the port cannot be had."""
    server = WebServer(application, limits=limits)
    try:
        server.listen(host, port)
    except CannotListenError as error:
        log.error("web.cannot_listen", host=host, port=port, reason=str(error.socketError))
        return 1
    log.info("web.listening", server="daphne", host=host, port=port)
    server.run()
    return 0


class WebServer(Server):
    """Daphne's bookkeeping with our protocols, flow control in `send` and our own shutdown."""

    def __init__(self, application: Application, *, limits: Limits) -> None:
        super().__init__(
            application,
            endpoints=["unused: listen() opens the port"],
            http_timeout=limits.request_seconds,
            websocket_handshake_timeout=limits.handshake_seconds,
            websocket_connect_timeout=limits.handshake_seconds,
            server_name="",
            verbosity=0,
        )
        self.limits = limits
        self.connections: dict[Any, dict[str, Any]] = {}
        self.reactor: Any = reactor

    def listen(self, host: str, port: int) -> None:
        """Opens the port. Raises CannotListenError."""
        asyncio.set_event_loop(twisted_loop)
        globalLogBeginner.beginLoggingTo(
            [cast("ILogObserver", log_failure)], redirectStandardIO=False, discardBuffer=True
        )
        self.ws_factory = WebSocketFactory(self, server=self.server_name)
        self.ws_factory.protocol = BoundedSocket
        self.ws_factory.setProtocolOptions(
            allowNullOrigin=True,
            openHandshakeTimeout=self.limits.handshake_seconds,
            closeHandshakeTimeout=self.limits.slow_reader_seconds,
            autoPingTimeout=self.ping_timeout,
            # A close frame with the reason, where Autobahn's default just drops the connection.
            failByDrop=False,
        )
        factory = BoundedFactory(self)
        factory.timeOut = self.limits.request_seconds
        self.port = self.reactor.listenTCP(port, factory, BACKLOG_CONNECTIONS, host)

    @override
    def run(self) -> None:
        self.reactor.callLater(1, self.application_checker)
        self.reactor.callLater(2, self.timeout_checker)
        self.reactor.addSystemEventTrigger("before", "shutdown", self.kill_all_applications)
        self.reactor.run()

    @override
    def create_application(self, protocol: Any, scope: dict[str, Any]) -> asyncio.Queue[Any]:
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        receive = inbox.get
        if isinstance(protocol, BoundedSocket):
            receive = functools.partial(receive_and_tell, inbox, protocol)
        scope.setdefault("asgi", {"version": "3.0"})
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(
            self.application(scope, receive, functools.partial(self.handle_reply, protocol))
        )
        return inbox

    @override
    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            await protocol.wait_for_room(len(message.get("text") or message.get("bytes") or ""))
        await super().handle_reply(protocol, message)

    @override
    def kill_all_applications(self) -> defer.Deferred[None]:
        """Twisted waits for this before it stops."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self.leave()))

    async def leave(self) -> None:
        """Tells every socket that we restart, lets requests end, then cancels what is left."""
        # A thread of the application that hangs would otherwise keep the process.
        watchdog = threading.Timer(self.limits.shutdown_seconds, os._exit, (0,))
        watchdog.daemon = True
        watchdog.start()
        self.port.stopListening()
        for protocol in list(self.connections):
            if isinstance(protocol, BoundedSocket):
                protocol.close_with(RESTARTING)
        await asyncio.wait([*self.running(), idle()], timeout=self.limits.shutdown_seconds / 2)
        leftovers = self.running()
        for application in leftovers:
            application.cancel()
        await asyncio.wait([*leftovers, idle()], timeout=1)
        # One more round of the reactor, for what was just written.
        await asyncio.sleep(0.05)

    def running(self) -> list[asyncio.Future[None]]:
        found = [details.get("application_instance") for details in self.connections.values()]
        return [application for application in found if application and not application.done()]


def idle() -> asyncio.Future[None]:
    """A future that is done: asyncio.wait takes no empty list."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


async def receive_and_tell(inbox: asyncio.Queue[Any], protocol: BoundedSocket) -> Any:
    event = await inbox.get()
    protocol.application_took(waiting=inbox.qsize())
    return event


def log_failure(event: dict[str, Any]) -> None:
    """Twisted's own log goes nowhere, except for exceptions."""
    failure = event.get("log_failure")
    if failure is not None:
        exception = failure.value
        log.error("web.failure", exc_info=(type(exception), exception, exception.__traceback__))
