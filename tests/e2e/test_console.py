"""A customer and an agent side by side: the call for a person, the claim, the reply, and back to the bot."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page
from playwright.sync_api import expect as expect_that

from tests.e2e.conftest import ANSWER_MS, Shop, Tab

pytestmark = pytest.mark.e2e

QUESTION = "我的订单怎么还没到?"


def test_call_claim_reply_and_back_to_the_bot(shop: Shop, sign_in: Callable[..., Page]) -> None:
    console = sign_in(viewport={"width": 1440, "height": 900})
    console.locator(".status select").select_option("online")
    tab = shop.visit()
    tab.open()
    tab.ask(QUESTION)
    tab.wait_for_answers(1)
    tab.ask("转人工")

    expect_that(tab.find('.header[data-state="queued"]')).to_be_visible(timeout=ANSWER_MS)
    console.locator('[role=tab][data-tab="queue"]').click()
    entry = entry_of(console, tab)
    expect_that(entry.locator(".entry-text")).to_have_text("转人工")
    expect_that(entry.locator(".chip").first).to_have_text("要求人工")
    assert re.match(r"\(\d+\)", console.title())

    entry.locator(".entry-claim").click()
    expect_that(console.locator('[data-act="resolve"]')).to_be_visible()
    expect_that(tab.find('.header[data-state="agent"]')).to_be_visible()
    expect_that(console.locator('.line[data-role="visitor"]').first).to_contain_text(QUESTION)
    expect_that(console.locator('.line[data-role="bot"]').first).to_be_visible()

    console.locator(".input").fill("您好,我来帮您查一下。")
    console.locator(".input").press("Enter")
    expect_that(tab.lines("agent")).to_contain_text(["您好,我来帮您查一下。"])
    # A person speaks now, and goes by no login.
    expect_that(tab.find(".note")).to_have_text("现在由真人客服回复您")
    expect_that(tab.find(".subtitle")).to_have_text("客服 正在为您服务")
    assert "admin" not in tab.find("#widget").inner_text()
    tab.ask("好的,电话13812345678")
    said = console.locator('.line[data-role="visitor"]').last
    expect_that(said).to_contain_text("手机号")
    assert "13812345678" not in console.content()
    said.locator("button.kept").click()
    console.locator("dialog input[name=reason]").fill("回电核实")
    console.locator("dialog button[type=submit]").click()
    expect_that(said.locator(".kept--open")).to_have_text("13812345678")

    keep_a_reply_ready(console)
    put_aside(console, tab)

    console.keyboard.press("Alt+KeyP")
    console.locator(".input").fill("老顾客,客气一点")
    console.locator(".input").press("Enter")
    expect_that(console.locator('.line[data-role="note"]')).to_contain_text("客气一点")

    console.locator('[data-act="handBack"]').click()
    console.locator("dialog button[type=submit]").click()
    expect_that(tab.find('.header[data-state="bot"]')).to_be_visible()
    expect_that(tab.find(".note")).to_have_text("回答由 AI 生成，仅供参考")
    # The agent had not written after the visitor's last line: the bot answers it on taking over.
    tab.wait_for_answers(2)
    tab.ask(QUESTION)
    tab.wait_for_answers(3)
    expect_that(console.locator('.line[data-role="bot"]').last).to_contain_text(re.compile("."))
    assert "客气一点" not in tab.find(".log").inner_text()


def test_agents_read_the_cards_that_the_customer_sees(
    shop: Shop, sign_in: Callable[..., Page]
) -> None:
    console = sign_in(viewport={"width": 390, "height": 844})
    tab = shop.visit()
    tab.open()
    tab.ask("把订单20240501123的地址改成上海市浦东新区世纪大道100号8楼")
    asked = tab.find(".card--confirm")
    expect_that(asked.get_by_role("button", name="确认")).to_be_visible(timeout=ANSWER_MS)

    console.locator('[role=tab][data-tab="all"]').click()
    entry_of(console, tab).locator(".entry-open").click()
    card = console.locator(".card--confirm")
    expect_that(card).to_contain_text("20240501123")
    expect_that(card.locator(".card-choice")).to_have_text(["确认", "取消"])
    expect_that(card.locator(".outcome")).to_have_text("等客户确认")
    expect_that(card.get_by_role("button", name="地址")).to_be_visible()
    assert "世纪大道" not in console.content()
    assert card.locator("button:not(.kept)").count() == 0
    assert not console.evaluate("document.documentElement.scrollWidth > window.innerWidth")

    asked.get_by_role("button", name="取消").click()
    expect_that(card.locator(".outcome")).to_have_text("客户没有同意")
    expect_that(card.locator(".card-choice")).to_have_count(0)


def keep_a_reply_ready(console: Page) -> None:
    """What nobody knows yet stays open, and is not sent as it is."""
    console.locator(".input").fill("/")
    console.get_by_role("button", name="新建常用语").click()
    console.locator("dialog input[name=title]").fill("催单")
    console.locator("dialog textarea[name=text]").fill("{{customer}}您好,{{order}}已催促。")
    console.locator("dialog button[type=submit]").click()
    console.locator(".input").fill("/催")
    expect_that(console.locator(".canned-row")).to_have_count(1)
    console.locator(".input").press("Enter")
    expect_that(console.locator(".input")).to_have_value("客户您好,{{order}}已催促。")
    console.locator(".input").press("Enter")
    expect_that(console.locator(".input")).to_have_value("客户您好,{{order}}已催促。")
    console.locator(".input").fill("")


def entry_of(console: Page, tab: Tab) -> Locator:
    return console.locator(f'.entry[data-id="{tab.conversation}"]')


def put_aside(console: Page, tab: Tab) -> None:
    """The customer's next line brings it back."""
    console.keyboard.press("Alt+KeyM")
    console.locator("dialog button[type=submit]").click()
    console.locator('[role=tab][data-tab="snoozed"]').click()
    expect_that(console.locator(".entry")).to_have_count(1)
    tab.ask("还在吗")
    expect_that(console.locator(".entry")).to_have_count(0)
    console.locator('[role=tab][data-tab="mine"]').click()


