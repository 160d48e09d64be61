"""The way out: what is asked for must be what is reached, in time, small, and JSON."""

import socket
import threading
import time
from typing import Any

import httpcore
import pytest

from chat.tools import calling
from chat.tools.calling import Call, send
from tests.chat.tools.conftest import ORDER, TOKEN
from tests.fakes.shop_control import ShopControl

AUTH = {"Authorization": f"Bearer {TOKEN}"}


def get(url: str, *, seconds: float = 3, named: tuple[str, ...] = ()) -> calling.Reply:
    return send(Call("GET", url, AUTH, None, seconds), named=named)


def order(shop: ShopControl, *, seconds: float = 3) -> calling.Reply:
    return get(f"{shop.url}/orders/{ORDER}", seconds=seconds, named=(shop.host,))


def test_a_named_host_is_called(shop: ShopControl) -> None:
    reply = order(shop)
    assert (reply.status, reply.error, reply.content["order_number"]) == (200, "", ORDER)


def test_an_error_of_the_shop_comes_with_its_words(shop: ShopControl) -> None:
    reply = get(f"{shop.url}/orders/1", named=(shop.host,))
    assert (reply.status, reply.error) == (404, "http")
    assert reply.content["error"]["code"] == "no_such_order"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "localhost", "localhost.", "[::1]",
             "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0", "169.254.169.254", "0xa9fea9fe"],
)  # fmt: skip
def test_internal_hosts_are_not_called_however_they_are_written(
    shop: ShopControl, host: str
) -> None:
    port = shop.host.partition(":")[2]
    reply = get(f"http://{host}:{port}/orders/{ORDER}")
    assert reply.error in {"blocked", "unreachable"}
    assert reply.content is None
    assert shop.requests() == []


def test_the_list_of_named_hosts_names_no_other_spelling(shop: ShopControl) -> None:
    port = shop.host.partition(":")[2]
    assert get(f"http://localhost:{port}/", named=(shop.host,)).error == "blocked"
    assert get("http://127.0.0.1:1/", named=(shop.host,)).error == "blocked"


def test_a_name_that_is_rebound_is_connected_where_it_was_checked(
    shop: ShopControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of names that says something public first and something internal next is asked only once."""
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    asked: list[Any] = []
    went: list[Any] = []

    def resolve(host: str, port: int, *rest: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(self: Any, host: str, port: int, **_: Any) -> Any:
        went.append(host)
        raise httpcore.ConnectError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    assert get("http://rebind.example/").error == "unreachable"
    assert (asked, went) == (["rebind.example"], ["93.184.216.34"])


def test_one_internal_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80))
        for each in ("93.184.216.34", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    reply = get("http://both.example/")
    assert (reply.error, reply.detail) == ("blocked", "private")


def test_a_redirect_is_not_followed(shop: ShopControl) -> None:
    shop.fail("redirect", value=f"{shop.url}/orders/{ORDER}")
    assert (order(shop).error, len(shop.requests())) == ("redirect", 1)


def test_no_other_scheme_is_spoken() -> None:
    assert get("file:///etc/passwd").error == "bad_url"
    assert get("ftp://127.0.0.1/").error == "bad_url"


@pytest.mark.parametrize(
    ("kind", "error"),
    [("huge", "too_large"), ("text", "not_json"), ("broken_json", "not_json"), ("nested", "not_json"), ("gzip", "not_json")],
)  # fmt: skip
def test_what_is_no_small_json_is_not_taken(shop: ShopControl, kind: str, error: str) -> None:
    shop.fail(kind)
    assert order(shop).error == error


@pytest.mark.parametrize(("kind", "value"), [("slow", 5), ("drip", None)])
def test_nothing_outlasts_the_time_allowed(shop: ShopControl, kind: str, value: Any) -> None:
    shop.fail(kind, value=value)
    started = time.monotonic()
    assert order(shop, seconds=0.6).error == "timeout"
    assert time.monotonic() - started < 1.5


def test_headers_that_drip_do_not_outlast_it_either() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def drip() -> None:
            peer, _ = server.accept()
            with peer:
                for letter in b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20:
                    try:
                        peer.sendall(bytes([letter]))
                    except OSError:
                        return
                    time.sleep(0.1)

        thread = threading.Thread(target=drip)
        thread.start()
        started = time.monotonic()
        reply = get(f"http://127.0.0.1:{port}/", seconds=0.5, named=(f"127.0.0.1:{port}",))
        assert reply.error == "timeout"
        assert time.monotonic() - started < 1.5
        thread.join()


def test_nobody_listening_is_unreachable() -> None:
    assert get("http://127.0.0.1:9/", named=("127.0.0.1:9",)).error == "unreachable"
    assert get("http://no-such-host.invalid/").error == "unreachable"
