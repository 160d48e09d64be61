"""Every state of the widget: open to everybody by axe-core, in both themes; and what customers do in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import expect as expect_that

from tests.e2e.conftest import Shop, Tab
from tests.e2e.scenes import SCENES, play

# The first test of a session also starts a platform and a browser; those have limits of their own.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120, func_only=True)]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RUN_AXE = """
() => axe.run(document, {resultTypes: ["violations"]}).then(({violations}) =>
  violations.map(({id, nodes}) => [id, nodes.map((node) => node.html.slice(0, 160) + " " + node.failureSummary)]))
"""


# What has an end is waited for: colours are measured where they come to rest.
AT_REST = """
() => Promise.allSettled(
  document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime < Infinity).map((each) => each.finished))
"""


def violations(tab: Tab) -> list[Any]:
    """What axe-core finds in the widget's frame."""
    tab.frame.evaluate(AT_REST)
    found: list[Any] = tab.frame.evaluate(RUN_AXE)
    return found


def enter(shop: Shop, scene: str) -> tuple[Tab, list[dict[str, Any]]]:
    sent = play(shop.context, SCENES[scene])
    tab = shop.visit()
    tab.launcher.click()
    expect_that(tab.find(".log")).to_be_visible()
    expect_that(tab.find(".skeleton")).to_be_hidden()
    return tab, sent


# A frame hears of the scheme a little later than the page, and draws it with the next picture.
IS_DRAWN = """async (scheme) => {
  const picture = () => new Promise(requestAnimationFrame);
  while (!matchMedia(`(prefers-color-scheme: ${scheme})`).matches) await picture();
  await picture();
  await picture();
}"""


def assert_open_to_everybody(tab: Tab) -> None:
    tab.frame.evaluate(AXE)
    for scheme in ("light", "dark"):
        tab.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        tab.frame.evaluate(IS_DRAWN, scheme)
        assert not (found := violations(tab)), (scheme, found)


@pytest.mark.parametrize("scene", SCENES)
def test_no_state_shuts_anybody_out(shop: Shop, scene: str) -> None:
    tab, _ = enter(shop, scene)

    assert_open_to_everybody(tab)


def test_no_sheet_shuts_anybody_out(enter_shop: Callable[..., Shop]) -> None:
    tab, _ = enter(enter_shop(viewport={"width": 390, "height": 844}), "resolved")
    tab.find(".invite .star").nth(3).click()
    expect_that(tab.find("dialog")).to_be_visible()
    assert_open_to_everybody(tab)
    tab.page.keyboard.press("Escape")
    expect_that(tab.find("dialog")).to_have_count(0)
    expect_that(tab.launcher).to_have_attribute("aria-expanded", "true")
    tab.find(".menu .round").click()
    assert_open_to_everybody(tab)


def test_a_rating_says_everything_that_was_chosen(shop: Shop) -> None:
    tab, sent = enter(shop, "resolved")
    tab.find(".invite .star").nth(3).click()
    tab.find('dialog input[value="yes"]').check()
    tab.find("dialog textarea").fill("很快")
    tab.find("dialog").get_by_role("button", name="提交").click()

    expect_that(tab.find("dialog")).to_have_count(0)
    expect_that(tab.find(".invite")).to_be_hidden()
    rate = next(frame for frame in sent if frame["type"] == "rate")
    assert rate == {
        "type": "rate",
        "score": 4,
        "resolved": True,
        "tags": [],
        "comment": "很快",
    }


def test_a_confirmation_is_given_once(shop: Shop) -> None:
    tab, sent = enter(shop, "confirm")
    tab.find(".card--confirm").get_by_role("button", name="确认修改").click()

    expect_that(tab.find(".card--confirm button")).to_have_count(0)
    expect_that(tab.find(".card--confirm .outcome")).to_contain_text("确认修改")
    choices = [frame for frame in sent if frame["type"] == "choice"]
    assert [(frame["message_seq"], frame["value"]) for frame in choices] == [(2, "yes:1")]


