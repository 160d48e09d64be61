"""What holds on every wire of the fake: one mind, one log, and faults that reach only whom they are meant for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.fakes.provider_clients import (
    ORDER_SCHEMA,
    anthropic_client,
    dashscope_client,
    openai_client,
    post,
    settled_requests,
)
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.fakes.provider_requests import MAX_BODY_BYTES

PARCEL = "订单20250101888的快递到哪了"
TOOL = {"name": "get_logistics", "description": "Where a parcel is"}
FUNCTION = {"type": "function", "function": {**TOOL, "parameters": ORDER_SCHEMA}}


@dataclass(frozen=True)
class Wire:
    """One wire: where it is, whose it is, a body for it, and how to read what it answers."""

    path: str
    provider: str
    body: Callable[..., dict[str, Any]]
    text: Callable[[Any], str]


def openai_body(text: str, model: str = "fake-light", **options: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **options}


def anthropic_body(text: str, model: str = "fake-light") -> dict[str, Any]:
    return openai_body(text, model, max_tokens=500)


def dashscope_body(text: str, model: str = "fake-light") -> dict[str, Any]:
    return {"model": model, "input": {"messages": openai_body(text)["messages"]}}


def openai_text(reply: Any) -> str:
    return str(reply["choices"][0]["message"]["content"])


WIRES = {
    "openai": Wire("/v1/chat/completions", "openai", openai_body, openai_text),
    "anthropic": Wire(
        "/v1/messages", "anthropic", anthropic_body, lambda reply: reply["content"][0]["text"]
    ),
    "dashscope": Wire(
        "/api/v1/services/aigc/text-generation/generation",
        "dashscope",
        dashscope_body,
        lambda reply: openai_text(reply["output"]),
    ),
    "compatible": Wire(
        "/compatible-mode/v1/chat/completions", "dashscope", openai_body, openai_text
    ),
}


@pytest.fixture(scope="module")
def fake() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=5, interval_ms=1))) as control:
        yield control


@pytest.fixture(autouse=True)
def _fresh(fake: ProviderControl) -> None:
    fake.reset()


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> Wire:
    return WIRES[request.param]


def send(
    fake: ProviderControl, wire: Wire, text: str = "我要退款", **options: Any
) -> httpx.Response:
    return post(fake, wire.path, wire.body(text, **options))


@pytest.mark.parametrize("text", ["我要退款", "Where is my parcel?", "\ud800"])
def test_same_question_same_answer(fake: ProviderControl, text: str) -> None:
    answers = {wire.text(send(fake, wire, text).json()) for wire in WIRES.values()}

    assert len(answers) == 1


def test_timing_is_told(fake: ProviderControl, wire: Wire) -> None:
    fake.set_scenario([{"ttft_ms": 30, "interval_ms": 2, "tokens": 10}])

    timing = send(fake, wire).headers["x-fake-timing"]
    refused = post(fake, wire.path, b"{").headers["x-fake-timing"]

    assert timing == "ttft=50.0;total=50.0;queued=0.0"
    assert refused == "ttft=0.0;total=0.0;queued=0.0"


def test_rule_meets_only_its_provider(fake: ProviderControl, wire: Wire) -> None:
    fake.set_scenario([{"fault": "500", "times": 0, "provider": wire.provider}])

    hit = {name for name, each in WIRES.items() if send(fake, each).status_code == 500}

    assert hit == {name for name, each in WIRES.items() if each.provider == wire.provider}


def test_rule_meets_only_its_path(fake: ProviderControl) -> None:
    fake.set_scenario([{"fault": "500", "times": 0, "path": "/compatible-mode/*"}])

    assert {name for name, each in WIRES.items() if send(fake, each).status_code == 500} == {
        "compatible"
    }


def test_unknown_provider_of_a_rule_is_refused(fake: ProviderControl) -> None:
    with pytest.raises(ValueError, match=r"^rules\[0\]\.provider: "):
        fake.set_scenario([{"provider": "somebody"}])


def test_too_large_a_body_is_refused(fake: ProviderControl, wire: Wire) -> None:
    assert post(fake, wire.path, b" " * (MAX_BODY_BYTES + 1)).status_code == 413


def test_same_body_to_two_providers_is_no_retry(fake: ProviderControl) -> None:
    request = openai_body("你好", "m@fault:400", max_tokens=5)
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/chat/completions"):
        post(fake, path, request)

    rows = [
        (row["provider"], row["path"], row["attempt"], row["verdicts"])
        for row in settled_requests(fake, 3)
    ]
    assert rows == [
        ("openai", "/v1/chat/completions", 1, []),
        ("anthropic", "/v1/messages", 1, []),
        ("openai", "/v1/chat/completions", 2, ["retry_on_4xx"]),
    ]


def test_hopeless_retry_is_judged(fake: ProviderControl, wire: Wire) -> None:
    for _ in range(2):
        send(fake, wire, model="m@fault:insufficient_quota")

    assert settled_requests(fake, 2)[1]["verdicts"] == ["retry_on_4xx"]


# -- faults of tool calls: (name, arguments) as a client puts them together that trusts every fragment


def openai_call(fake: ProviderControl, model: str) -> tuple[str, str]:
    with openai_client(fake.base_url) as client:
        options: dict[str, Any] = openai_body(PARCEL, model, tools=[FUNCTION], stream=True)
        chunks = list(client.chat.completions.create(**options))
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    functions = [call.function for call in calls]
    return "".join(each.name or "" for each in functions), "".join(
        each.arguments or "" for each in functions
    )


def dashscope_call(fake: ProviderControl, model: str) -> tuple[str, str]:
    with dashscope_client(fake.dashscope_base_url) as client:
        options = openai_body(PARCEL, model, tools=[FUNCTION], stream=True)
        chunks = list(client.chat.completions.create(**options))
    functions = [call.function for chunk in chunks for call in chunk.delta.tool_calls or ()]
    return "".join(each.name for each in functions), "".join(each.arguments for each in functions)


def anthropic_call(fake: ProviderControl, model: str) -> tuple[str, str]:
    tools = [{**TOOL, "input_schema": ORDER_SCHEMA}]
    with anthropic_client(fake.anthropic_base_url) as client:
        options: dict[str, Any] = {**anthropic_body(PARCEL, model), "tools": tools, "stream": True}
        seen: list[Any] = list(client.messages.create(**options))
    names = [event.content_block.name for event in seen if event.type == "content_block_start"]
    deltas = [event.delta for event in seen if event.type == "content_block_delta"]
    return "".join(names), "".join(delta.partial_json for delta in deltas)


CALLS = {"openai": openai_call, "anthropic": anthropic_call, "dashscope": dashscope_call}
FILLED = '{"order_number":"20250101888"}'


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Callable[[ProviderControl, str], tuple[str, str]]:
    return CALLS[request.param]


def test_sound_call(fake: ProviderControl, call: Any) -> None:
    assert call(fake, "m") == ("get_logistics", FILLED)


def test_unknown_tool(fake: ProviderControl, call: Any) -> None:
    assert call(fake, "m@fault:unknown-tool") == ("no_such_tool", FILLED)


def test_bad_arguments(fake: ProviderControl, call: Any) -> None:
    name, arguments = call(fake, "m@fault:bad-tool-arguments")

    assert name == "get_logistics"
    with pytest.raises(json.JSONDecodeError):
        json.loads(arguments)


def test_duplicate_fragments(fake: ProviderControl, call: Any) -> None:
    _, arguments = call(fake, "m@fault:duplicate-tool-fragments")

    assert sorted(arguments) == sorted(FILLED * 2)
    with pytest.raises(json.JSONDecodeError):
        json.loads(arguments)


def test_fragments_out_of_order(fake: ProviderControl, call: Any) -> None:
    _, arguments = call(fake, "m@fault:out-of-order-tool-fragments")

    assert arguments != FILLED
    assert sorted(arguments) == sorted(FILLED)
