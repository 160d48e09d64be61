"""Three ways to one streamed answer of the same provider: raw HTTP, the vendor's SDK, our gateway. Used by gateway.

Each way is a function that asks once and returns milliseconds to the first token and to the end.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from prompts.llm import gateway
from prompts.llm.catalogue import Endpoint
from prompts.llm.health import SharedHealth
from prompts.llm.providers import anthropic, dashscope, openai
from prompts.llm.types import Call, Line, Request
from prompts.redis import connection

Ask = Callable[[], tuple[float, float]]
# A limit that is kept count of, and never reached.
TOKENS_PER_MINUTE = 1_000_000_000
REQUEST = Request(
    purpose="answer",
    lines=(
        Line("system", "你是一家网店的客服小助手。先安抚,再回答,每次不超过三十个字。" * 20),
        Line("user", "你好,我上周买的杯子"),
        Line("assistant", "您好,很高兴为您服务,请问杯子怎么了?"),
        Line("user", "我的订单怎么还没到?"),
    ),
    user="bench",
)


class BrokenStreamError(Exception):
    """A way that brought no answer: nothing to measure."""


@dataclass(frozen=True, slots=True)
class Wire:
    """How one vendor is asked without our code. `mark` is in no frame but those with text."""

    name: str
    path: str
    headers: Mapping[str, str]
    mark: bytes
    unmarked: bytes
    body: Callable[[Endpoint, Request], dict[str, Any]]
    loop: Callable[[Endpoint], Callable[[], Iterable[str]]]
    """Makes the vendor's client; what it returns asks once and gives the pieces of the answer."""


def ways_of(wire: Wire, endpoint: Endpoint) -> dict[str, Ask]:
    """The ways to the endpoint by name, each with a client of its own."""
    limited = replace(
        endpoint, name=f"{endpoint.name}-limited", tokens_per_minute=TOKENS_PER_MINUTE
    )
    return {
        "raw": raw_way(wire, endpoint),
        "SDK": sdk_way(wire, endpoint),
        "gateway": gateway_way(endpoint),
        "gateway, token limit": gateway_way(limited),
    }


def raw_way(wire: Wire, endpoint: Endpoint) -> Ask:
    """The stream as bytes: the least a client can do."""
    client = httpx.Client(headers=dict(wire.headers), timeout=60, trust_env=False)
    body = wire.body(endpoint, REQUEST)
    url = endpoint.base_url + wire.path

    def ask() -> tuple[float, float]:
        started, first = time.perf_counter(), 0.0
        with client.stream("POST", url, json=body) as reply:
            for block in reply.iter_bytes():
                if not first and wire.mark in block.replace(wire.unmarked, b""):
                    first = time.perf_counter()
        return elapsed_ms(started, first)

    return ask


def sdk_way(wire: Wire, endpoint: Endpoint) -> Ask:
    """The loop that the vendor's manual shows, over its own client."""
    pieces = wire.loop(endpoint)

    def ask() -> tuple[float, float]:
        started, first, text = time.perf_counter(), 0.0, ""
        for piece in pieces():
            if piece and not first:
                first = time.perf_counter()
            text += piece
        return elapsed_ms(started, first)

    return ask


def gateway_way(endpoint: Endpoint) -> Ask:
    """As prompts.completion does it: the breaker was read with the decision, and Redis is told how it went."""

    def ask() -> tuple[float, float]:
        started = time.perf_counter()
        sink, calls = Watched(), list[Call]()
        gateway.stream(
            (endpoint,),
            REQUEST,
            sink,
            health=SharedHealth(connection(), {endpoint.name: "closed"}),
            trace_id="bench",
            calls=calls,
        )
        if len(calls) != 1 or calls[0].usage.estimated:
            raise BrokenStreamError(f"{endpoint.name}: {calls}")
        return elapsed_ms(started, sink.first)

    return ask


class Watched:
    """A sink that keeps the text and the time of its first piece."""

    def __init__(self) -> None:
        self.text, self.first = "", 0.0

    def write(self, piece: str) -> None:
        self.first = self.first or time.perf_counter()
        self.text += piece

    def restart(self) -> None:
        raise BrokenStreamError("the provider's answer broke off")


def elapsed_ms(started: float, first: float) -> tuple[float, float]:
    """Milliseconds to `first` and to now. Raises BrokenStreamError when no token came."""
    if not first:
        raise BrokenStreamError("an answer without a token")
    return (first - started) * 1000, (time.perf_counter() - started) * 1000


# --- the loops that the vendors' manuals show -------------------------------------------------------


def openai_loop(endpoint: Endpoint) -> Callable[[], Iterable[str]]:
    client: Any = openai.build(endpoint.base_url, endpoint.api_key)
    body = openai.body(endpoint, REQUEST)

    def pieces() -> Iterable[str]:
        for chunk in client.chat.completions.create(**body):
            if chunk.choices:
                yield chunk.choices[0].delta.content or ""

    return pieces


def anthropic_loop(endpoint: Endpoint) -> Callable[[], Iterable[str]]:
    client: Any = anthropic.build(endpoint.base_url, endpoint.api_key)
    body = anthropic.body(endpoint, REQUEST)

    def pieces() -> Iterable[str]:
        for event in client.messages.create(**body):
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                yield event.delta.text

    return pieces


def dashscope_loop(endpoint: Endpoint) -> Callable[[], Iterable[str]]:
    client: Any = dashscope.build(endpoint.base_url, endpoint.api_key)
    body = dashscope.body(endpoint, REQUEST)
    wanted = {name: body["parameters"][name] for name in ("max_tokens", "incremental_output")}

    def pieces() -> Iterable[str]:
        for chunk in client.chat.completions.create(
            model=endpoint.model,
            messages=body["input"]["messages"],
            stream=True,
            api_key=endpoint.api_key,
            **wanted,
        ):
            if chunk.choices:
                yield chunk.choices[0].delta.content or ""

    return pieces


WIRES = (
    Wire(
        "openai",
        "/chat/completions",
        {"Authorization": "Bearer demo"},
        b'"content":"',
        b'"content":""',
        openai.body,
        openai_loop,
    ),
    Wire(
        "anthropic",
        "/v1/messages",
        {"x-api-key": "demo", "anthropic-version": "2023-06-01"},
        b'"text_delta"',
        b"\0",
        anthropic.body,
        anthropic_loop,
    ),
    Wire(
        "dashscope",
        dashscope.PATH,
        {"Authorization": "Bearer demo", **dashscope.STREAMED},
        b'"content":"',
        b'"content":""',
        dashscope.body,
        dashscope_loop,
    ),
)
