"""A running platform under attack: its parts by name, its provider, its Redis, an agent. Used by the scenarios."""

import asyncio
import contextlib
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import psutil
from redis import Redis

from chat.replay.visitor import Visitor
from config import embedded
from tests.fakes.provider_control import ProviderControl
from tests.stack import ADMIN_PASSWORD, ROOT, Stack, start

# Words of a part's command line that no other part has.
WORDS = {
    "web": ("config.web",),
    "turns": ("celery", "-Q turns"),
    "default": ("celery", "-Q default"),
    "beat": ("celery", "beat --schedule"),
    "redis": ("redis-server",),
    "postgres": ("bin/postgres", " -D "),
}
READY_SECONDS = 60.0
ANSWER_SECONDS = 60.0
LONG = "您好,已经为您查到这个包裹。" * 6
QUICK = {"answer": LONG, "times": 0, "ttft_ms": 20, "interval_ms": 2}


class Platform:
    """What a scenario does to a `Stack`, and what it knows of it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.url = stack.url
        self.provider = find_provider(stack)
        self.redis = Redis.from_url(embedded.redis_url(stack.home))

    def close(self) -> None:
        self.provider.reset()
        self.provider.close()
        self.redis.close()

    # --- processes -------------------------------------------------------------------------------

    def parts(self, name: str) -> list[psutil.Process]:
        return self.stack.processes(*WORDS[name])

    def kill(self, name: str) -> None:
        """kill -9. Raises AssertionError when there is nothing to kill."""
        assert self.stack.kill(*WORDS[name]), name

    def terminate(self, name: str) -> None:
        for process in self.parts(name):
            process.terminate()

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Inside the block the part does nothing at all."""
        processes = self.parts(name)
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    def start_second_worker(self, first: psutil.Process) -> "subprocess.Popen[bytes]":
        """Another process like `first`, which the supervisor knows nothing of."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            first.cmdline(), cwd=ROOT, env=first.environ(), stdout=quiet, stderr=quiet
        )

    def kill_supervisor(self) -> None:
        """kill -9 of the supervisor, whose parts live on; then the platform is started again on the same home."""
        stack = self.stack
        stack.process.kill()
        stack.process.wait()
        again = start(stack.home, PORT=stack.url.rpartition(":")[2])
        stack.process, stack.output = again.process, again.output
        self.provider.close()
        self.provider = find_provider(stack)

    async def ready(self) -> None:
        """Waits until every part works. Raises AssertionError when one does not come back."""
        deadline = time.monotonic() + READY_SECONDS
        failing = "no answer"
        async with httpx.AsyncClient(trust_env=False) as http:
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx.HTTPError):
                    response = await http.get(f"{self.url}/readyz", timeout=5)
                    if response.status_code == 200:
                        return
                    failing = response.text
                await asyncio.sleep(0.2)
        raise AssertionError(f"not ready after {READY_SECONDS:g} s: {failing}")

    # --- the broker ------------------------------------------------------------------------------

    def listeners(self) -> list[str]:
        """The connections on which workers wait for tasks, by id."""
        clients: Any = self.redis.client_list()
        return [client["id"] for client in clients if client["cmd"] == "brpop"]

    def hang_up_listeners(self) -> None:
        """Cuts them, so that a task stays in its queue until a worker comes back for it."""
        for client_id in self.listeners():
            self.redis.client_kill_filter(_id=client_id)

    # --- the model -------------------------------------------------------------------------------

    def slow_answer(self, marker: str, *, interval_ms: float = 100) -> None:
        """The next answer to a line with `marker` takes seconds; those after it are quick."""
        slow = {"contains": marker, "answer": LONG, "ttft_ms": 50, "interval_ms": interval_ms}
        self.provider.set_scenario([slow, QUICK])

    def quick_answers(self) -> None:
        self.provider.set_scenario([QUICK])

    # --- people ----------------------------------------------------------------------------------

    def visitor(self) -> Visitor:
        return Visitor(self.url, answer_seconds=ANSWER_SECONDS, patience_seconds=READY_SECONDS)

    @contextlib.asynccontextmanager
    async def agent(self) -> AsyncIterator["AgentSession"]:
        """A signed-in member of staff."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as http:
            await http.get("/admin/login/")
            form = {"username": "admin", "password": ADMIN_PASSWORD, "next": "/admin/"}
            session = AgentSession(http)
            response = await http.post("/admin/login/", data=form | session.csrf_field())
            assert response.status_code == 302, response.status_code
            yield session


class AgentSession:
    """The agent API behind a session cookie."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    def csrf_field(self) -> dict[str, str]:
        return {"csrfmiddlewaretoken": self.http.cookies["csrftoken"]}

    async def act(self, conversation_id: str | None, verb: str, **body: Any) -> dict[str, Any]:
        response = await self.http.post(
            f"/api/v1/agent/conversations/{conversation_id}/{verb}",
            json=body,
            headers={"X-CSRFToken": self.http.cookies["csrftoken"]},
        )
        assert response.is_success, response.text
        found: dict[str, Any] = response.json()
        return found


def find_provider(stack: Stack) -> ProviderControl:
    """The controls of the fake that the platform started beside itself."""
    found = re.search(r"http://\S+", stack.wait_for_line("fake provider:", seconds=5))
    assert found is not None
    return ProviderControl(found[0])


async def until(condition: Callable[[], object], *, seconds: float = 30) -> None:
    """Waits until `condition` holds. Raises AssertionError when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {seconds:g} s")
        await asyncio.sleep(0.01)


def streaming(visitor: Visitor) -> Callable[[], bool]:
    """True once words of an answer arrive."""
    seen = len(visitor.frames)
    return lambda: any(frame["type"] == "delta" for frame in visitor.frames[seen:])
