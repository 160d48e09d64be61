"""Over two hundred pieces of hostile markup, in rows as no sanitiser had seen them, before customers and agents."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page
from playwright.sync_api import expect as expect_that

from tests.e2e import payloads
from tests.e2e.conftest import ANSWER_MS, Database, Shop
from tests.stack import ADMIN_PASSWORD, Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

# What an answer may be made of; everything else in its body came from a payload.
ALLOWED = {"P", "BR", "STRONG", "EM", "UL", "OL", "LI", "CODE", "A"}
STRANGE = """
(bodies, allowed) => bodies.flatMap((body) => [...body.querySelectorAll("*")])
  .filter((element) => !allowed.includes(element.tagName)
    || [...element.attributes].some(({name, value}) => !(element.tagName === "A"
      && (["target", "rel"].includes(name) || (name === "href" && /^(https?|mailto|tel):/.test(value))))))
  .map((element) => element.outerHTML)
"""
COPY = """
INSERT INTO chat_message
SELECT (jsonb_populate_record(line, jsonb_build_object('id', gen_random_uuid(), 'seq', line.seq + given.n,
  'text', given.text, 'html', given.text, 'author', jsonb_build_object('name', given.text), 'turn_id', NULL,
  'role', CASE given.n %% 3 WHEN 0 THEN 'bot' WHEN 1 THEN 'agent' ELSE 'visitor' END))).*
FROM chat_message line, json_array_elements_text(%s::json) WITH ORDINALITY AS given(text, n)
WHERE line.conversation_id = %s AND line.role = 'bot'
"""


@pytest.fixture
def staff(browser: Browser, stack: Stack) -> Iterator[Page]:
    context = browser.new_context(base_url=stack.url, locale="zh-CN")
    page = context.new_page()
    page.goto("/admin/login/?next=/console/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", ADMIN_PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/console/")
    yield page
    context.close()


def test_markup_neither_runs_nor_loads_nor_covers_anything(
    shop: Shop, staff: Page, database: Database
) -> None:
    called: list[str] = []
    shop.context.on("dialog", lambda dialog: called.append(dialog.message))
    staff.context.on("dialog", lambda dialog: called.append(dialog.message))
    staff.context.on("request", lambda request: called.append(request.url))
    tab = shop.visit()
    tab.open()
    tab.ask("在吗")
    tab.wait_for_answers(1)
    query = "SELECT id FROM chat_conversation WHERE visitor_id = %s"
    [(conversation,)] = database.rows(query, tab.session()["visitor_id"])
    database.connection.execute(COPY.encode(), [json.dumps(payloads.ALL), conversation])
    moved = "UPDATE chat_conversation SET last_seq = last_seq + %s WHERE id = %s"
    database.connection.execute(moved, [len(payloads.ALL), conversation])

    tab.page.reload()
    tab.launcher.click()
    lines = tab.find(".rows [data-role]")
    expect_that(lines).to_have_count(len(payloads.ALL) + 2, timeout=ANSWER_MS)
    assert_harmless(tab.find(".rows .body"))
    assert_harmless(tab.find(".row--visitor .bubble"))
    expect_that(tab.find(".header")).to_be_visible()

    staff.goto(f"/console/#{conversation}")
    assert_harmless_thread(staff)
    staff.goto(f"/admin/chat/conversation/{conversation}/change/")
    expect_that(staff.locator("#content")).to_be_visible()
    # The browser writes down what the page's policy did not let run.
    shop.complaints.clear()
    assert [url for url in called if "elsewhere" in url or "http" not in url] == []


def assert_harmless(bodies: Locator) -> None:
    strange = bodies.evaluate_all(STRANGE, sorted(ALLOWED))
    assert strange == []


def assert_harmless_thread(staff: Page) -> None:
    staff.locator('[role=tab][data-tab="all"]').click()
    staff.locator(".entry-open").first.click()
    shown = staff.locator(".line .body")
    expect_that(shown.nth(100)).to_be_attached(timeout=ANSWER_MS)
    assert_harmless(shown)
