"""A visitor and two agents side by side, from anger to the hand-back: nobody speaks out of turn, and the bot knows what was said."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from playwright.sync_api import expect as expect_that

from tests.e2e.conftest import ANSWER_MS, UNDERWAY, Database, Shop, Tab
from tests.fakes.provider_control import ProviderControl
from tests.stack import Stack

pytestmark = pytest.mark.e2e

SECOND = "second-agent"
ANGRY = "什么破服务,气死我了,再不处理我就打12315"
SLOW = "说说你们的退货政策"
STREAMED = "退货政策说明"
LINE_OF_FIRST, LINE_OF_SECOND = "您好,我是小王,已为您登记补发。", "补发单今天寄出,请放心。"
AFTERWARDS = "那我还要做什么吗"
# A folder for screenshots of every step; none are taken without.
LOOK = os.environ.get("TEST_SCREENSHOTS")
COPY_USER = """
    INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
    SELECT password, is_superuser, %s, '', '', '', is_staff, is_active, now() FROM auth_user WHERE username = 'admin'
    ON CONFLICT DO NOTHING RETURNING id
"""


@pytest.fixture
def provider(stack: Stack) -> Iterator[ProviderControl]:
    """The model: one question it answers slowly, all others at once."""
    found = re.search(r"http://\S+", stack.wait_for_line("fake provider:", seconds=5))
    assert found
    control = ProviderControl(found[0])
    answer = STREAMED + "。请看下面各条" * 40
    slow = {"contains": SLOW, "answer": answer, "interval_ms": 400, "times": 0}
    control.set_scenario([slow])
    yield control
    control.reset()
    control.close()


@pytest.fixture
def second(database: Database) -> str:
    database.rows(COPY_USER, SECOND)
    return SECOND


def look(step: str, **pages: Page) -> None:
    for who, page in pages.items():
        if LOOK:
            page.screenshot(path=str(Path(LOOK) / f"{step}-{who}.png"))


@pytest.mark.timeout(180, func_only=True)
def test_from_anger_to_the_hand_back(
    shop: Shop,
    sign_in: Callable[..., Page],
    provider: ProviderControl,
    second: str,
    database: Database,
) -> None:
    first, other = (
        sign_in(name, viewport={"width": 1440, "height": 900}) for name in ("admin", second)
    )
    first.locator(".status select").select_option("online")
    # Whoever begins is away, reads what that means, and is online by one touch.
    expect_that(other.locator(".away")).to_contain_text("不会分到会话")
    other.locator(".away button").click()
    expect_that(other.locator(".away")).to_be_hidden()
    expect_that(other.locator(".status select")).to_have_value("online")
    tab = shop.visit()
    tab.open()
    conversation = queue_in_anger(tab, first, other)
    claim_while_it_streams(tab, first, conversation)
    read_the_brief_and_reply(tab, first)
    call_by_name(first, other)
    pass_on(tab, first, other, conversation)
    hand_back(tab, other, provider)
    rate(tab, database, conversation)


def entry(console: Page, conversation: str) -> Any:
    return console.locator(f'.entry[data-id="{conversation}"]')


def queue_in_anger(tab: Tab, first: Page, other: Page) -> str:
    """Anger leads to the queue, with a place; both agents see why. Gives the conversation's id."""
    tab.ask(ANGRY)
    expect_that(tab.find('.header[data-state="queued"]')).to_be_visible(timeout=ANSWER_MS)
    expect_that(tab.find(".bar--queue")).to_contain_text(re.compile("下一位就是您|前面还有"))
    for console in (first, other):
        console.locator('[role=tab][data-tab="queue"]').click()
        waiting = entry(console, tab.conversation).locator(".entry-text")
        expect_that(waiting).to_contain_text("气死我了")
    look("1-queued", visitor=tab.page, first=first, second=other)
    tab.find("#widget").get_by_role("button", name="取消排队").click()
    expect_that(tab.find('.header[data-state="bot"]')).to_be_visible()
    # What had called a person is answered now.
    tab.wait_for_answers(1)
    return tab.conversation


def claim_while_it_streams(tab: Tab, console: Page, conversation: str) -> None:
    """What the bot was saying is dropped: the visitor sees who has come, and nothing half said."""
    tab.ask(SLOW)
    expect_that(tab.find('[data-status="streaming"]')).to_contain_text(STREAMED, timeout=ANSWER_MS)
    console.locator('[role=tab][data-tab="all"]').click()
    entry(console, conversation).locator(".entry-open").click()
    look("2-streaming", visitor=tab.page, first=console)
    console.locator('[data-act="claim"]').click()
    expect_that(tab.find('.header[data-state="agent"]')).to_be_visible()
    expect_that(tab.find(UNDERWAY)).to_have_count(0)
    expect_that(console.locator('[data-act="resolve"]')).to_be_visible()
    expect_that(tab.find(".log")).not_to_contain_text(STREAMED)
    expect_that(console.locator(".line").last).not_to_contain_text(STREAMED)
    look("3-claimed", visitor=tab.page, first=console)


