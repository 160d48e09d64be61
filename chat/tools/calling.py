"""One HTTP call to a shop's system: JSON in, JSON out, no redirect, bounded in time and size. Plain Python."""

import json
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore
import httpx

from chat.tools import addresses
from chat.tools.connecting import Blocked, CheckedBackend, Deadline

BODY_BYTES = 256 * 1024
REDIRECTS = range(300, 400)
NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Call:
    """What goes on the wire. `body` is sent as JSON where it is not None."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `error` is a code, empty for a 2xx with readable JSON; `status` 0 when nothing came.

    "blocked" and "bad_url": nothing was sent. "unreachable": nothing arrived. "timeout", "too_large", "not_json",
    "redirect", "broken": the request may have been carried out. "http": a status of 400 or more.
    """

    status: int = 0
    content: Any = None
    error: str = ""
    detail: str = ""


class Unusable(Exception):
    """The reply cannot be taken; the message is the code."""


def send(call: Call, *, named: Collection[str] = ()) -> Reply:
    """Makes the call; whatever goes wrong is in the reply. `named` are the hosts the operator allows by name."""
    return reach(call, exchange, named=named)


def tell(call: Call, content: bytes, *, named: Collection[str] = ()) -> Reply:
    """Posts bytes that are JSON already; of what comes back only the status counts, and its body is not read."""

    def post(pool: httpcore.ConnectionPool, call: Call) -> Reply:
        headers = {"Content-Type": "application/json", **call.headers}
        sent = [(name.encode("latin-1"), value.encode()) for name, value in headers.items()]
        with pool.stream(call.method, call.url, headers=sent, content=content) as response:
            return Reply(response.status, error=status_error(response.status))

    return reach(call, post, named=named)


def reach(
    call: Call,
    talk: Callable[[httpcore.ConnectionPool, Call], Reply],
    *,
    named: Collection[str],
) -> Reply:
    """Connects to the address that was checked and lets `talk` do the rest."""
    try:
        target = addresses.target_of(call.url)
    except addresses.BadAddress as error:
        return Reply(error="bad_url", detail=str(error))
    deadline = Deadline(call.timeout_seconds)
    try:
        backend = CheckedBackend(target, named=named, deadline=deadline)
        with httpcore.ConnectionPool(
            ssl_context=trusted(), network_backend=backend, max_connections=1, http2=False
        ) as pool:
            return talk(pool, call)
    except Blocked as error:
        return Reply(error="blocked", detail=error.reason)
    except (httpcore.ConnectError, httpcore.ConnectTimeout):
        return Reply(error="unreachable")
    except httpcore.TimeoutException:
        return Reply(error="timeout")
    except (httpcore.NetworkError, httpcore.ProtocolError):
        return Reply(error="broken")


def status_error(status: int) -> str:
    if status in REDIRECTS:
        return "redirect"
    return "http" if status >= 400 else ""


def exchange(pool: httpcore.ConnectionPool, call: Call) -> Reply:
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", **call.headers}
    content = None
    if call.body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(call.body, ensure_ascii=False).encode()
    sent = [(name.encode("latin-1"), value.encode()) for name, value in headers.items()]
    with pool.stream(call.method, call.url, headers=sent, content=content) as response:
        if response.status in REDIRECTS:
            return Reply(response.status, error="redirect")
        try:
            found = read_json(response)
        except Unusable as error:
            code = "http" if response.status >= 400 else str(error)
            return Reply(response.status, error=code, detail=str(error))
    return Reply(response.status, found, error="http" if response.status >= 400 else "")


def read_json(response: httpcore.Response) -> Any:
    """The body as JSON. Raises Unusable."""
    if response.status == NO_CONTENT:
        return {}
    headers = {name.lower(): value.lower() for name, value in response.headers}
    kind = headers.get(b"content-type", b"").split(b";")[0].strip()
    if not (kind == b"application/json" or kind.endswith(b"+json")):
        raise Unusable("not_json")
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise Unusable("not_json")
    body = b""
    for piece in response.iter_stream():
        body += piece
        if len(body) > BODY_BYTES:
            raise Unusable("too_large")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unusable("not_json") from None


@cache
def trusted() -> ssl.SSLContext:
    """The certificates we believe; made once, which takes 20 ms."""
    return httpx.create_ssl_context()
