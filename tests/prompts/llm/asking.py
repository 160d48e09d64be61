"""Endpoints of the provider fake, a request, and a sink that remembers. Shared by the tests of prompts.llm."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from prompts.llm.catalogue import Endpoint
from prompts.llm.types import Call, Chunk, Document, Line, Request, Tool
from tests.fakes.provider_control import ProviderControl

WIRES = ("openai", "anthropic", "dashscope", "compatible")
KEY = "sk-never-shown-anywhere"
QUESTION = "我的快递到哪了"
WHOLE = "您的包裹已经到达杭州转运中心,预计明天送到。"
SOP_ANSWER = "请在订单详情里点「查看物流」。"
FALLBACK = "这个问题我还不清楚,请留下电话。"


def endpoint(
    provider: ProviderControl, name: str = "first", *, wire: str = "openai", **changes: Any
) -> Endpoint:
    """An endpoint of the fake by one of WIRES; "compatible" is DashScope in the dress of OpenAI."""
    fields = {"model": "fake-light", "base_url": base_url(provider, wire), "timeout_seconds": 2.0}
    by = "openai" if wire == "compatible" else wire
    return Endpoint(name=name, provider=by, api_key=KEY, **{**fields, **changes})


def base_url(provider: ProviderControl, wire: str) -> str:
    urls = {
        "openai": provider.base_url,
        "anthropic": provider.anthropic_base_url,
        "dashscope": provider.dashscope_base_url,
        "compatible": provider.compatible_base_url,
    }
    return urls[wire]


def failing(provider: ProviderControl, fault: str, **changes: Any) -> Endpoint:
    """An endpoint whose every request meets `fault`, as "cut" or "cut:3"."""
    return endpoint(provider, model=f"fake-light@fault:{fault}", **changes)


def request(*documents: Document, **changes: Any) -> Request:
    lines = (Line("system", "你是客服"), Line("user", QUESTION))
    fields = {"lines": lines, "documents": documents, "fallback": FALLBACK, "user": "pseudonym"}
    return Request(purpose="answer", **{**fields, **changes})


TOOL = Tool(
    name="get_logistics",
    description="查物流",
    schema={
        "type": "object",
        "properties": {"order_number": {"type": "string"}},
        "required": ["order_number"],
    },
)
ORDER = "2025010112345678"


def request_for_tool(**changes: Any) -> Request:
    """A request whose answer is a call of TOOL for ORDER."""
    lines = (Line("system", "你是客服"), Line("user", f"订单{ORDER}的快递到哪了"))
    return request(**{"lines": lines, "tools": (TOOL,), "tool_choice": "required", **changes})


def said(chunks: Iterable[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


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
