"""The widget on a shop's own site: another origin, a strict policy, no cookies of third parties, strangers' messages."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route
from playwright.sync_api import expect as expect_that

from tests.e2e.conftest import CHROMIUM_ARGUMENTS, Database, Tab, find_chromium
from tests.stack import Stack

# The first test of a session also starts a platform and a browser; those have limits of their own.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120, func_only=True)]

HOST = "http://shop.example"


@dataclass(frozen=True)
class Elsewhere:
    """A platform with an inbox that only the shop's origin may embed."""

    url: str
    key: str


@pytest.fixture(scope="module")
def elsewhere(stack: Stack, database: Database) -> Iterator[Elsewhere]:
    with database.inbox(allowed_domains=[HOST]) as key:
        yield Elsewhere(stack.url, key)


def host_page(
    context: BrowserContext, platform: Elsewhere, *, policy: str = "", host: str = HOST
) -> Page:
    """A page of the shop, as strict as it likes, with the two tags of the guide on it."""
    settings = json.dumps({"inbox": platform.key, "baseUrl": platform.url, "locale": "zh-CN"})
    html = f"""<!DOCTYPE html><html lang="zh-CN"><title>Shop</title><body><h1>Shop</h1>
      <script nonce="shop">window.yingdaSettings = {settings};</script>
      <script nonce="shop" async src="{platform.url}/embed.js?inbox={platform.key}"></script></body></html>"""

    def serve(route: Route) -> None:
        headers = {"Content-Security-Policy": policy} if policy else {}
        route.fulfill(body=html, content_type="text/html; charset=utf-8", headers=headers)

    context.route(f"{host}/**", serve)
    page = context.new_page()
    page.goto(f"{host}/")
    return page


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(locale="zh-CN", viewport={"width": 1280, "height": 800})
    yield made
    made.close()


def talk(page: Page) -> None:
    tab = Tab(page)
    tab.open()
    tab.ask("你好")
    assert tab.wait_for_answers(1)[0].strip()


def test_a_strict_policy_needs_two_entries(context: BrowserContext, elsewhere: Elsewhere) -> None:
    complaints: list[str] = []
    context.on("console", lambda said: complaints.append(f"{said.type} {said.text}"))
    policy = f"default-src 'none'; base-uri 'none'; script-src 'nonce-shop'; frame-src {elsewhere.url}; require-trusted-types-for 'script'"

    talk(host_page(context, elsewhere, policy=policy))

    said = [text for text in complaints if text.startswith("error")]
    assert [text for text in said if "favicon" not in text] == []


def test_before_it_is_opened_a_page_asks_for_the_script_alone(
    context: BrowserContext, elsewhere: Elsewhere
) -> None:
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = host_page(context, elsewhere)
    expect_that(page.locator(".launcher")).to_be_visible()
    page.wait_for_timeout(3_500)

    ours = [url for url in asked if url.startswith(elsewhere.url)]
    assert ours == [f"{elsewhere.url}/embed.js?inbox={elsewhere.key}"]


def test_another_site_may_not_frame_it(context: BrowserContext, elsewhere: Elsewhere) -> None:
    frame = f'<iframe src="{elsewhere.url}/widget/{elsewhere.key}/"></iframe>'
    context.route(
        "http://evil.example/**", lambda route: route.fulfill(body=frame, content_type="text/html")
    )
    page = context.new_page()
    page.goto("http://evil.example/")
    page.wait_for_timeout(1_000)

    assert page.frame_locator("iframe").locator("#widget").count() == 0


def test_a_site_that_is_not_listed_has_no_launcher_and_reads_why(
    context: BrowserContext, elsewhere: Elsewhere
) -> None:
    with context.expect_event(
        "console", lambda said: "http://other.example" in said.text
    ) as warning:
        page = host_page(context, elsewhere, host="http://other.example")
    assert (warning.value.type, HOST in warning.value.text) == ("warning", False)
    page.evaluate("yingda('open')")
    assert page.locator("iframe").count() == 0
    assert page.locator("button").count() == 0


# From another origin: what it can reach of the page, and of the frames beside it.
FORGE = """
(call) => {
  parent.postMessage({yingda: "event", name: "message", detail: {text: "forged"}}, "*");
  for (let index = 0; index < parent.length; index += 1) parent[index].postMessage(call, "*");
}
"""
# From the shop's own origin, and yet not from the page that embeds the widget.
FORGE_BESIDE = """
(call) => {
  window.postMessage({yingda: "event", name: "message", detail: {text: "forged"}}, "*");
  const beside = document.body.appendChild(document.createElement("iframe")).contentWindow;
  const host = [...document.body.children].find((element) => element.shadowRoot);
  const widget = host.shadowRoot.querySelector("iframe").contentWindow;
  beside.Function("widget", "call", "widget.postMessage(call, '*')")(widget, call);
}
"""


def test_messages_of_other_windows_are_passed_over(
    context: BrowserContext, elsewhere: Elsewhere
) -> None:
    stranger = "http://evil.example/"
    context.route(f"{stranger}**", lambda route: route.fulfill(body="", content_type="text/html"))
    page = host_page(context, elsewhere)
    tab = Tab(page)
    tab.open()
    page.evaluate(
        """(stranger) => {
          window.heard = [];
          window.yingda("on", "message", (detail) => window.heard.push(detail.text));
          document.body.append(Object.assign(document.createElement("iframe"), {src: stranger, name: "stranger"}));
        }""",
        stranger,
    )
    expect_that(page.frame_locator('iframe[name="stranger"]').locator("body")).to_be_attached()
    call = {"yingda": "call", "method": "sendMessage", "args": ["forged"]}

    found = next(frame for frame in page.frames if frame.url == stranger)
    found.evaluate(FORGE, call)
    page.evaluate(FORGE_BESIDE, call)
    # The page itself may ask: what was posted before has been heard by then.
    page.evaluate("() => window.yingda('sendMessage', '你好')")
    tab.wait_for_answers(1)

    assert tab.lines("visitor").all_inner_texts() == ["你好"]
    assert "forged" not in page.evaluate("() => window.heard")
    assert len(page.evaluate("() => window.heard")) == 1


def test_it_works_where_cookies_of_third_parties_are_blocked(
    browser: Browser, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    (tmp_path / "Default").mkdir()
    blocked = {"profile": {"cookie_controls_mode": 1, "block_third_party_cookies": True}}
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(blocked))
    path = find_chromium()
    context = browser.browser_type.launch_persistent_context(
        tmp_path, executable_path=path, args=CHROMIUM_ARGUMENTS, locale="zh-CN"
    )
    try:
        page = host_page(context, elsewhere)
        talk(page)
        frame = next(frame for frame in page.frames if "/widget/" in frame.url)
        frame.evaluate("() => { document.cookie = 'probe=1; SameSite=None; Secure'; }")
        assert "probe" not in frame.evaluate("() => document.cookie")
    finally:
        context.close()
