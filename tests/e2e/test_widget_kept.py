"""What customers tell the shop through the widget is kept, and personal data is not kept in clear."""

from pathlib import Path

import pytest
from playwright.sync_api import expect as expect_that

from tests.e2e.conftest import ANSWER_MS, Database, Shop, Tab

# The first test of a session also starts a platform and a browser; those have limits of their own.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120, func_only=True)]

PHONE = "13800138000"
CLOSED = {"time_zone": "Asia/Shanghai", "week": {}, "days": {}}
FORM = [
    {"name": "name", "kind": "text", "required": True, "label": {"zh-CN": "称呼"}},
    {"name": "phone", "kind": "phone", "required": False, "label": {"zh-CN": "电话"}},
]


def conversations(database: Database, tab: Tab, columns: str) -> list[tuple[object, ...]]:
    """Of the visitor in the tab, oldest first."""
    query = f"SELECT {columns} FROM chat_conversation WHERE visitor_id = %s ORDER BY created_at"  # noqa: S608
    return database.rows(query, tab.session()["visitor_id"])


def test_an_end_a_rating_and_a_new_beginning(shop: Shop, database: Database) -> None:
    tab = shop.visit()
    tab.open()
    tab.ask("你好")
    tab.wait_for_answers(1)
    tab.choose("结束会话")
    tab.find("dialog").get_by_role("button", name="结束会话").click()

    tab.find(".invite .star").nth(3).click()
    tab.find('dialog input[value="yes"]').check()
    tab.find("dialog textarea").fill(f"很快，可以打{PHONE}回访")
    tab.find("dialog").get_by_role("button", name="提交").click()
    expect_that(tab.find("dialog")).to_have_count(0)
    tab.press("开始新会话")

    expect_that(tab.find('.header[data-state="bot"]')).to_be_visible()
    expect_that(tab.find(".bar--service")).to_be_hidden()
    tab.ask("在吗")
    expect_that(tab.lines("visitor").last).to_have_text("在吗", timeout=ANSWER_MS)
    assert conversations(database, tab, "resolved_at IS NULL") == [(False,), (True,)]
    first = conversations(database, tab, "id")[0][0]
    query = "SELECT score, resolved, comment FROM chat_rating WHERE conversation_id = %s"
    [(score, resolved, comment)] = database.rows(query, first)
    assert (score, resolved) == (4, True)
    assert comment.startswith("很快，可以打")
    assert PHONE not in comment


def test_a_message_left_while_nobody_is_there(shop: Shop, database: Database) -> None:
    with database.inbox(hours=CLOSED):
        tab = shop.visit()
        tab.open()
        tab.press("留言")
        tab.find("#field-text").fill("请问什么时候补货？")
        tab.find("#field-phone").fill("1")
        tab.find("dialog").get_by_role("button", name="发送").click()
        expect_that(tab.find("#field-phone-error")).not_to_be_empty()
        tab.find("#field-phone").fill(PHONE)
        tab.find("dialog").get_by_role("button", name="发送").click()
        expect_that(tab.find("dialog [role=status]")).to_contain_text("留言已收到")

    query = "SELECT text, meta FROM chat_message WHERE visitor_id = %s"
    [(text, meta)] = database.rows(query, tab.session()["visitor_id"])
    assert text == "请问什么时候补货？"
    assert meta["left"] is True
    assert meta["contact"].keys() == {"phone"}
    assert PHONE not in str(meta)
    assert conversations(database, tab, "owner") == [("queue",)]


def test_the_form_before_a_conversation(shop: Shop, database: Database) -> None:
    with database.inbox(prechat=FORM):
        tab = shop.visit()
        tab.open()
        expect_that(tab.input).to_be_disabled()
        tab.find("#field-name").fill("小王")
        tab.find("#field-phone").fill(PHONE)
        tab.press("开始咨询")
        expect_that(tab.input).to_be_enabled()

        expect_that(tab.find(".card--form")).to_have_count(0)
        tab.page.reload()
        tab.open()
        expect_that(tab.input).to_be_enabled()
        expect_that(tab.find(".card--form")).to_have_count(0)

    [(form,)] = conversations(database, tab, "form")
    assert isinstance(form, dict)
    assert form.keys() == {"name", "phone"}
    assert PHONE not in str(form)
    assert "小王" not in str(form)


def test_a_transcript_to_take_home(shop: Shop) -> None:
    addresses: list[str] = []
    shop.context.on("request", lambda request: addresses.append(request.url))
    tab = shop.visit()
    tab.page.on("websocket", lambda socket: addresses.append(socket.url))
    tab.open()
    tab.ask("你好")
    [answer] = tab.wait_for_answers(1)
    with tab.page.expect_download() as download:
        tab.choose("下载聊天记录")

    kept = Path(download.value.path()).read_text(encoding="utf-8")
    assert download.value.suggested_filename.endswith(".txt")
    assert kept.index("你好") < kept.index(answer.splitlines()[0])
    token = tab.session()["token"]
    assert addresses
    assert not [address for address in addresses if token in address]
