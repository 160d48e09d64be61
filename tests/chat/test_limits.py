"""Limits as sockets and the API meet them: whose message it is, from where, and what a spoofed header changes."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import pytest_asyncio
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from chat import auth
from chat.models import Inbox, Message, Visitor
from config.asgi import application
from prompts import admission
from tests.chat.browser import Browser, Frame
from tests.factories import VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

PROXY, HOME, OFFICE = "10.0.0.1", "203.0.113.7", "198.51.100.9"
SESSIONS, MESSAGES = (f"/api/v1/client/{name}" for name in ("sessions", "messages"))

Connect = Callable[..., Awaitable[Browser]]


@pytest.fixture(autouse=True)
def small(texts: None, settings: Any) -> Iterator[None]:
    """Two messages at once for a visitor, three for an address, two sessions."""
    settings.MESSAGES_PER_MINUTE = settings.ADDRESS_MESSAGES_PER_MINUTE = 0.001
    settings.ADDRESS_SESSIONS_PER_MINUTE = 0.001
    settings.MESSAGES_BURST, settings.ADDRESS_MESSAGES_BURST = 2, 3
    settings.ADDRESS_SESSIONS_BURST = 2
    admission.limiter.cache_clear()
    yield
    admission.limiter.cache_clear()


@pytest.fixture
def behind_proxy(settings: Any) -> None:
    settings.TRUSTED_PROXIES = (ip_network("10.0.0.0/8"),)


class From(Browser):
    """A browser at an address, with the hops that X-Forwarded-For headers name, one header each."""

    def __init__(self, peer: str, *hops: str) -> None:
        super().__init__()
        scope = self.socket.scope | {"client": [peer, 5678]}
        named = [(b"x-forwarded-for", hop.encode()) for hop in hops]
        scope["headers"] = [*scope["headers"], *named]
        self.socket = ApplicationCommunicator(application, scope)


@pytest_asyncio.fixture
async def connect(transactional_db: None) -> AsyncIterator[Connect]:
    """Opens sockets that are signed in; closes them at the end."""
    opened: list[Browser] = []

    async def make(visitor: Visitor, peer: str, *hops: str) -> Browser:
        browser = From(peer, *hops)
        opened.append(browser)
        assert (await browser.open())[0]
        await browser.hello(visitor)
        return browser

    yield make
    for browser in opened:
        await browser.leave()


@pytest.fixture
def visitors(inbox: Inbox) -> list[Visitor]:
    return [VisitorFactory.create(inbox=inbox) for _ in range(4)]


async def outcome(browser: Browser, text: str = "在吗") -> Frame:
    """The ack of a line, or its refusal."""
    client_id = str(uuid.uuid4())
    await browser.send(type="message.send", client_id=client_id, text=text)
    while True:
        await browser.event(5.0, wanted="ack or error")
        frame = browser.frames[-1]
        if frame["type"] in {"ack", "error"}:
            assert frame["client_id"] == client_id
            return frame


async def taken(browser: Browser) -> bool:
    frame = await outcome(browser)
    return bool(frame["type"] == "ack")


# --- sockets ---------------------------------------------------------------------------------------


async def test_visitor_on_two_addresses_is_limited_once(connect: Connect, visitor: Visitor) -> None:
    at_home, at_work = await connect(visitor, HOME), await connect(visitor, OFFICE)
    assert [await taken(b) for b in (at_home, at_work, at_home, at_work)] == [
        True,
        True,
        False,
        False,
    ]


async def test_refused_line_says_when_to_come_back_and_is_not_kept(
    connect: Connect, visitor: Visitor
) -> None:
    browser = await connect(visitor, HOME)
    for _ in range(2):
        await outcome(browser)
    refused = await outcome(browser, "不应保存")
    assert (refused["type"], refused["code"]) == ("error", "rate_limited")
    assert refused["retry_after_ms"] > 0
    assert not await Message.objects.filter(text="不应保存").aexists()


async def test_visitors_on_one_address_share_what_it_may_send(
    connect: Connect, visitors: list[Visitor]
) -> None:
    browsers = [await connect(visitor, HOME) for visitor in visitors]
    assert [await taken(browser) for browser in browsers] == [True, True, True, False]


async def test_loopback_may_send_for_many_visitors(
    connect: Connect, visitors: list[Visitor]
) -> None:
    browsers = [await connect(visitor, "127.0.0.1") for visitor in visitors]
    assert all([await taken(browser) for browser in browsers])


async def test_addresses_of_one_64_are_one(connect: Connect, visitors: list[Visitor]) -> None:
    browsers = [await connect(v, f"2001:db8::{n + 1}") for n, v in enumerate(visitors)]
    assert [await taken(browser) for browser in browsers] == [True, True, True, False]


async def test_spoofed_header_changes_nothing_without_a_trusted_proxy(
    connect: Connect, visitors: list[Visitor]
) -> None:
    browsers = [await connect(v, HOME, f"192.0.2.{n}") for n, v in enumerate(visitors)]
    assert [await taken(browser) for browser in browsers] == [True, True, True, False]


@pytest.mark.usefixtures("behind_proxy")
async def test_trusted_proxy_speaks_for_its_clients(
    connect: Connect, visitors: list[Visitor]
) -> None:
    browsers = [await connect(v, PROXY, f"192.0.2.{n}") for n, v in enumerate(visitors)]
    assert all([await taken(browser) for browser in browsers])


@pytest.mark.usefixtures("behind_proxy")
@pytest.mark.parametrize(
    "hops",
    [(f"192.0.2.9, {HOME}",), ("127.0.0.1", HOME), ("192.0.2.9", HOME, "10.0.0.2")],
    ids=["one list", "a header each", "two proxies"],
)
async def test_what_a_client_writes_itself_changes_nothing_behind_a_proxy(
    connect: Connect, visitors: list[Visitor], hops: tuple[str, ...]
) -> None:
    browsers = [await connect(v, PROXY, *hops) for v in visitors[:3]]
    direct = await connect(visitors[3], HOME)
    assert [await taken(browser) for browser in (*browsers, direct)] == [True, True, True, False]


# --- the API ---------------------------------------------------------------------------------------


def post(visitor: Visitor, *, peer: str, forwarded_for: str | None = None) -> Any:
    headers = {"authorization": f"Bearer {auth.issue(visitor).text}"}
    headers |= {"x-forwarded-for": forwarded_for} if forwarded_for else {}
    body = {"client_id": str(uuid.uuid4()), "text": "在吗"}
    return Client().post(
        MESSAGES, body, content_type="application/json", headers=headers, REMOTE_ADDR=peer
    )


def opened(inbox: Inbox, *, peer: str, forwarded_for: str | None = None) -> Any:
    headers = {"x-forwarded-for": forwarded_for} if forwarded_for else {}
    return Client().post(
        SESSIONS,
        {"inbox": inbox.key},
        content_type="application/json",
        headers=headers,
        REMOTE_ADDR=peer,
    )


def test_api_and_sockets_take_from_one_bucket(visitor: Visitor) -> None:
    assert [post(visitor, peer=p).status_code for p in (HOME, OFFICE, HOME)] == [202, 202, 429]


def test_api_refusal_says_when_to_come_back(visitors: list[Visitor]) -> None:
    responses = [post(visitor, peer=HOME) for visitor in visitors]
    assert [r.status_code for r in responses] == [202, 202, 202, 429]
    body = responses[-1].json()
    assert (body["code"], body["retry_after_ms"] > 0) == ("rate_limited", True)
    assert int(responses[-1]["Retry-After"]) >= 1
    assert HOME not in responses[-1].content.decode()


def test_api_believes_no_header_without_a_trusted_proxy(visitors: list[Visitor]) -> None:
    statuses = [
        post(v, peer=HOME, forwarded_for=f"192.0.2.{n}").status_code for n, v in enumerate(visitors)
    ]
    assert statuses == [202, 202, 202, 429]


@pytest.mark.usefixtures("behind_proxy")
def test_api_behind_a_trusted_proxy_counts_its_clients(visitors: list[Visitor]) -> None:
    statuses = [
        post(v, peer=PROXY, forwarded_for=f"192.0.2.{n}, {HOME}").status_code
        for n, v in enumerate(visitors)
    ]
    assert statuses == [202, 202, 202, 429]
    assert post(visitors[3], peer=PROXY, forwarded_for=OFFICE).status_code == 202


def test_sessions_of_an_address_are_limited(inbox: Inbox) -> None:
    assert [opened(inbox, peer=HOME).status_code for _ in range(3)] == [201, 201, 429]
    assert opened(inbox, peer=OFFICE).status_code == 201
    assert opened(inbox, peer=HOME, forwarded_for=OFFICE).status_code == 429
    assert Visitor.objects.count() == 3


def test_sessions_of_loopback_are_not_limited(inbox: Inbox) -> None:
    assert {opened(inbox, peer="127.0.0.1").status_code for _ in range(9)} == {201}


@pytest.mark.usefixtures("redis_down")
def test_without_redis_lines_are_limited_by_this_process(visitor: Visitor) -> None:
    assert [post(visitor, peer=HOME).status_code for _ in range(3)] == [202, 202, 429]
    assert admission.limiter().fallbacks == 3
