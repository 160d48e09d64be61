"""Connects to the very address that was checked, and lets nothing take longer than it may. Plain Python.

A name is resolved once: a second answer of its server, meant for the connection, is never asked for.
"""

import socket
import ssl
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Any

import httpcore
from httpcore import SOCKET_OPTION
from typing_extensions import override

from chat.tools import addresses
from chat.tools.addresses import Target

CONNECT_SECONDS = 2.0
RESOLVERS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")


class Blocked(Exception):
    """The host is, or resolves to, an address that may not be called; `reason` as in addresses.refusal."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Deadline:
    """A moment that nothing may outlast."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    def left(self, most: float | None = None) -> float:
        """Seconds until then, `most` at most. Raises httpcore.ReadTimeout when there are none."""
        seconds = self.at - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout("deadline")
        return seconds if most is None else min(seconds, most)


class CheckedBackend(httpcore.NetworkBackend):
    """Resolves, checks every address, connects to the first of those it has checked."""

    def __init__(self, target: Target, *, named: Collection[str], deadline: Deadline) -> None:
        self.is_named = addresses.is_named(target, named)
        self.deadline = deadline
        self.plain = httpcore.SyncBackend()

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises Blocked when any of the host's addresses may not be called: its server is not to be trusted."""
        found = self.resolve(host, port)
        if not self.is_named:
            for address in found:
                if reason := addresses.refusal(address):
                    raise Blocked(reason)
        stream = self.plain.connect_tcp(found[0], port, timeout=self.deadline.left(CONNECT_SECONDS))
        return TimedStream(stream, self.deadline)

    def resolve(self, host: str, port: int) -> list[str]:
        asked = RESOLVERS.submit(socket.getaddrinfo, host.strip("[]"), port, 0, socket.SOCK_STREAM)
        try:
            answers = asked.result(timeout=self.deadline.left(CONNECT_SECONDS))
        except TooLate:
            raise httpcore.ConnectTimeout("resolver") from None
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("unknown host") from None
        return [str(answer[4][0]) for answer in answers]

    @override
    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        raise Blocked("special")


class TimedStream(httpcore.NetworkStream):
    """A stream on which every wait ends with the deadline, however little comes at a time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self.stream, self.deadline = stream, deadline

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, timeout=self.deadline.left())

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, timeout=self.deadline.left())

    @override
    def close(self) -> None:
        self.stream.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self.stream.start_tls(
            ssl_context, server_hostname, timeout=self.deadline.left(CONNECT_SECONDS)
        )
        return TimedStream(secured, self.deadline)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)
