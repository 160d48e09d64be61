"""`make bench-embed`, `python -m tests.bench.embed [--loads N]`.

What the widget's embed.js costs a shop's page before anybody opens it: requests, bytes, and time of the page's main
thread, against the same page without it in the same run. Writes var/reports/embed.json.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from playwright.sync_api import Browser, Request, sync_playwright

from config import embedded
from tests import stack as platform_stack
from tests.bench.report import mark, table
from tests.bench.run import describe_machine, say
from tests.e2e.conftest import CHROMIUM_ARGUMENTS, find_chromium

REPORT = platform_stack.ROOT / "var" / "reports" / "embed.json"
REQUESTS_MOST, MAIN_THREAD_MS_MOST = 1, 20.0
# After the page's own load: what the widget does unasked is done by then.
SETTLE_MS = 1500


@dataclass(frozen=True, slots=True)
class Load:
    """One visit of the page. `main_ms` is what the browser calls TaskDuration, `script_ms` the scripts' part of it."""

    requests: int
    bytes: int
    main_ms: float
    script_ms: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when the budget is not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.embed", description=__doc__)
    parser.add_argument("--loads", type=int, default=20, metavar="N", help="visits of each page")
    loads: int = parser.parse_args(arguments).loads
    with tempfile.TemporaryDirectory(prefix="yingda-embed-", ignore_cleanup_errors=True) as home:
        running = platform_stack.start(Path(home))
        try:
            bare, with_widget = measure(running, loads)
        finally:
            running.stop()
    return report(bare, with_widget)


def measure(running: platform_stack.Stack, loads: int) -> tuple[list[Load], list[Load]]:
    """Visits of the page without and with the widget, by turns, each in a new browser profile."""
    tags = snippet(running)
    bare, with_widget = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        for _ in range(loads):
            bare.append(visit(browser, running.url, ""))
            with_widget.append(visit(browser, running.url, tags))
        browser.close()
    return bare, with_widget


def snippet(running: platform_stack.Stack) -> str:
    with psycopg.connect(embedded.database_url(running.home)) as connection:
        row = connection.execute("SELECT key FROM chat_inbox ORDER BY id LIMIT 1").fetchone()
    assert row is not None
    [key] = row
    return f'<script async src="{running.url}/embed.js?inbox={key}"></script>'


def visit(browser: Browser, url: str, tags: str) -> Load:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    asked: list[Request] = []
    page.on("requestfinished", lambda request: asked.append(request))
    html = f"<!DOCTYPE html><title>Shop</title><h1>Shop</h1>{tags}"
    address = f"{url}/a-page-of-the-shop"
    page.route(address, lambda route: route.fulfill(body=html, content_type="text/html"))
    tools = context.new_cdp_session(page)
    tools.send("Performance.enable")
    page.goto(address, wait_until="load")
    page.wait_for_timeout(SETTLE_MS)
    figures = {
        each["name"]: each["value"] for each in tools.send("Performance.getMetrics")["metrics"]
    }
    own = [request for request in asked if request.url != address]
    sizes = [request.sizes() for request in own]
    context.close()
    return Load(
        requests=len(own),
        bytes=sum(size["responseBodySize"] for size in sizes),
        main_ms=figures["TaskDuration"] * 1000,
        script_ms=figures["ScriptDuration"] * 1000,
    )


def report(bare: list[Load], with_widget: list[Load]) -> int:
    added_ms = median(with_widget, "main_ms") - median(bare, "main_ms")
    script_ms = median(with_widget, "script_ms") - median(bare, "script_ms")
    requests = max(load.requests for load in with_widget)
    holds = requests <= REQUESTS_MOST and added_ms <= MAIN_THREAD_MS_MOST
    lines = [
        ("requests, at most", str(requests), str(REQUESTS_MOST), mark(requests <= REQUESTS_MOST)),
        ("bytes of them", str(max(load.bytes for load in with_widget)), "", ""),
        (
            "main thread, ms (median)",
            f"{added_ms:.1f}",
            f"{MAIN_THREAD_MS_MOST:g}",
            mark(added_ms <= MAIN_THREAD_MS_MOST),
        ),
        ("of which script, ms (median)", f"{script_ms:.1f}", "", ""),
    ]
    say(table(("added by embed.js", "measured", "budget", ""), lines))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "machine": describe_machine(),
        "bare": [asdict(load) for load in bare],
        "with_widget": [asdict(load) for load in with_widget],
    }
    REPORT.write_text(json.dumps(found, indent=2) + "\n")
    return 0 if holds else 1


def median(loads: list[Load], figure: str) -> float:
    return float(statistics.median(getattr(load, figure) for load in loads))


if __name__ == "__main__":
    sys.exit(main())
