"""Images that customers choose, paste and drop: seen by them after a reload, and by nobody without the address."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect as expect_that

from tests.e2e.conftest import ANSWER_MS, Shop, Tab

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120, func_only=True)]

# Files reach a page by `paste` and `drop` only as a DataTransfer that a script has filled.
HAND_OVER = """
(target, [kind, bytes, type]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "photo", {type}));
  const init = {bubbles: true, cancelable: true};
  target.dispatchEvent(kind === "paste"
    ? new ClipboardEvent("paste", {...init, clipboardData: data})
    : new DragEvent("drop", {...init, dataTransfer: data}));
}
"""
SHOWN = '[data-role="visitor"] .images img'


def photo(side: int, *, kind: str = "PNG") -> bytes:
    out = BytesIO()
    Image.new("RGB", (side, side // 2), "teal").save(out, kind)
    return out.getvalue()


def hand_over(tab: Tab, kind: str, data: bytes, *, type_: str = "image/png") -> None:
    target = tab.input if kind == "paste" else tab.find(".log")
    target.evaluate(HAND_OVER, [kind, list(data), type_])


def wait_for_tray(tab: Tab, count: int) -> None:
    expect_that(tab.find(".thumb:not(.thumb--busy)")).to_have_count(count, timeout=ANSWER_MS)


def test_images_chosen_pasted_and_dropped_are_there_after_a_reload(
    shop: Shop, tmp_path: Path
) -> None:
    chosen = tmp_path / "screen.jpg"
    chosen.write_bytes(photo(300, kind="JPEG"))
    tab = shop.visit()
    tab.open()
    tab.find("input[type=file]").set_input_files(chosen)
    hand_over(tab, "paste", photo(200))
    hand_over(tab, "drop", photo(100))
    wait_for_tray(tab, 3)
    tab.ask("这个能退吗?")

    tab.wait_for_answers(1)
    assert_shown(tab, [300, 200, 100])
    tab.page.reload()
    tab.open()
    assert_shown(tab, [300, 200, 100])
    address = tab.find(SHOWN).first.get_attribute("src")
    assert address is not None
    assert tab.session()["token"] not in address


def assert_shown(tab: Tab, widths: list[int]) -> None:
    images = tab.find(SHOWN)
    expect_that(images).to_have_count(len(widths), timeout=ANSWER_MS)
    for number, width in enumerate(widths):
        shown = images.nth(number)
        expect_that(shown).to_have_js_property("naturalWidth", width, timeout=ANSWER_MS)


def test_what_only_calls_itself_an_image_is_refused_and_nothing_is_lost(
    enter_shop: Callable[..., Shop],
) -> None:
    shop = enter_shop()
    tab = shop.visit()
    tab.open()
    tab.input.fill("看这张")
    page: Any = b"<!doctype html><script>alert(1)</script>"
    hand_over(tab, "drop", page)

    expect_that(tab.find(".composer .field-error")).not_to_be_empty(timeout=ANSWER_MS)
    expect_that(tab.find(".thumb")).to_have_count(0)
    expect_that(tab.input).to_have_value("看这张")
    hand_over(tab, "paste", b"%PDF-1.7", type_="application/pdf")
    expect_that(tab.find(".composer .field-error")).not_to_be_empty()
    expect_that(tab.find(".thumb")).to_have_count(0)
    # The browser itself writes down that the server said no.
    shop.complaints.clear()