def read_the_brief_and_reply(tab: Tab, console: Page) -> None:
    expect_that(console.get_by_text("交接摘要")).to_be_visible()
    say(console, LINE_OF_FIRST)
    expect_that(tab.lines("agent")).to_contain_text([LINE_OF_FIRST])
    look("4-replied", visitor=tab.page, first=console)


def call_by_name(first: Page, other: Page) -> None:
    """A note calls the colleague, who is told quietly and also after a reload, until it was read."""
    first.keyboard.press("Alt+KeyP")
    first.locator(".input").press_sequentially("请@second")
    expect_that(first.get_by_role("option", name=re.compile(SECOND))).to_be_visible()
    first.keyboard.press("Enter")
    first.keyboard.type("看一下")
    expect_that(first.locator(".input")).to_have_value(f"请@{SECOND} 看一下")
    first.keyboard.press("Enter")
    expect_that(first.locator(".line--note .mention")).to_have_text(f"@{SECOND}")

    expect_that(other.locator("#alert")).to_contain_text("在备注里提到了您")
    other.reload()
    expect_that(other.locator(".mentions")).to_have_text("@ 1")
    look("4-called", first=first, second=other)
    other.locator(".mentions").click()
    other.locator(".mention-row").click()
    expect_that(other.locator(".mention--me")).to_have_text(f"@{SECOND}")
    expect_that(other.locator(".mentions")).to_be_hidden()
    other.reload()
    expect_that(other.locator(".status select")).to_be_enabled()
    expect_that(other.locator(".mentions")).to_be_hidden()


def pass_on(tab: Tab, first: Page, other: Page, conversation: str) -> None:
    first.locator('[data-act="transfer"]').click()
    dialog = first.locator("dialog")
    dialog.locator(".choice", has_text=SECOND).locator("input").check()
    dialog.locator("textarea[name=note]").fill("顾客很急,补发单已登记")
    look("5-passing", first=first)
    dialog.locator("button[type=submit]").click()
    expect_that(first.locator('[data-act="resolve"]')).to_have_count(0)
    other.locator('[role=tab][data-tab="mine"]').click()
    entry(other, conversation).locator(".entry-open").click()
    expect_that(other.locator('.line[data-role="note"]').last).to_contain_text("补发单已登记")
    say(other, LINE_OF_SECOND)
    expect_that(tab.lines("agent")).to_contain_text([LINE_OF_FIRST, LINE_OF_SECOND])
    assert "补发单已登记" not in tab.find(".log").inner_text()
    look("6-passed", visitor=tab.page, first=first, second=other)


def hand_back(tab: Tab, console: Page, provider: ProviderControl) -> None:
    """The model is told what people have said before it answers."""
    answered = tab.lines("bot").count()
    console.locator('[data-act="handBack"]').click()
    console.locator("dialog button[type=submit]").click()
    expect_that(tab.find('.header[data-state="bot"]')).to_be_visible()
    tab.ask(AFTERWARDS)
    tab.wait_for_answers(answered + 1)
    bodies = [json.dumps(each["body"], ensure_ascii=False) for each in provider.log()["requests"]]
    asked = [body for body in bodies if AFTERWARDS in body and LINE_OF_FIRST in body]
    assert any(LINE_OF_SECOND in body for body in asked), "the model was not told"
    assert not any("补发单已登记" in body for body in asked), "the model was told a note"
    look("7-handed-back", visitor=tab.page, second=console)


def rate(tab: Tab, database: Database, conversation: str) -> None:
    tab.choose("评价服务")
    sheet = tab.find("form.form")
    sheet.locator(".radio--score", has=tab.find("input[value='4']")).click()
    sheet.locator(".radio--solved", has=tab.find("input[value='yes']")).click()
    sheet.locator("textarea").fill("补发很快")
    sheet.locator("button[type=submit]").click()
    expect_that(sheet).to_have_count(0)
    wanted = "SELECT score, resolved, comment FROM chat_rating WHERE conversation_id = %s"
    deadline = time.monotonic() + 30
    while not (found := database.rows(wanted, conversation)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found == [(4, True, "补发很快")]
    look("8-rated", visitor=tab.page)


def say(console: Page, text: str) -> None:
    console.locator(".input").fill(text)
    console.locator(".input").press("Enter")
