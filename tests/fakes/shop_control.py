"""How tests run the demo shop and talk to its controls: `with running() as shop:`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.fakes.shop_server import Shop, build_server

START_SECONDS = 10.0


class ShopControl:
    """A running shop: its address, its order book, and what was asked of it."""

    def __init__(self, shop: Shop, port: int) -> None:
        self.shop = shop
        self.host = f"127.0.0.1:{port}"
        self.url = f"http://{self.host}"

    def fail(self, kind: str, *, act: str = "*", times: int = 1, value: Any = None) -> None:
        """The next calls of an act, or of any, go wrong."""
        fault = {"kind": kind, "act": act, "times": times, "value": value}
        httpx.post(f"{self.url}/_fake/faults", json=[fault], trust_env=False).raise_for_status()

    def requests(self, act: str = "") -> list[dict[str, Any]]:
        return [each for each in self.shop.requests if act in ("", each["act"])]

    def reset(self) -> None:
        self.shop.reset()


@contextmanager
def running(*, token: str = "") -> Iterator[ShopControl]:
    """A shop in a thread of this process."""
    shop = Shop(token=token)
    server = build_server(shop, port=0)
    thread = threading.Thread(target=server.run, name="shop", daemon=True)
    thread.start()
    until = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > until:
            raise TimeoutError("the demo shop did not start")
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield ShopControl(shop, port)
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
