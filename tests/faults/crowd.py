"""Two hundred widgets in one browser, by the widget's own store and connection: who comes back after a restart, when."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from playwright.async_api import Frame, async_playwright

from tests.e2e.conftest import CHROMIUM_ARGUMENTS, find_chromium
from tests.faults.judging import Verdict
from tests.faults.platform import Platform

WIDGETS = 200
# Asked of the widget: all of them back in this time.
LIMIT_SECONDS = 15
# What ends together must not come back together: the busiest second may have this share of all.
BUSIEST_SHARE = 0.5

# Where the modules are is known to the page that has loaded them.
GATHER = """
async (count) => {
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  const module = (name) => import(loaded.find((url) => url.endsWith(`/${name}.js`)));
  const [{ Connection }, { createSession }, { createStore }, { createMemory, memoryStorage }] = await Promise.all(
    ["connection", "session", "store", "storage"].map(module));
  const { inbox } = JSON.parse(document.getElementById("widget-config").textContent);
  const env = { WebSocket, setTimeout: setTimeout.bind(window), clearTimeout: clearTimeout.bind(window),
    now: () => Date.now(), random: Math.random, newId: () => crypto.randomUUID() };
  const url = location.origin.replace("http", "ws") + "/ws/client/";
  window.crowd = [];
  for (let n = 0; n < count; n += 1) {
    const memory = createMemory(memoryStorage(), inbox);
    const session = createSession({ url: "/api/v1/client/sessions", inboxKey: inbox, locale: () => "zh-CN", memory,
      fetch: fetch.bind(window), locks: undefined, now: env.now, onSession: () => {}, onProblem: () => {} });
    const store = createStore();
    const widget = { store, backAt: 0, connection: new Connection({ url, session, memory, store, env }) };
    store.subscribe(() => {
      if (store.get().link !== "online") widget.backAt = 0;
      else if (!widget.backAt) widget.backAt = Date.now();
    });
    window.crowd.push(widget);
    widget.connection.start();
    if (n % 10 === 9) await new Promise((go) => setTimeout(go, 250));
  }
}
"""
ONLINE = "() => window.crowd.filter(({ store }) => store.get().link === 'online').length"
BACK_AT = "() => window.crowd.map(({ backAt }) => backAt)"


async def restart_under_crowd(platform: Platform) -> Verdict:
    """SIGTERM of the web process under 200 open widgets, as in a deployment: all are back in time, not at once."""
    async with widgets(platform.url) as frame:
        await holds(everybody, frame, seconds=60)
        broken = time.time()
        platform.terminate("web")
        await holds(nobody, frame, seconds=20)
        await holds(everybody, frame, seconds=90)
        back = [at / 1000 - broken for at in await frame.evaluate(BACK_AT)]
    busiest = max(sum(start <= each < start + 1 for each in back) for start in back)
    return Verdict(
        f"web restarted under {WIDGETS} widgets",
        round(max(back), 2),
        LIMIT_SECONDS,
        lost=0,
        duplicated=0,
        complaints=() if busiest <= BUSIEST_SHARE * WIDGETS else (f"{busiest} in one second",),
    )


async def everybody(frame: Frame) -> bool:
    online: int = await frame.evaluate(ONLINE)
    return online == WIDGETS


async def nobody(frame: Frame) -> bool:
    online: int = await frame.evaluate(ONLINE)
    return online == 0


async def holds(
    condition: Callable[[Frame], Awaitable[bool]], frame: Frame, *, seconds: float
) -> None:
    """Waits until it does. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await condition(frame):  # noqa: ASYNC110 - what is waited for happens in the browser
            await asyncio.sleep(0.05)


@asynccontextmanager
async def widgets(url: str) -> AsyncIterator[Frame]:
    """The frame in which the crowd's stores and connections live: the widget's own page."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        page = await browser.new_page(locale="zh-CN")
        await page.goto(url)
        await page.locator(".launcher").click()
        await page.frame_locator(".panel iframe").locator(".header").wait_for()
        frame = next(each for each in page.frames if "/widget/" in each.url)
        await frame.evaluate(GATHER, WIDGETS)
        yield frame
        await browser.close()
