"""The way of a prompt change in a browser, from the first word to the rollback: nothing reaches a customer untried."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, Request
from playwright.sync_api import expect as expect_that

from tests.e2e.conftest import Database
from tests.stack import ADMIN_PASSWORD, Stack

# Long, and on a busy machine the platform alone takes its time to start.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

# A cold worker on a busy machine may take its time.
PATIENCE_MS, USUAL_MS, LOOKS, LOOK_MS = 30_000, 5_000, 60, 500
ASKED = "我的订单怎么还没到？"
RUDE, KIND = "不知道，别问了。", "抱歉让您久等了，这就为您催物流。"
# Order numbers whose last two digits are on the canary, and not.
ON_CANARY, BESIDE_IT = "20240501103", "20240501150"


@pytest.fixture
def studio(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The admin, signed in, in English; ends with a check that no page complained."""
    context = browser.new_context(
        base_url=stack.url, locale="en-US", viewport={"width": 1440, "height": 900}
    )
    context.set_default_timeout(PATIENCE_MS)
    expect_that.set_options(timeout=PATIENCE_MS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", ADMIN_PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    yield page
    context.close()
    expect_that.set_options(timeout=USUAL_MS)
    assert errors == []


def test_a_change_is_tried_held_mended_sent_to_a_few_and_taken_back(
    studio: Page, stack: Stack, database: Database, tmp_path: Path
) -> None:
    [(prompt,)] = database.rows(
        "SELECT id FROM prompts_prompt WHERE purpose = 'answer' AND language = 'zh'"
    )
    keep_typing(studio, prompt)
    meet_another(studio, prompt)
    write_rule(studio, prompt, RUDE)
    see_difference(studio)
    try_beside(studio, prompt)
    rude = freeze(studio, database, prompt, note="shorter answers")
    cases = add_cases(studio, database, tmp_path)

    held = add_release(studio, database, name="shorter", version=rude, cases=cases)
    evaluate(studio, held, verdict="Below the threshold")
    open_release(studio, held)
    expect_that(studio.get_by_text("it is held")).to_be_visible()
    expect_that(studio.get_by_text("Start the canary…")).to_have_count(0)

    write_rule(studio, prompt, KIND)
    kind = freeze(studio, database, prompt, note="shorter, and kind")
    release = add_release(studio, database, name="shorter-kind", version=kind, cases=cases)
    evaluate(studio, release, verdict="Reaches the threshold")
    start_canary(studio, release)

    heard = [ask(stack, database, order) for order in (ON_CANARY, BESIDE_IT, ON_CANARY)]
    assert heard == ["release", "control", "release"]
    wait_for_turns(studio, arm="2", control="1")

    studio.locator("button.danger", has_text="Roll back").click()
    expect_that(studio.locator(".yd-chip", has_text="rolled back").first).to_be_visible()
    # Workers are told at once, or look within seconds: then it is over for good.
    first = next(n for n in range(LOOKS) if ask(stack, database, ON_CANARY) != "release")
    assert first < LOOKS
    assert {ask(stack, database, ON_CANARY) for _ in range(2)} == {"control"}


def keep_typing(studio: Page, prompt: int) -> None:
    """Who never pauses is saved all the same."""
    saves: list[str] = []
    studio.goto(f"/admin/prompts/prompt/{prompt}/change/")
    studio.on("request", lambda request: saves.append(request.url) if is_save(request) else None)
    studio.focus("[name=note]")
    for _ in range(LOOKS * 5):
        if saves:
            break
        studio.keyboard.press("x")
        studio.wait_for_timeout(100)
    assert saves
    wait_until_saved(studio)


def is_save(request: Request) -> bool:
    return request.method == "POST" and request.url.endswith("/change/")


def wait_until_saved(studio: Page) -> None:
    studio.wait_for_function("!changed && !sending")


def meet_another(studio: Page, prompt: int) -> None:
    """Two at one draft: the second one's words are neither saved nor lost, until they are sent again."""
    other = studio.context.new_page()
    other.goto(f"/admin/prompts/prompt/{prompt}/change/")
    other.fill("[name=note]", "theirs")
    expect_that(other.locator("#saved")).to_contain_text("Saved ")
    wait_until_saved(other)
    other.close()

    studio.fill("[name=note]", "mine")
    expect_that(studio.locator("#saved")).to_contain_text("Not saved: somebody else")
    expect_that(studio.locator("#stopped")).to_be_visible()
    save = studio.get_by_role("button", name="Save draft")
    save.click()
    expect_that(studio.get_by_text("Below are your words")).to_be_visible()
    expect_that(studio.locator("[name=note]")).to_have_value("mine")
    save.click()
    expect_that(studio.get_by_text("Below are your words")).to_have_count(0)
    expect_that(studio.locator("[name=note]")).to_have_value("mine")


def write_rule(studio: Page, prompt: int, says: str) -> None:
    """Writes a line into the rules, and waits until the draft has saved itself."""
    studio.goto(f"/admin/prompts/prompt/{prompt}/change/")
    rules = studio.locator("textarea[name=rules]")
    before = rules.input_value().split("\n- ")[0]
    rules.fill(f"{before}\n- {ASKED}: {says}")
    expect_that(studio.locator("#saved")).to_contain_text("Saved ")


def see_difference(studio: Page) -> None:
    """The way to it is there once the first draft has saved itself."""
    studio.get_by_role("link", name="Compare the draft with the one in force").click()
    expect_that(studio.locator("ins", has_text=RUDE)).to_be_visible()


def try_beside(studio: Page, prompt: int) -> None:
    """Asks the draft and the version in force the same: only one of them is rude."""
    studio.goto(f"/admin/prompts/prompt/playground/?prompt={prompt}")
    studio.fill("#message", ASKED)
    studio.click("#send")
    answers = studio.locator(".yd-said")
    expect_that(answers).to_have_count(2)
    expect_that(answers.filter(has_text=RUDE)).to_have_count(1)


def freeze(studio: Page, database: Database, prompt: int, *, note: str) -> int:
    """Makes the draft a version, and gives its id."""
    studio.goto(f"/admin/prompts/prompt/{prompt}/change/")
    studio.fill("[name=note]", note)
    studio.get_by_role("button", name="Save as version", exact=True).click()
    expect_that(studio.locator(".yd-versions")).to_contain_text(note)
    expect_that(studio.locator("#standing")).to_contain_text("not published; in force: 1")
    query = "SELECT max(id) FROM prompts_promptversion WHERE prompt_id = %s"
    return int(database.rows(query, prompt)[0][0])


def add_cases(studio: Page, database: Database, folder: Path) -> int:
    """A set of two cases, one of which no rude answer passes; its id."""
    studio.goto("/admin/prompts/evalset/add/")
    studio.fill("#id_name", "journey")
    studio.fill("#id_title", "Journey")
    studio.locator("[name=_save]").click()
    [(pk,)] = database.rows("SELECT id FROM prompts_evalset WHERE name = 'journey'")
    file = folder / "cases.jsonl"
    cases = [
        {"key": "late", "text": ASKED, "must_not_contain": ["别问"], "critical": True},
        {"key": "hello", "text": "在吗", "max_chars": 200},
    ]
    file.write_text("\n".join(json.dumps(case, ensure_ascii=False) for case in cases))
    studio.goto(f"/admin/prompts/evalset/{pk}/change/")
    studio.get_by_text("Import cases (JSONL)").click()
    studio.set_input_files("#cases-file", file)
    studio.get_by_role("button", name="Import", exact=True).click()
    expect_that(studio.get_by_text("2 cases added")).to_be_visible()
    return int(pk)


def add_release(studio: Page, database: Database, *, name: str, version: int, cases: int) -> int:
    studio.goto("/admin/prompts/release/add/")
    studio.fill("#id_name", name)
    studio.fill("#id_note", "shorter answers")
    studio.select_option("#id_versions", str(version))
    studio.select_option("#id_eval_set", str(cases))
    studio.locator("[name=_save]").click()
    expect_that(studio.locator("#result_list, table").first).to_contain_text(name)
    return int(database.rows("SELECT id FROM prompts_release WHERE name = %s", name)[0][0])


def open_release(studio: Page, pk: int) -> None:
    studio.goto(f"/admin/prompts/release/{pk}/change/")


def evaluate(studio: Page, pk: int, *, verdict: str) -> None:
    """Runs the release's set and waits on its page, which shows itself anew when the run is over."""
    open_release(studio, pk)
    studio.get_by_role("button", name="Run its evaluation set").click()
    expect_that(studio.locator("#import-job .yd-chip").first).to_have_text(verdict)


def start_canary(studio: Page, pk: int) -> None:
    open_release(studio, pk)
    studio.get_by_text("Start the canary…").click()
    studio.get_by_role("button", name="Yes, start").click()
    expect_that(studio.locator(".yd-chip", has_text="on canary").first).to_be_visible()
    expect_that(studio.get_by_text("00–04 (5%)").first).to_be_visible()


def ask(stack: Stack, database: Database, order: str) -> str:
    """A new visitor asks about an order; the arm that answered."""
    with httpx.Client(base_url=f"{stack.url}/api/v1/client/", timeout=30) as shop:
        token = shop.post("sessions", json={"inbox": "ib_demo"}).json()["token"]
        shop.headers["Authorization"] = f"Bearer {token}"
        line = {"client_id": str(uuid4()), "text": f"{ASKED}订单号{order}"}
        turn = shop.post("messages", json=line).json()["turn_id"]
        return arm_of(database, turn)


def arm_of(database: Database, turn: str) -> str:
    query = "SELECT decision->>'arm' FROM chat_turn WHERE id = %s AND state = 'done'"
    for _ in range(LOOKS):
        if rows := database.rows(query, turn):
            return str(rows[0][0] or "control")
        database.rows("SELECT pg_sleep(%s)", LOOK_MS / 1000)
    raise AssertionError(f"turn {turn} was not answered")


def wait_for_turns(studio: Page, *, arm: str, control: str) -> None:
    """The table of the two arms moves as they are asked."""
    cells = cells_of(studio, "Turns")
    for _ in range(LOOKS):
        if cells.all_inner_texts() == [arm, control]:
            return
        studio.wait_for_timeout(LOOK_MS)
        studio.reload()
    expect_that(cells).to_have_text([arm, control])


def cells_of(studio: Page, measure: str) -> Locator:
    row = studio.locator("tr", has=studio.get_by_role("rowheader", name=measure, exact=True))
    return row.locator("td")
