"""How tests and bench run the provider fake and talk to its controls.

`with running() as fake:` serves it from a thread of this process; `ProviderControl(url)` drives one that runs elsewhere.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import SimpleQueue

import httpx
from typing_extensions import override

from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_server import build_server
from tests.fakes.provider_types import Json

_START_SECONDS = 10


class ProviderControl:
    """The controls of a running provider fake.

    `url` is what it printed. The others are what each SDK wants as its base: `base_url` that of OpenAI, and
    `compatible_base_url` whatever asks DashScope over the wire of OpenAI, or asks it for a decision.
    """

    def __init__(self, url: str) -> None:
        self.url = self.anthropic_base_url = url
        self.base_url = f"{url}/v1"
        self.dashscope_base_url = f"{url}/api/v1"
        self.compatible_base_url = f"{url}/compatible-mode/v1"
        self._http = httpx.Client(base_url=url, trust_env=False)

    def set_scenario(self, scenario: Sequence[Mapping[str, Json]] | Mapping[str, Json]) -> Json:
        """Replace the rules (a list) or change what the object names. Raises: ValueError with the fake's sentence."""
        reply = self._http.post("/_fake/scenario", json=scenario)
        if reply.status_code == 400:
            raise ValueError(reply.json()["error"])
        return reply.raise_for_status().json()

    def scenario(self) -> Json:
        return self._http.get("/_fake/scenario").raise_for_status().json()

    def log(self, *, limit: int = 1000) -> Json:
        """`{"summary": {"seen", "open", "peak_open", "outcomes", "verdicts"}, "requests": [oldest, ...]}`."""
        return self._http.get("/_fake/requests", params={"limit": limit}).raise_for_status().json()

    def requests(self) -> list[dict[str, Json]]:
        rows: list[dict[str, Json]] = self.log()["requests"]
        return rows

    def reset(self) -> None:
        self._http.post("/_fake/reset").raise_for_status()

    def close(self) -> None:
        self._http.close()


@contextmanager
def running(options: ProviderOptions | None = None) -> Iterator[ProviderControl]:
    """A provider fake on a free port of loopback, served by a thread until the block ends."""
    thread = _ServerThread(options or ProviderOptions())
    thread.start()
    control = ProviderControl(thread.wait_for_url())
    try:
        yield control
    finally:
        control.close()
        thread.stop()


class _ServerThread(threading.Thread):
    def __init__(self, options: ProviderOptions) -> None:
        super().__init__(name="fake-provider", daemon=True)
        self._options = options
        self._urls: SimpleQueue[str] = SimpleQueue()

    def wait_for_url(self) -> str:
        return self._urls.get(timeout=_START_SECONDS)

    @override
    def run(self) -> None:
        asyncio.run(self._serve())

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._server.stop)
        self.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = build_server(self._options, announce=self._urls.put)
        await self._server.serve([self._server.listen()])
