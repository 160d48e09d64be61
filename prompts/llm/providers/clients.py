"""One client per server, key and process: building one costs 20 ms, and it keeps the connections open.

Called by the wires; a client is built by the wire's own function, which imports its SDK.
"""

import os
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlsplit

from prompts.llm.catalogue import Endpoint

if TYPE_CHECKING:
    import httpx2

CLIENTS_KEPT = 64
CONNECTIONS_MAX, CONNECTIONS_KEPT = 1000, 100

T = TypeVar("T")


class Clients(Generic[T]):
    """The clients of one wire; `build` makes one for a base URL (empty: the vendor's own) and a key.

    The least used are dropped, and their connections closed once nobody holds on to them.
    """

    def __init__(self, build: Callable[[str, str], T]) -> None:
        self.lock = Lock()
        # By process, for a socket that a child inherits would be read by two.
        self.built = lru_cache(maxsize=CLIENTS_KEPT)(
            lambda _process, base_url, key: build(base_url, key)
        )

    def of(self, endpoint: Endpoint) -> T:
        """The endpoint's client; the first call imports the SDK, which takes seconds."""
        with self.lock:
            return self.built(os.getpid(), endpoint.base_url, endpoint.api_key)


def direct_connections() -> "httpx2.Client":
    """Connections that no proxy sees, whatever the environment says, for the SDKs of OpenAI and Anthropic.

    The latter's own client looks for proxies even if told not to.
    """
    # Inline: it comes with the SDKs, whose import only a process that calls these wires should pay.
    import httpx2  # noqa: PLC0415

    limits = httpx2.Limits(
        max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_KEPT
    )
    return httpx2.Client(trust_env=False, limits=limits)


def is_loopback(base_url: str) -> bool:
    """True for a server on this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