def test_who_waits_while_nobody_is_on_duty_is_told_that_alone(shop: Shop) -> None:
    tab, sent = enter(shop, "unstaffed")
    bar = tab.find(".bar--queue")
    expect_that(bar).to_contain_text("现在没有客服值班")
    expect_that(bar).to_contain_text("周一至周五 9:00–18:00 (GMT+14)")
    expect_that(bar).to_contain_text("您的位置会保留")
    expect_that(tab.find(".subtitle")).to_have_text("人工客服暂时不在线")
    expect_that(tab.find(".note")).to_have_text("带 AI 标识的回答由 AI 生成，仅供参考")
    expect_that(tab.find(".bar--service")).to_be_hidden()
    assert "下一位" not in tab.find("#widget").inner_text()
    bar.get_by_role("button", name="回到小助手").click()
    while "human.cancel" not in [frame["type"] for frame in sent]:
        tab.page.wait_for_timeout(50)


def test_a_low_thumb_is_asked_why(shop: Shop) -> None:
    tab, sent = enter(shop, "replies")
    tab.find(".row--bot").get_by_role("button", name="没帮助").click()
    tab.find(".why").get_by_role("button", name="答非所问").click()

    expect_that(tab.find(".why")).to_have_text("谢谢反馈")
    told = [frame for frame in sent if frame["type"] == "feedback"]
    assert [(frame["value"], frame.get("reason")) for frame in told] == [
        ("down", None),
        ("down", "答非所问"),
    ]


def test_the_form_comes_first_and_names_what_is_missing(shop: Shop) -> None:
    tab, sent = enter(shop, "form")
    expect_that(tab.input).to_be_disabled()
    tab.find(".card--form").get_by_role("button", name="开始咨询").click()
    expect_that(tab.find("#field-name-error")).to_have_text("请填写这一项")
    tab.find("#field-name").fill("小王")
    tab.find(".card--form").get_by_role("button", name="开始咨询").click()

    expect_that(tab.input).to_be_enabled()
    form = next(frame for frame in sent if frame["type"] == "form.send")
    assert form["answers"] == {"name": "小王"}


def test_whom_to_ask_is_the_visitors_choice(shop: Shop) -> None:
    tab, sent = enter(shop, "choose")
    tab.find(".choices").get_by_role("button", name="转人工").click()

    expect_that(tab.find(".human")).to_have_text("转接中…")
    assert [frame["type"] for frame in sent if frame["type"].startswith("human")] == [
        "human.request"
    ]


def test_markup_of_an_answer_is_made_anew_from_a_short_list(shop: Shop) -> None:
    html = (
        "<p>ok <img src=/x onerror=alert(1)><strong>b</strong><script>alert(1)</script>"
        '<a href="javascript:alert(1)">j</a><a href="https://a.example/" onclick="alert(1)">a</a>'
        '<iframe src="/"></iframe><svg onload=alert(1)></svg></p>'
    )
    scene = {
        "messages": [
            {"seq": 1, "id": "1", "role": "bot", "text": "ok", "html": html, "ai": True, "at": ""}
        ]
    }
    play(shop.context, scene)
    tab = shop.visit()
    dialogs: list[str] = []
    tab.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    tab.launcher.click()

    body = tab.find(".rows .body")
    expect_that(body.locator("strong")).to_have_text("b")
    expect_that(body.locator("img, script, iframe, svg")).to_have_count(0)
    expect_that(body.locator("a")).to_have_count(1)
    expect_that(body.locator("a")).to_have_attribute("href", "https://a.example/")
    expect_that(body.locator("a")).to_have_attribute("rel", "noopener noreferrer nofollow")
    assert body.locator("a").get_attribute("onclick") is None
    assert dialogs == []
    # The browser itself reports the handlers that the page's policy did not let run.
    shop.complaints.clear()


def test_whole_answers_are_announced_once(shop: Shop) -> None:
    scene = dict(SCENES["streaming"]) | {
        "then": [
            {"type": "delta", "turn_id": "t1", "n": 1, "offset": 6, "text": "可退"},
            {"type": "message", "seq": 2, "id": "m2", "role": "bot", "text": "您好，七天内可退。"}
            | {"turn_id": "t1", "ai": True, "at": "2026-01-31T08:02:00.000Z"},
        ]
    }
    play(shop.context, scene)
    tab = shop.visit()
    tab.launcher.click()

    announced = tab.find("[aria-live=polite] p")
    expect_that(announced).to_have_text(["小助手: 您好，七天内可退。"])
