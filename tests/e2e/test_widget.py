"""Journeys of a visitor through the demo shop's widget, against the whole running platform."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute
from playwright.sync_api import expect as expect_that

from tests.e2e.conftest import ANSWER_MS, UNDERWAY, Shop, Tab

pytestmark = pytest.mark.e2e

QUESTION = "我的订单怎么还没到?"
LENGTHS_OF_ANSWER = """
() => {
  const log = document.querySelector('.log');
  window.lengths = [];
  new MutationObserver(() => {
    const bodies = log.querySelectorAll('[data-role=bot][data-ai=true] .body');
    window.lengths.push(bodies.length ? bodies[bodies.length - 1].textContent.length : 0);
  }).observe(log, {subtree: true, childList: true, characterData: true});
}
"""

# In the page itself `parent` is the page; in a frame of it, the message comes from elsewhere.
SEND_AS_HOST = """
(text) => {
  const host = [...parent.document.body.children].find((element) => element.shadowRoot);
  const widget = host.shadowRoot.querySelector('iframe').contentWindow;
  widget.postMessage({yingda: 'call', method: 'sendMessage', args: [text]}, '*');
}
"""
# Of embed.js's own parts, the one that has the focus.
FOCUSED_PART = "() => document.activeElement?.shadowRoot?.activeElement?.className"
# As long as a train is in a tunnel.
AWAY_MS = 30_000
CHINESE = re.compile("[\u4e00-\u9fff]")


def frames(payloads: list[str], kind: str) -> list[dict[str, Any]]:
    """The recorded frames of one type."""
    return [frame for frame in map(json.loads, payloads) if frame["type"] == kind]


def in_widget(page: Page, script: str) -> Any:
    """The result of a script in the widget's frame."""
    frame = next(frame for frame in page.frames if "/widget/" in frame.url)
    return frame.evaluate(script)


def test_answer_streams_and_survives_a_reload(shop: Shop) -> None:
    tab = shop.visit()
    tab.open()
    in_widget(tab.page, LENGTHS_OF_ANSWER)

    tab.ask(QUESTION)
    answers = tab.wait_for_answers(1)

    assert answers[0].strip()
    lengths = in_widget(tab.page, "() => [...new Set(window.lengths.filter(Boolean))]")
    assert len(lengths) >= 2, "the text came in one lump"
    assert lengths == sorted(lengths), "the text shrank while it was growing"
    assert frames(tab.received, "delta"), "nothing was streamed"
    expect_that(tab.lines("visitor").locator("xpath=..").locator(".tick")).to_be_visible()

    tab.page.reload()
    tab.open()
    assert tab.wait_for_answers(1) == answers
    assert tab.lines("visitor").all_inner_texts() == [QUESTION]


@pytest.mark.timeout(180, func_only=True)
def test_network_lost_for_half_a_minute_in_the_middle_of_an_answer_and_of_a_line(
    shop: Shop,
) -> None:
    tab = shop.visit()
    tab.open()
    tab.ask(QUESTION)
    expect_that(
        tab.find('[data-status="streaming"], [data-role="bot"][data-status="stored"]')
    ).to_have_count(1, timeout=ANSWER_MS)

    tab.ask("那发票呢?")
    shop.context.set_offline(True)
    expect_that(tab.find(".bar--link")).to_be_visible()
    tab.ask("运费谁出?")
    expect_that(tab.find('[data-role="visitor"] .bubble')).to_have_count(3)
    tab.page.wait_for_timeout(AWAY_MS)
    shop.context.set_offline(False)

    expect_that(tab.lines("visitor")).to_have_count(3, timeout=ANSWER_MS)
    expect_that(tab.find(".bar--link")).to_be_hidden()
    # Whether the second line was under way when the network went decides if the third is answered with it.
    expect_that(tab.find(f"[data-role=visitor]:last-of-type, {UNDERWAY}")).to_have_count(
        0, timeout=ANSWER_MS
    )
    assert tab.lines("visitor").all_inner_texts() == [QUESTION, "那发票呢?", "运费谁出?"]
    assert_reload_shows_the_same(tab)


def test_socket_lost_after_the_first_delta(shop: Shop) -> None:
    lost: list[str] = []

    def break_at_the_first_delta(client: WebSocketRoute) -> None:
        server = client.connect_to_server()

        is_first = not lost

        def downwards(payload: str | bytes) -> None:
            if is_first and lost:
                return
            client.send(payload)
            if not lost and json.loads(payload)["type"] == "delta":
                lost.append(str(payload))
                client.close(code=1012)

        server.on_message(downwards)

    shop.context.route_web_socket("**/ws/client/", break_at_the_first_delta)
    tab = shop.visit()
    tab.open()
    tab.ask(QUESTION)

    tab.wait_for_answers(1)
    assert lost
    assert_reload_shows_the_same(tab)


