"""Clients are built once for a server and a key, by one thread, and dropped when nobody asks for them."""

import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from prompts.llm.catalogue import Endpoint
from prompts.llm.providers.clients import CLIENTS_KEPT, Clients, is_loopback

FIRST = Endpoint(name="a", provider="openai", base_url="http://127.0.0.1", api_key="k")


class Client:
    def __init__(self, base_url: str, api_key: str) -> None:
        self.named = (base_url, api_key)


def test_threads_share_the_one_that_is_built() -> None:
    clients = Clients(Client)

    with ThreadPoolExecutor(8) as threads:
        built = list(threads.map(clients.of, [FIRST] * 64))

    assert {id(client) for client in built} == {id(clients.of(FIRST))}
    assert built[0].named == (FIRST.base_url, FIRST.api_key)


def test_another_server_or_key_is_another_client() -> None:
    clients = Clients(Client)
    changed = [replace(FIRST, api_key="l"), replace(FIRST, base_url="http://127.0.0.2")]

    assert len({id(clients.of(each)) for each in (FIRST, *changed)}) == 3
    assert clients.of(replace(FIRST, name="b", model="m")) is clients.of(FIRST)


def test_least_used_is_dropped() -> None:
    clients = Clients(Client)
    dropped = weakref.ref(clients.of(FIRST))

    for number in range(CLIENTS_KEPT):
        clients.of(replace(FIRST, api_key=str(number)))

    assert dropped() is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:8000", True),
        ("https://api.openai.com/v1", False),
        ("http://10.0.0.7", False),
        ("http://localhost.example.com", False),
        ("", False),
    ],
)
def test_this_machine_is_told_from_others(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
