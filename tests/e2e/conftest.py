"""A real browser for the journeys of tests/e2e. Knows pages and sockets only; the platform comes from `stack`."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Frame,
    Locator,
    Page,
    WebSocket,
    sync_playwright,
)
from playwright.sync_api import expect as expect_that
from psycopg import sql

from config import embedded
from tests.stack import ADMIN_PASSWORD, Stack

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Shops that tests make up are not on the loopback, and may call the platform there all the same.
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
]
# A cold worker on a busy machine may take its time; an answer that never comes still fails.
ANSWER_MS = 30_000
UNDERWAY = '[data-status="streaming"], [data-status="thinking"]'
# What a browser itself writes when a test takes its network away.
OFFLINE_WORDS = ("ERR_INTERNET_DISCONNECTED", "WebSocket connection to")


@dataclass
class Tab:
    """One page of the demo shop with the widget on it."""

    page: Page
    sent: list[str] = field(default_factory=list)
    """Frames sent by the widget, as JSON."""
    received: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("websocket", self.listen)

    def listen(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda payload: self.sent.append(str(payload)))
        socket.on("framereceived", lambda payload: self.received.append(str(payload)))

    @property
    def launcher(self) -> Locator:
        return self.page.locator(".launcher")

    @property
    def input(self) -> Locator:
        return self.find("textarea")

    def find(self, selector: str) -> Locator:
        """Elements inside the widget's frame."""
        return self.page.frame_locator(".panel iframe").locator(selector)

    @property
    def frame(self) -> Frame:
        """The widget's own document."""
        return next(frame for frame in self.page.frames if "/widget/" in frame.url)

    def press(self, name: str) -> None:
        """Presses the widget's button of that name."""
        self.find("#widget").get_by_role("button", name=name, exact=True).click()

    def choose(self, entry: str) -> None:
        """Opens the menu and takes one of its entries."""
        self.press("更多")
        self.find("#widget").get_by_role("menuitem", name=entry).click()

    def session(self) -> dict[str, Any]:
        """What this browser remembers of itself: `token`, `visitor_id`, …"""
        script = "() => JSON.parse(localStorage[Object.keys(localStorage).find((key) => key.endsWith(':session'))])"
        found: dict[str, Any] = self.frame.evaluate(script)
        return found

    @property
    def conversation(self) -> str:
        """The conversation that the widget was last told of; other journeys leave theirs in the same lists."""
        frames = (json.loads(frame) for frame in reversed(self.received))
        return str(next(each["conversation_id"] for each in frames if each.get("conversation_id")))

    def lines(self, role: str) -> Locator:
        """The stored lines of one role, in order."""
        return self.find(f'[data-role="{role}"][data-status="stored"] .bubble')

    def open(self) -> None:
        self.launcher.click()
        expect_that(self.find('.header[data-state="bot"]')).to_be_visible()

    def ask(self, text: str) -> None:
        self.input.fill(text)
        self.input.press("Enter")

    def wait_for_answers(self, count: int) -> list[str]:
        """The bot's lines once there are `count` of them and none is on its way."""
        answers = self.lines("bot")
        expect_that(answers).to_have_count(count, timeout=ANSWER_MS)
        expect_that(self.find(UNDERWAY)).to_have_count(0)
        return answers.all_inner_texts()


@dataclass
class Shop:
    """Opens tabs in one browser profile, and watches what they complain about and whom they call."""

    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("console", lambda message: self.note(message.type, message.text))
        self.context.on("weberror", lambda error: self.note("error", str(error.error)))
        self.context.on("request", lambda request: self.check(request.url))

    def note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)

    def check(self, url: str) -> None:
        if not url.startswith((self.url, self.url.replace("http", "ws", 1), "blob:", "data:")):
            self.strangers.append(url)

    def visit(self, path: str = "/") -> Tab:
        tab = Tab(self.context.new_page())
        tab.page.goto(self.url + path)
        expect_that(tab.launcher).to_be_visible()
        return tab

    def serious_complaints(self) -> list[str]:
        return [text for text in self.complaints if not any(word in text for word in OFFLINE_WORDS)]


@dataclass
class Database:
    """The platform's own rows: what came of a journey, and inboxes as staff would set them."""

    connection: "psycopg.Connection[Any]"

    def rows(self, query: str | sql.Composed, *values: Any) -> list[tuple[Any, ...]]:
        asked = query.encode() if isinstance(query, str) else query
        return self.connection.execute(asked, values).fetchall()

    @contextmanager
    def inbox(self, **columns: Any) -> Iterator[str]:
        """The demo inbox with other JSON settings for a while; its key."""
        names = sql.SQL(", ").join(map(sql.Identifier, ["key", *columns]))
        query = sql.SQL("SELECT {} FROM chat_inbox ORDER BY id LIMIT 1").format(names)
        key, *before = self.rows(query)[0]
        self.set_inbox(key, columns)
        try:
            yield str(key)
        finally:
            self.set_inbox(key, dict(zip(columns, before, strict=True)))

    def set_inbox(self, key: str, columns: dict[str, Any]) -> None:
        for name, value in columns.items():
            query = sql.SQL("UPDATE chat_inbox SET {} = %s WHERE key = %s")
            values = [json.dumps(value), key]
            self.connection.execute(query.format(sql.Identifier(name)), values)


@pytest.fixture(scope="module")
def database(stack: Stack) -> Iterator[Database]:
    with psycopg.connect(embedded.database_url(stack.home), autocommit=True) as connection:
        yield Database(connection)


def find_chromium() -> str | None:
    """The path of this machine's Chromium, if there is one."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.fail("no Chromium on this machine: install the package `chromium`")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def enter_shop(browser: Browser, stack: Stack) -> Iterator[Callable[..., Shop]]:
    """Opens a new browser profile on the shop; options are those of Playwright's contexts.

    Every journey ends with a check that no page complained and nobody but the platform was called.
    """
    shops: list[Shop] = []

    def enter(**options: Any) -> Shop:
        context = browser.new_context(**{"locale": "zh-CN", **options})
        shops.append(Shop(context, stack.url))
        return shops[-1]

    yield enter
    for shop in shops:
        shop.context.close()
    assert [shop.serious_complaints() for shop in shops] == [[] for _ in shops]
    assert [shop.strangers for shop in shops] == [[] for _ in shops]


@pytest.fixture
def shop(enter_shop: Callable[..., Shop]) -> Shop:
    return enter_shop(viewport={"width": 1280, "height": 800})


@pytest.fixture
def sign_in(browser: Browser, stack: Stack) -> Iterator[Callable[..., Page]]:
    """Opens consoles, signed in; ends with a check that no page complained."""
    errors: list[str] = []
    contexts = []

    def enter(username: str = "admin", **options: Any) -> Page:
        context = browser.new_context(base_url=stack.url, **{"locale": "zh-CN", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda line: errors.append(line.text) if line.type in {"error", "warning"} else None,
        )
        page.goto("/console/")
        page.fill("#id_username", username)
        page.fill("#id_password", ADMIN_PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url("**/console/")
        expect_that(page.locator(".status select")).to_be_enabled()
        return page

    yield enter
    for context in contexts:
        context.close()
    assert errors == []
