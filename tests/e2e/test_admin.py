"""The admin in a browser: its menus and pages work under the policy we send, and staff get their work done."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import expect as expect_that

from tests.stack import ADMIN_PASSWORD, Stack

pytestmark = pytest.mark.e2e

TRY = "/admin/prompts/modelendpoint/try/"
ADD_POLICY = "/admin/prompts/routepolicy/add/"
LOAD = "/admin/prompts/loadpolicy/1/change/"
# A cold worker on a busy machine may take its time.
ANSWER_MS = 30_000


@pytest.fixture
def admin(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The admin, signed in, in English at the width of a phone; ends with a check that no page complained."""
    context = browser.new_context(
        base_url=stack.url, locale="en-US", viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda line: errors.append(line.text) if line.type in {"error", "warning"} else None,
    )
    page.goto("/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", ADMIN_PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    yield page
    context.close()
    assert errors == []


def is_wider_than_screen(page: Page) -> bool:
    wider: bool = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    return wider


def rules(page: Page) -> list[dict[str, Any]]:
    """The rules as they would be sent."""
    found: list[dict[str, Any]] = json.loads(page.locator("textarea[data-rules]").input_value())
    return found


def test_admin_lists_sops(admin: Page) -> None:
    admin.goto("/admin/prompts/sop/?q=物流")

    assert admin.locator("#result_list tbody tr, table tbody tr").count() > 0


@pytest.mark.timeout(300)  # some eighty pages, on a machine that may be busy
def test_no_page_scrolls_sideways_on_a_phone(admin: Page) -> None:
    admin.goto("/admin/")
    read = "links => links.map(link => link.getAttribute('href'))"
    found = set(admin.locator("#content a[href^='/admin/']").evaluate_all(read))
    menu = {url for url in found if not url.endswith("/add/")}
    assert len(menu) > 40
    wide = []
    for list_page in sorted(menu):
        admin.goto(list_page, wait_until="domcontentloaded")
        wide += [list_page] * is_wider_than_screen(admin)
        row = admin.locator("#result_list a[href*='/change/']")
        if row.count():
            url = row.first.get_attribute("href") or ""
            admin.goto(url, wait_until="domcontentloaded")
            wide += [url] * is_wider_than_screen(admin)
    assert wide == []


def test_every_provider_is_tried_by_keyboard(admin: Page) -> None:
    admin.goto(TRY)
    cards = admin.locator(".yd-card")
    height = admin.evaluate("document.body.scrollHeight")

    admin.focus("#try-all")
    admin.keyboard.press("Enter")

    assert cards.count() == 3
    for card in cards.all():
        expect_that(card.locator('[data-slot="state"]')).to_have_text("Done", timeout=ANSWER_MS)
        expect_that(card).to_have_attribute("aria-busy", "false")
        figures = {
            name: card.locator(f'[data-slot="{name}"]').inner_text()
            for name in ("first_token", "total", "tokens_in", "tokens_out", "cost", "answer")
        }
        assert "—" not in figures.values()
        assert figures["first_token"].endswith("s")
        assert figures["answer"] != "Not tried yet"
    assert admin.evaluate("document.body.scrollHeight") == height
    assert not is_wider_than_screen(admin)


def test_a_question_that_is_missing_is_not_asked(admin: Page) -> None:
    admin.goto(TRY)
    admin.fill("#question", "")
    admin.click("#try-all")

    assert admin.evaluate("document.querySelector('#question').validity.valueMissing")
    expect_that(admin.locator('[data-slot="state"]').first).to_have_text("")


def test_rules_are_built_moved_saved_and_put_to_work(admin: Page) -> None:
    admin.goto(ADD_POLICY)
    expect_that(admin.locator("textarea[data-rules]")).to_be_hidden()

    admin.get_by_role("button", name="Add a rule").click()
    admin.keyboard.type(" first")
    admin.get_by_role("button", name="Add a condition").click()
    admin.get_by_label("Field").select_option("emotion_score")
    admin.get_by_label("Operator").select_option("$gte")
    admin.get_by_label("Value", exact=True).fill("0.8")
    admin.get_by_role("button", name="Add a group").click()
    group = admin.locator(".rule-group .rule-group")
    group.get_by_label("Field").select_option("tier")
    group.get_by_role("button", name="Add a condition").click()
    group.get_by_label("Field").nth(1).select_option("needs_tools")
    admin.get_by_label("Pin").select_option("strength:strong")
    admin.get_by_label("Offer a person").check()
    admin.get_by_role("button", name="Add a rule").click()
    second = admin.locator("li.yd-box").nth(1)
    second.get_by_label("Quality at least").fill("0.97")
    second.get_by_label("Pin").select_option("")
    second.get_by_role("button", name="Move up").click()

    assert [rule["effect"] for rule in rules(admin)] == [
        {"q_min": 0.97},
        {"strength": "strong", "offer_human": True},
    ]
    assert rules(admin)[1]["when"] == {
        "$and": [
            {"emotion_score": {"$gte": 0.8}},
            {"$or": [{"tier": {"$eq": "standard"}}, {"needs_tools": {"$eq": True}}]},
        ]
    }
    focused = admin.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused.startswith("Move down")
    assert not is_wider_than_screen(admin)

    admin.get_by_role("button", name="Save", exact=True).click()
    admin.wait_for_url("**/change/")
    admin.get_by_text("Activate this version…").click()
    admin.get_by_role("button", name="Yes, activate").click()
    expect_that(admin.locator(".yd-chip.good", has_text="active")).to_be_visible()

    admin.goto(ADD_POLICY)
    assert len(rules(admin)) == 2


def test_rules_are_edited_as_json_and_back(admin: Page) -> None:
    admin.goto(ADD_POLICY)
    textarea = admin.locator("textarea[data-rules]")
    admin.get_by_role("button", name="Edit as JSON").click()

    textarea.fill("[{")
    admin.get_by_role("button", name="Back to the editor").click()
    expect_that(admin.get_by_role("alert")).to_contain_text("no list of rules")

    textarea.fill('[{"name": "By hand", "when": {"colour": 1}, "effect": {"strength": "light"}}]')
    admin.get_by_role("button", name="Back to the editor").click()
    expect_that(admin.get_by_label("Name", exact=True)).to_have_value("By hand")
    assert rules(admin)[0]["when"] == {"colour": 1}


def test_a_forced_level_shows_without_a_reload(admin: Page) -> None:
    admin.goto(LOAD)
    watching = admin.context.new_page()
    watching.goto(LOAD)
    level = watching.locator('[data-slot="level"]')
    expect_that(level).to_have_text("0")

    admin.get_by_text("Set the level…").click()
    admin.get_by_label("Level", exact=True).select_option("1")
    admin.get_by_role("button", name="Yes, set it").click()
    expect_that(level).to_have_text("1", timeout=ANSWER_MS)
    admin.get_by_role("button", name="Back to automatic").click()
    expect_that(level).to_have_text("0", timeout=ANSWER_MS)
    assert not is_wider_than_screen(admin)


def test_a_canary_is_started_and_rolled_back(admin: Page) -> None:
    admin.goto("/admin/prompts/canary/add/")
    admin.fill("#id_name", "by hand")
    admin.locator("#id_endpoint").select_option(label="dashscope", force=True)
    admin.get_by_role("button", name="Save and continue editing").click()
    expect_that(admin.locator(".yd-chip", has_text="draft")).to_be_visible()

    admin.get_by_text("Start…").click()
    admin.get_by_role("button", name="Yes, start").click()
    expect_that(admin.locator(".yd-chip", has_text="running")).to_be_visible()
    admin.get_by_text("Roll back…").click()
    admin.get_by_role("button", name="Yes, roll back").click()
    expect_that(admin.locator(".yd-chip", has_text="rolled back")).to_be_visible()
    assert not is_wider_than_screen(admin)
