"""`python -m tests.e2e.pictures FOLDER [--only NAME] [--url URL --home HOME]`: the admin's pages as contact sheets.

Every page at 1440 and 390 px, light and dark, in Chinese and English, many to an image, for people to look at; and a
list of what a machine sees: pages that scroll sideways, what axe-core finds, English words on Chinese pages. Without a
platform that runs it starts one; to either it adds rows to look at.
"""

import argparse
import itertools
import json
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import axe_playwright_python
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.conftest import CHROMIUM_ARGUMENTS, find_chromium
from tests.stack import ADMIN_PASSWORD, start

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RUN_AXE = """
() => axe.run(document, {resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa"]}).then(({violations}) =>
  violations.map(({id, nodes}) => id + ": " + nodes.slice(0, 3).map((node) => node.html.slice(0, 140)).join(" | ")))
"""
TEXT = """
() => {
  const copy = document.body.cloneNode(true);
  copy.querySelectorAll("script, style, pre, code, textarea, [class*=material-symbols]").forEach((each) => each.remove());
  return copy.innerText;
}
"""
LANGUAGES = {"zh": "zh-CN", "en": "en-US"}
# By width of the window: width of a picture on its sheet, columns, the longest picture, pictures on a sheet.
WIDTHS = {1440: (590, 2, 560, 6), 390: (232, 5, 1150, 5)}


@dataclass(frozen=True, slots=True)
class Look:
    """How the pages are opened."""

    width: int
    scheme: str
    language: str

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{self.scheme}"


def main() -> int:
    chosen = parse(sys.argv[1:])
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if chosen.home:
        return take_all(chosen, chosen.url, chosen.home)
    with tempfile.TemporaryDirectory(prefix="yingda-pictures-") as home:
        stack = start(Path(home))
        try:
            return take_all(chosen, stack.url, stack.home)
        finally:
            stack.stop()


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.e2e.pictures", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="pages whose name matches this expression")
    parser.add_argument("--looks", default="", help="looks whose name holds this, as zh-390")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--home", type=Path, help="YINGDA_HOME of a platform that runs at --url")
    return parser.parse_args(arguments)


def take_all(chosen: argparse.Namespace, url: str, home: Path) -> int:
    pages = {name: at for name, at in prepared(home).items() if re.search(chosen.only, name)}
    looks = [Look(*each) for each in itertools.product(WIDTHS, ("light", "dark"), LANGUAGES)]
    found: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        for look in looks:
            if chosen.looks in str(look):
                taken = take(browser, url, look, pages, found)
                bind(list(taken), look, chosen.folder)
    print("\n".join(found))
    return 0


def prepared(home: Path) -> dict[str, str]:
    """Rows to look at, and where they are shown."""
    os.environ.update(DJANGO_SETTINGS_MODULE="config.settings", YINGDA_HOME=str(home))
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client

    from tests.e2e import admin_pages, picture_rows

    settings.ALLOWED_HOSTS = ["testserver"]
    # Of every address some answer that they are no page.
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    picture_rows.add()
    client = Client()
    client.force_login(get_user_model().objects.get(username="admin"))
    pages = admin_pages.addresses(client)
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    return pages


def take(
    browser: Browser, url: str, look: Look, pages: dict[str, str], found: list[str]
) -> Iterator[tuple[str, Image.Image]]:
    context = browser.new_context(
        base_url=url,
        locale=LANGUAGES[look.language],
        color_scheme=look.scheme,  # type: ignore[arg-type]
        viewport={"width": look.width, "height": 900},
        reduced_motion="reduce",
    )
    page = context.new_page()
    sign_in(page)
    for name, at in pages.items():
        page.goto(at)
        found += [f"{look} {name}: {what}" for what in complaints(page, look)]
        shot = page.screenshot(full_page=True, animations="disabled")
        yield name, scaled(Image.open(BytesIO(shot)).convert("RGB"), look.width)
    context.close()


def sign_in(page: Page) -> None:
    page.goto("/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", os.environ.get("YINGDA_ADMIN_PASSWORD") or ADMIN_PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")


def complaints(page: Page, look: Look) -> Iterator[str]:
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if wide > 0:
        yield f"{wide} px too wide"
    page.evaluate(AXE)
    yield from page.evaluate(RUN_AXE)
    if look.language == "zh" and look.scheme == "light" and look.width == max(WIDTHS):
        yield f"words {json.dumps(sorted(english(page)), ensure_ascii=False)}"


def english(page: Page) -> set[str]:
    """What stands in Latin letters on a Chinese page: words of ours, or what people wrote."""
    text: Any = page.evaluate(TEXT)
    return set(re.findall(r"[A-Za-z][A-Za-z’' ]{2,}[A-Za-z]", text))


def bind(taken: list[tuple[str, Image.Image]], look: Look, folder: Path) -> None:
    """Contact sheets, each picture with its page's name."""
    size = WIDTHS[look.width][-1]
    for first in range(0, len(taken), size):
        sheet(taken[first : first + size], look.width).save(
            folder / f"{look}-{first // size:02}.png"
        )


def scaled(image: Image.Image, width: int) -> Image.Image:
    """As large as it stands on its sheet."""
    wide, _, longest, _ = WIDTHS[width]
    height = image.height * wide // image.width
    return image.resize((wide, height), Image.Resampling.LANCZOS).crop(
        (0, 0, wide, min(height, longest))
    )


def sheet(part: Any, width: int) -> Image.Image:
    """Pictures in columns, the next one always where there is most room."""
    wide, columns, _, _ = WIDTHS[width]
    heights, places = [0] * columns, []
    for name, image in part:
        column = heights.index(min(heights))
        places.append((name, image, column, heights[column]))
        heights[column] += image.height + 26
    whole = Image.new("RGB", (columns * (wide + 10), max(heights)), "#c0f")
    draw = ImageDraw.Draw(whole)
    for name, image, column, top in places:
        draw.text((column * (wide + 10) + 4, top + 6), name, fill="white")
        whole.paste(image, (column * (wide + 10), top + 22))
    return whole


if __name__ == "__main__":
    sys.exit(main())