def assert_reload_shows_the_same(tab: Tab) -> None:
    shown = tab.find("[data-role] .bubble").all_inner_texts()
    tab.page.reload()
    tab.open()
    tab.wait_for_answers(len(tab.lines("bot").all()) or 1)
    assert tab.find("[data-role] .bubble").all_inner_texts() == shown


def test_a_line_written_offline_is_sent_after_a_reload(shop: Shop) -> None:
    tab = shop.visit()
    tab.open()
    shop.context.set_offline(True)
    tab.ask(QUESTION)
    expect_that(tab.find('[data-role="visitor"][data-status="waiting"]')).to_have_count(1)
    shop.context.set_offline(False)

    tab.page.reload()
    tab.open()

    tab.wait_for_answers(1)
    assert tab.lines("visitor").all_inner_texts() == [QUESTION]


def test_two_tabs_show_the_same(shop: Shop) -> None:
    first, second = shop.visit(), shop.visit()
    first.open()
    second.open()

    first.ask(QUESTION)
    answers = first.wait_for_answers(1)
    assert second.wait_for_answers(1) == answers
    second.ask("退款要多久?")

    assert first.wait_for_answers(2) == second.wait_for_answers(2)
    assert first.lines("visitor").all_inner_texts() == second.lines("visitor").all_inner_texts()


def test_a_line_without_an_ack_goes_again_under_its_id_and_is_stored_once(shop: Shop) -> None:
    sent: list[dict[str, Any]] = []

    def swallow_the_first_answer(client: WebSocketRoute) -> None:
        """The server gets the line, the browser never hears of it, and the socket breaks."""
        server = client.connect_to_server()
        is_first = not sent

        def upwards(payload: str | bytes) -> None:
            frame = json.loads(payload)
            server.send(payload)
            if frame["type"] == "message.send":
                sent.append(frame)
                if is_first:
                    client.close(code=1012)

        def downwards(payload: str | bytes) -> None:
            if not (is_first and sent):
                client.send(payload)

        client.on_message(upwards)
        server.on_message(downwards)

    shop.context.route_web_socket("**/ws/client/", swallow_the_first_answer)
    tab = shop.visit()
    tab.open()
    # A line that the first socket swallows is known by its row after `ready`; this one must ask again.
    tab.ask(QUESTION)

    tab.wait_for_answers(1)
    assert tab.lines("visitor").all_inner_texts() == [QUESTION]
    assert {frame["client_id"] for frame in sent} == {sent[0]["client_id"]}
    assert_reload_shows_the_same(tab)


def test_a_line_that_never_reached_the_server_goes_again_under_its_id(shop: Shop) -> None:
    sent: list[str] = []

    def lose_the_first_line(client: WebSocketRoute) -> None:
        server = client.connect_to_server()

        def upwards(payload: str | bytes) -> None:
            frame = json.loads(payload)
            if frame["type"] == "message.send":
                sent.append(frame["client_id"])
                if len(sent) == 1:
                    client.close(code=1012)
                    return
            server.send(payload)

        client.on_message(upwards)

    shop.context.route_web_socket("**/ws/client/", lose_the_first_line)
    tab = shop.visit()
    tab.open()
    tab.ask(QUESTION)

    tab.wait_for_answers(1)
    assert tab.lines("visitor").all_inner_texts() == [QUESTION]
    assert len(sent) == 2
    assert len(set(sent)) == 1


def test_enter_that_belongs_to_an_input_method_does_not_send(shop: Shop) -> None:
    tab = shop.visit()
    tab.open()
    tab.input.focus()
    keyboard = shop.context.new_cdp_session(tab.page)
    at_end = {"selectionStart": 7, "selectionEnd": 7}
    keyboard.send("Input.imeSetComposition", {"text": "dingdan", **at_end})
    for how in ({"isComposing": True}, {"keyCode": 229}):
        tab.input.dispatch_event("keydown", {"key": "Enter", "cancelable": True, **how})
    keyboard.send("Input.insertText", {"text": "订单"})

    expect_that(tab.input).to_have_value("订单")
    expect_that(tab.find('[data-role="visitor"]')).to_have_count(0)
    tab.input.press("Shift+Enter")
    tab.input.press_sequentially("ok")
    tab.input.press("Enter")
    expect_that(tab.find('[data-role="visitor"] .bubble')).to_have_text("订单\nok")


