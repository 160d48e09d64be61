"""Endpoints of the provider fake, a request, and a sink that remembers. Shared by the tests of prompts.llm."""

import time
from dataclasses import dataclass, field
from typing import Any

from prompts.llm.catalogue import Endpoint
from prompts.llm.types import Call, Document, Line, Request
from tests.fakes.provider_control import ProviderControl

KEY = "sk-never-shown-anywhere"
QUESTION = "我的快递到哪了"
WHOLE = "您的包裹已经到达杭州转运中心,预计明天送到。"
SOP_ANSWER = "请在订单详情里点「查看物流」。"
FALLBACK = "这个问题我还不清楚,请留下电话。"


def endpoint(provider: ProviderControl, name: str = "first", **changes: Any) -> Endpoint:
    fields = {"model": "fake-light", "base_url": provider.base_url, "timeout_seconds": 2.0}
    return Endpoint(name=name, provider="openai", api_key=KEY, **{**fields, **changes})


def failing(provider: ProviderControl, fault: str, **changes: Any) -> Endpoint:
    """An endpoint whose every request meets `fault`, as "cut" or "cut:3"."""
    return endpoint(provider, model=f"fake-light@fault:{fault}", **changes)


def request(*documents: Document, **changes: Any) -> Request:
    lines = (Line("system", "你是客服"), Line("user", QUESTION))
    fields = {"lines": lines, "documents": documents, "fallback": FALLBACK, "user": "pseudonym"}
    return Request(purpose="answer", **{**fields, **changes})


def document(*, confident: bool = True, score: float = 0.9) -> Document:
    return Document(
        id="logistics", title="物流", answer=SOP_ANSWER, score=score, confident=confident
    )


class Left(Exception):
    """The visitor is gone."""


@dataclass
class Shown:
    """A sink. `events` is ("write", piece) and ("restart",); `text` what a visitor sees now."""

    leave_after: int | None = None
    events: list[tuple[str, ...]] = field(default_factory=list)
    text: str = ""
    calls: list[Call] = field(default_factory=list)

    def write(self, piece: str) -> None:
        self.events.append(("write", piece))
        self.text += piece
        if self.leave_after is not None and len(self.events) >= self.leave_after:
            raise Left

    def restart(self) -> None:
        self.events.append(("restart",))
        self.text = ""

    @property
    def restarts(self) -> int:
        return self.events.count(("restart",))


def settled(provider: ProviderControl, count: int = 1) -> list[dict[str, Any]]:
    """The fake's log once `count` requests are over."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        summary = provider.log(limit=0)["summary"]
        if summary["seen"] >= count and summary["open"] == 0:
            break
        time.sleep(0.01)
    return provider.requests()