def test_console_on_a_phone_shows_one_pane_at_a_time(
    shop: Shop, sign_in: Callable[..., Page]
) -> None:
    tab = shop.visit()
    tab.open()
    tab.ask(QUESTION)
    tab.wait_for_answers(1)

    console = sign_in(viewport={"width": 390, "height": 844}, locale="en-US")
    console.locator('[role=tab][data-tab="all"]').click()
    entry_of(console, tab).locator(".entry-open").click()
    expect_that(console.locator(".thread-head")).to_be_visible()
    expect_that(console.locator("#list")).to_be_hidden()
    assert not console.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    console.get_by_role("button", name="Customer").click()
    expect_that(console.get_by_text("Handoff brief")).to_be_visible()
    console.keyboard.press("Escape")
    console.keyboard.press("Escape")
    expect_that(console.locator("#list")).to_be_visible()


def test_brief_and_draft_are_written_and_sent_by_the_agent_alone(
    shop: Shop, sign_in: Callable[..., Page]
) -> None:
    console = sign_in(viewport={"width": 1440, "height": 900}, timezone_id="Asia/Tokyo")
    tab = shop.visit()
    tab.open()
    tab.ask(QUESTION)
    tab.wait_for_answers(1)
    tab.ask("转人工")
    expect_that(tab.find('.header[data-state="queued"]')).to_be_visible(timeout=ANSWER_MS)
    console.locator('[role=tab][data-tab="queue"]').click()
    entry_of(console, tab).locator(".entry-claim").click()
    expect_that(console.locator('[data-act="resolve"]')).to_be_visible()
    # The shop's clock is another one: both are named.
    expect_that(console.locator(".zones")).to_have_text("时间为 GMT+9，店铺为 GMT+8")
    times = console.locator('.line[data-role="visitor"] time').first
    expect_that(times).to_have_attribute("title", re.compile(r"GMT\+9 · 店铺 .+ GMT\+8$"))

    brief = console.locator(".part").first
    expect_that(brief).to_contain_text("AI 撰写", timeout=ANSWER_MS)
    expect_that(brief.locator(".need")).to_have_text(QUESTION)
    brief.locator('[data-grade="good"]').click()
    expect_that(brief.locator('[data-grade="good"]')).to_have_attribute("aria-pressed", "true")

    # What is typed is not lost: the draft is offered, put in its place, and taken back.
    field = console.locator(".input")
    field.fill("稍等")
    console.keyboard.press("Alt+KeyG")
    console.locator('[data-act="assistReplace"]').click(timeout=ANSWER_MS)
    expect_that(field).not_to_have_value("稍等")
    console.locator('[data-act="assistRestore"]').click()
    expect_that(field).to_have_value("稍等")
    expect_that(tab.lines("agent")).to_have_count(0)
    console.locator('[data-act="assistReplace"]').click()
    field.press("Enter")
    expect_that(tab.lines("agent")).to_have_count(1)
    expect_that(console.locator(".suggestion")).to_be_hidden()

    console.keyboard.press("Alt+KeyE")
    console.locator('[data-act="summarise"]').click()
    expect_that(console.locator("dialog textarea[name=summary]")).to_have_value(
        re.compile("顾客"), timeout=ANSWER_MS
    )
    console.locator("dialog button[type=submit]").click()
    expect_that(tab.find('.header[data-state="resolved"]')).to_be_visible()