def test_keyboard_only(shop: Shop) -> None:
    tab = shop.visit()
    page = tab.page
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED_PART) == "launcher":
            break
    page.keyboard.press("Enter")
    expect_that(tab.launcher).to_have_attribute("aria-expanded", "true")
    expect_that(tab.input).to_be_focused()

    page.keyboard.type("hello 你好")
    page.keyboard.press("Enter")
    tab.wait_for_answers(1)
    expect_that(tab.input).to_be_focused()
    focused = "() => document.activeElement.className"
    for _ in range(15):
        if in_widget(page, focused) == "log":
            break
        page.keyboard.press("Shift+Tab")
    expect_that(tab.find(".log")).to_be_focused()

    page.keyboard.press("Escape")
    expect_that(tab.launcher).to_have_attribute("aria-expanded", "false")
    assert page.evaluate(FOCUSED_PART) == "launcher"


def test_english_page(enter_shop: Callable[..., Shop]) -> None:
    tab = enter_shop(locale="en-GB", viewport={"width": 1280, "height": 800}).visit("/?lang=en")
    expect_that(tab.page.locator("html")).to_have_attribute("lang", "en")
    tab.page.get_by_role("button", name="Where is my order?").click()

    answers = tab.wait_for_answers(1)

    assert not CHINESE.search(answers[0])
    expect_that(tab.find(".human")).to_have_text("Human help")
    expect_that(tab.input).to_have_attribute("placeholder", "Write a message…")


def test_asking_for_a_person_and_leaving_the_queue(shop: Shop) -> None:
    tab = shop.visit()
    tab.open()
    tab.find(".human").click()
    expect_that(tab.find(".bar--queue")).to_be_visible()
    expect_that(tab.find(".human")).to_have_text("排队中")

    tab.page.reload()
    tab.launcher.click()
    # "Leave the queue", or "back to the assistant" where nobody is on duty.
    tab.find(".bar--queue").get_by_role("button", name=re.compile("取消排队|回到小助手")).click()

    expect_that(tab.find(".bar--queue")).to_be_hidden()
    expect_that(tab.find(".human")).to_have_text("转人工")


def test_phone(enter_shop: Callable[..., Shop]) -> None:
    tab = enter_shop(viewport={"width": 320, "height": 568}, has_touch=True, is_mobile=True).visit()
    tab.launcher.tap()
    expect_that(tab.find(".header")).to_be_visible()
    panel = tab.page.locator(".panel").bounding_box()
    assert panel == {"x": 0, "y": 0, "width": 320, "height": 568}
    expect_that(tab.launcher).to_be_hidden()
    assert in_widget(tab.page, "() => document.documentElement.scrollWidth") == 320

    tab.find('button[aria-label="关闭"]').tap()
    expect_that(tab.launcher).to_be_visible()


def test_payloads_stay_text(shop: Shop) -> None:
    tab = shop.visit()
    tab.open()
    payload = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) https://a.example/<b>"
    dialogs: list[str] = []
    tab.page.on("dialog", lambda dialog: dialogs.append(dialog.message))

    tab.ask(payload)

    expect_that(tab.lines("visitor")).to_have_text([payload])
    links = tab.lines("visitor").locator("a")
    expect_that(links).to_have_count(1)
    expect_that(links).to_have_attribute("href", "https://a.example/")
    expect_that(links).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect_that(tab.find(".rows img, .rows b, .rows script")).to_have_count(0)
    assert dialogs == []


def test_the_longest_message_and_one_character_more(shop: Shop) -> None:
    tab = shop.visit()
    tab.open()
    tab.ask("字" * 4001)
    expect_that(tab.find(".counter")).to_have_text("超出 1 字")
    expect_that(tab.find('[data-role="visitor"]')).to_have_count(0)

    tab.ask("😀" * 4000)
    expect_that(tab.lines("visitor")).to_have_count(1, timeout=ANSWER_MS)


def test_only_the_embedding_page_can_steer_the_widget(shop: Shop) -> None:
    tab = shop.visit()
    tab.open()
    tab.page.evaluate("() => void document.body.append(document.createElement('iframe'))")
    stranger = tab.page.frames[-1]
    assert stranger.url == "about:blank"

    stranger.evaluate(SEND_AS_HOST, "forged")
    tab.page.evaluate(SEND_AS_HOST, "genuine")

    expect_that(tab.lines("visitor")).to_have_text(["genuine"])
