"""The provider fake as clients meet it: through the real OpenAI SDK, raw HTTP and its own process."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.fakes.provider_types import FaultKind

ORDER_SCHEMA = {
    "type": "object",
    "properties": {"order_number": {"type": "string"}},
    "required": ["order_number"],
}
LOGISTICS_TOOL = {
    "type": "function",
    "function": {
        "name": "get_logistics",
        "description": "Where a parcel is",
        "parameters": ORDER_SCHEMA,
    },
}
ORDER_TOOL = {
    "type": "function",
    "function": {"name": "get_order", "description": "One order", "parameters": ORDER_SCHEMA},
}


@pytest.fixture(scope="module")
def fake() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=5, interval_ms=1))) as control:
        yield control


@pytest.fixture(autouse=True)
def _fresh(fake: ProviderControl) -> None:
    fake.reset()


@pytest.fixture(scope="module")
def client(fake: ProviderControl) -> Iterator[openai.OpenAI]:
    http = openai.DefaultHttpxClient(trust_env=False)
    with openai.OpenAI(
        base_url=fake.base_url, api_key="k", max_retries=0, timeout=5, http_client=http
    ) as made:
        yield made


def ask(client: openai.OpenAI, text: str = "我的快递到哪了", **options: Any) -> Any:
    wanted = {"model": "fake-light", "messages": [{"role": "user", "content": text}], **options}
    return client.chat.completions.create(**wanted)


def said(client: openai.OpenAI, text: str, **options: Any) -> str:
    return str(ask(client, text, **options).choices[0].message.content)


def post(fake: ProviderControl, body: Any, **headers: str) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with httpx.Client(trust_env=False) as http:
        sent = {"authorization": "Bearer k", **headers}
        return http.post(f"{fake.base_url}/chat/completions", content=raw, headers=sent)


def body(text: str = "你好", **options: Any) -> dict[str, Any]:
    return {"model": "fake-light", "messages": [{"role": "user", "content": text}], **options}


def settled_requests(fake: ProviderControl, count: int) -> list[dict[str, Any]]:
    """The log once `count` requests are over; the last bytes reach a client before the log closes."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        summary = fake.log(limit=0)["summary"]
        if summary["seen"] >= count and summary["open"] == 0:
            break
        time.sleep(0.01)
    return fake.requests()


# -- the wire


def test_stream_frames_exact(fake: ProviderControl) -> None:
    reply = post(fake, body(stream=True, stream_options={"include_usage": True}))

    frames = reply.text.split("\n\n")
    chunks = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-2]]
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert frames[-2:] == ["data: [DONE]", ""]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert {key for chunk in chunks[1:-2] for key in chunk["choices"][0]["delta"]} == {"content"}
    assert chunks[-2]["choices"][0] == {
        "index": 0,
        "delta": {},
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == len(chunks) - 3
    assert len({(chunk["id"], chunk["created"], chunk["object"]) for chunk in chunks}) == 1


def test_stream_pieces_have_one_to_four_characters(client: openai.OpenAI) -> None:
    chunks = list(ask(client, stream=True))

    pieces = [chunk.choices[0].delta.content for chunk in chunks[1:-1]]
    assert pieces
    assert all(1 <= len(piece) <= 4 for piece in pieces)
    assert all(chunk.usage is None for chunk in chunks)


def test_whole_says_the_same_as_stream(client: openai.OpenAI) -> None:
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in ask(client, stream=True))
    whole = ask(client)

    assert whole.choices[0].message.content == streamed
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens


def test_max_tokens_cuts_with_finish_length(client: openai.OpenAI) -> None:
    chunks = list(ask(client, stream=True, max_completion_tokens=2))

    assert len(chunks) == 1 + 2 + 1
    assert chunks[-1].choices[0].finish_reason == "length"


def test_connection_is_kept_alive(fake: ProviderControl) -> None:
    with httpx.Client(trust_env=False, headers={"authorization": "Bearer k"}) as http:
        ports = set()
        for stream in (True, False, True):
            with http.stream(
                "POST", f"{fake.base_url}/chat/completions", json=body(stream=stream)
            ) as reply:
                reply.read()
                wire: socket.socket = reply.extensions["network_stream"].get_extra_info("socket")
                ports.add(wire.getsockname()[1])
    assert len(ports) == 1


def test_timing_header_tells_plan(fake: ProviderControl) -> None:
    fake.set_scenario(
        {"latency": {"default": {"ttft_ms": 30, "interval_ms": 2}}, "rules": [{"tokens": 10}]}
    )
    started = time.perf_counter()

    reply = post(fake, body(stream=True))

    assert reply.headers["x-fake-timing"] == "ttft=30.0;total=50.0;queued=0.0"
    assert reply.text.count('"delta":{"content":') == 10
    assert time.perf_counter() - started >= 0.050


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [
        "fake-light",
        "fake-standard",
        "fake-strong",
    ]


@pytest.mark.parametrize(
    ("raw", "status", "param"),
    [
        (b"{", 400, None),
        (b"[]", 400, None),
        (b"\xff\xfe", 400, None),
        (b'{"messages": []}', 400, "model"),
        (b'{"model": "m", "messages": []}', 400, "messages"),
        (b'{"model": "m", "messages": ["x"]}', 400, "messages"),
        (b'{"model": "m@fault:nonsense", "messages": [{"role": "user"}]}', 400, "model"),
        (
            b'{"model": "m", "messages": [{"role": "user"}], "max_tokens": 0}',
            400,
            "max_completion_tokens",
        ),
        (b'{"model": "m", "messages": [{"role": "user"}], "tools": [{}]}', 400, "tools"),
        (b'{"model": "m", "messages": [{"role": "user"}], "stream_options": 1}', 400, None),
    ],
)
def test_bad_body_is_refused(
    fake: ProviderControl, raw: bytes, status: int, param: str | None
) -> None:
    reply = post(fake, raw)

    assert reply.status_code == status
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert reply.json()["error"]["param"] == param


def test_missing_key_is_refused(fake: ProviderControl) -> None:
    assert post(fake, body(), authorization="").status_code == 401


def test_lone_surrogate_is_answered(fake: ProviderControl) -> None:
    raw = b'{"model": "m@fault:pii-echo", "messages": [{"role": "user", "content": "\\ud800"}]}'

    assert "13812345678" in post(fake, raw).json()["choices"][0]["message"]["content"]


def test_tool_call_streams_by_index(client: openai.OpenAI) -> None:
    tools = [ORDER_TOOL, LOGISTICS_TOOL]
    chunks = list(ask(client, "订单20250101888的快递到哪了", tools=tools, stream=True))

    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or ()]
    arguments = "".join(call.function.arguments or "" for call in calls)
    assert calls[0].function.name == "get_logistics"
    assert calls[0].id
    assert [call.id for call in calls[1:]] == [None] * (len(calls) - 1)
    assert json.loads(arguments) == {"order_number": "20250101888"}
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_tool_call_whole_then_its_result(client: openai.OpenAI) -> None:
    first = ask(client, "订单20250101888的快递到哪了", tools=[LOGISTICS_TOOL]).choices[0]
    call = first.message.tool_calls[0]
    thread = [
        {"role": "user", "content": "订单20250101888的快递到哪了"},
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump()]},
        {"role": "tool", "tool_call_id": call.id, "content": '{"status": "派送中"}'},
    ]

    after = ask(client, messages=thread, tools=[LOGISTICS_TOOL]).choices[0]

    assert (first.finish_reason, first.message.content) == ("tool_calls", None)
    assert after.finish_reason == "stop"
    assert "派送中" in after.message.content


def test_tool_that_needs_an_order_number_waits_for_it(client: openai.OpenAI) -> None:
    reply = ask(client, "我的快递到哪了", tools=[LOGISTICS_TOOL])
    forced = ask(client, "你好", tools=[LOGISTICS_TOOL], tool_choice="required")

    assert reply.choices[0].message.tool_calls is None
    assert forced.choices[0].message.tool_calls[0].function.name == "get_logistics"


def test_json_schema_is_filled_with_what_was_said(client: openai.OpenAI) -> None:
    fields = {
        "reply": {"type": "string"},
        "intent": {"type": "string", "enum": ["greeting", "refund", "logistics", "other"]},
        "emotion": {"$ref": "#/$defs/mood"},
        "emotion_score": {"type": "number", "minimum": 0, "maximum": 1},
        "order_no": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "phone": {"type": ["string", "null"]},
        "needs_human": {"type": "boolean"},
        "steps": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
    }
    schema = {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
        "$defs": {"mood": {"type": "string", "enum": ["calm", "angry"]}},
    }
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "turn", "strict": True, "schema": schema},
    }

    value = json.loads(said(client, "垃圾快递,12345678901到哪了", response_format=wanted))

    assert len(value.pop("reply")) > 5
    assert value == {
        "intent": "logistics",
        "emotion": "angry",
        "emotion_score": 0.9,
        "order_no": "12345678901",
        "phone": None,
        "needs_human": False,
        "steps": [0, 0],
    }


def test_recursive_schema_ends(client: openai.OpenAI) -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "node", "schema": node}}

    assert said(client, "hi", response_format=wanted).startswith('{"next":{')


# -- faults, as the SDK sees them

STATUS_FAULTS = {
    "429": "RateLimitError 429 rate_limit_exceeded",
    "429-s": "RateLimitError 429 rate_limit_exceeded",
    "429-ms": "RateLimitError 429 rate_limit_exceeded",
    "429-date": "RateLimitError 429 rate_limit_exceeded",
    "insufficient_quota": "RateLimitError 429 insufficient_quota",
    "400": "BadRequestError 400 None",
    "400-context": "BadRequestError 400 context_length_exceeded",
    "401": "AuthenticationError 401 invalid_api_key",
    "403": "PermissionDeniedError 403 unsupported_country",
    "404": "NotFoundError 404 model_not_found",
    "408": "APIStatusError 408 None",
    "413": "APIStatusError 413 None",
    "throttling": "RateLimitError 429 1302",
    "500": "InternalServerError 500 None",
    "502-html": "InternalServerError 502 None",
    "503": "InternalServerError 503 None",
    "504": "InternalServerError 504 None",
    "529": "InternalServerError 529 overloaded",
}
# kind: (what a stream gives after three tokens, what a whole answer gives)
BODY_FAULTS = {
    "none": ("stop", "stop"),
    "200-with-error-json": ("no finish", "no choices"),
    "wrong-content-type": ("no finish", "str"),
    "hang-before-headers": ("APITimeoutError", "APITimeoutError"),
    "hang-mid-stream": ("APITimeoutError", "APITimeoutError"),
    "cut": ("APIConnectionError", "APIConnectionError"),
    "rst": ("APIConnectionError", "APIConnectionError"),
    "clean-eof": ("no finish", "JSONDecodeError"),
    "malformed-frame": ("JSONDecodeError", "JSONDecodeError"),
    "error-frame": ("APIError", "no choices"),
    "empty-answer": ("stop", "stop"),
    "invalid-json-content": ("stop", "stop"),
    "schema-violation": ("stop", "stop"),
    "missing-event-line": ("stop", "stop"),
    "duplicate-tool-fragments": ("stop", "stop"),
    "out-of-order-tool-fragments": ("stop", "stop"),
    "unknown-tool": ("stop", "stop"),
    "bad-tool-arguments": ("stop", "stop"),
    "length": ("length", "length"),
    "content-filter": ("content_filter", "content_filter"),
    "refusal": ("stop", "stop"),
    "missing-usage": ("stop", "stop"),
    "usage-on-finish-chunk": ("stop", "stop"),
    "slow-drip": ("stop", "stop"),
    "pii-echo": ("stop", "stop"),
}


def impatient(client: openai.OpenAI, kind: str) -> openai.OpenAI:
    """A client that gives up soon, where the fault is that nothing comes."""
    return client.with_options(timeout=0.4) if "hang" in kind else client


def observe(client: openai.OpenAI, model: str, *, stream: bool) -> str:
    """What a caller of the SDK meets: the error, or how the answer ended."""
    try:
        reply = ask(impatient(client, model), model=model, stream=stream)
        if stream:
            finishes = [chunk.choices[0].finish_reason for chunk in reply if chunk.choices]
            return next(filter(None, finishes), "no finish")
    except openai.APIStatusError as error:
        return f"{type(error).__name__} {error.status_code} {error.code}"
    except (openai.APIError, ValueError) as error:
        return type(error).__name__
    if not isinstance(reply, openai.types.chat.ChatCompletion):
        return type(reply).__name__
    return reply.choices[0].finish_reason if reply.choices else "no choices"


def test_tables_cover_every_fault() -> None:
    assert {kind.value for kind in FaultKind} == STATUS_FAULTS.keys() | BODY_FAULTS.keys()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("kind", STATUS_FAULTS)
def test_status_fault(client: openai.OpenAI, kind: str, stream: bool) -> None:
    assert observe(client, f"fake-light@fault:{kind}", stream=stream) == STATUS_FAULTS[kind]


@pytest.mark.parametrize("kind", BODY_FAULTS)
def test_body_fault(client: openai.OpenAI, kind: str) -> None:
    suffix = "slow-drip:20" if kind == "slow-drip" else kind
    seen = tuple(
        observe(client, f"fake-light@fault:{suffix}", stream=stream) for stream in (True, False)
    )

    assert seen == BODY_FAULTS[kind]


@pytest.mark.parametrize(
    "kind", ["cut", "rst", "hang-mid-stream", "malformed-frame", "error-frame", "clean-eof"]
)
@pytest.mark.parametrize("after", [0, 1, 4])
def test_mid_stream_fault_comes_after_the_wanted_tokens(
    fake: ProviderControl, client: openai.OpenAI, kind: str, after: int
) -> None:
    # A RST throws away what the client has not read yet, so it gets time to read.
    fake.set_scenario({"latency": {"slow": {"interval_ms": 20}}})
    pieces = []
    with contextlib.suppress(openai.APIError, ValueError):
        for chunk in ask(impatient(client, kind), model=f"slow@fault:{kind}:{after}", stream=True):
            pieces.append(chunk.choices[0].delta.content)

    assert len([piece for piece in pieces if piece]) == after


@pytest.mark.parametrize(
    ("model", "header", "value"),
    [
        ("m@fault:429", "retry-after", None),
        ("m@fault:429:2000", "retry-after", "2"),
        ("m@fault:429-s", "retry-after", "1"),
        ("m@fault:429-ms:250", "retry-after-ms", "250"),
        ("m@fault:503:1500", "retry-after", "2"),
        ("m@fault:500", "retry-after", None),
    ],
)
def test_retry_after_header(
    fake: ProviderControl, model: str, header: str, value: str | None
) -> None:
    assert post(fake, body(model=model)).headers.get(header) == value


def test_usage_places(client: openai.OpenAI) -> None:
    def usage_choices(kind: str) -> list[int]:
        options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
        chunks = ask(client, model=f"m@fault:{kind}", **options)
        return [len(chunk.choices) for chunk in chunks if chunk.usage]

    places = {
        kind: usage_choices(kind) for kind in ("none", "missing-usage", "usage-on-finish-chunk")
    }

    assert places == {"none": [0], "missing-usage": [], "usage-on-finish-chunk": [1]}


def test_contents_of_spoiled_answers(client: openai.OpenAI) -> None:
    def content(kind: str) -> Any:
        return ask(client, "我叫13900000000", model=f"m@fault:{kind}").choices[0].message

    assert content("empty-answer").content == ""
    assert content("refusal").refusal
    with pytest.raises(json.JSONDecodeError):
        json.loads(content("invalid-json-content").content)
    assert "unexpected" in json.loads(content("schema-violation").content)
    assert {"13900000000", "13812345678"} <= set(
        re.findall(r"\d{11}(?!\d)", content("pii-echo").content)
    )


# -- scenarios


def test_rules_are_used_up_in_order(fake: ProviderControl, client: openai.OpenAI) -> None:
    fake.set_scenario([{"fault": "503", "times": 2}, {"fault": "length"}])

    seen = [observe(client, "fake-light", stream=True) for _ in range(4)]

    assert seen == ["InternalServerError 503 None"] * 2 + ["length", "stop"]
    assert [rule["used"] for rule in fake.scenario()["rules"]] == [2, 1]


def test_rule_meets_only_its_model_and_words(fake: ProviderControl, client: openai.OpenAI) -> None:
    fake.set_scenario(
        [{"model": "fake-s*", "contains": "发票", "answer": "<b>开票</b>", "times": 0}]
    )

    assert said(client, "发票", model="fake-strong") == "<b>开票</b>"
    assert said(client, "发票", model="fake-light") != "<b>开票</b>"
    assert said(client, "退款", model="fake-strong") != "<b>开票</b>"


def test_probability_repeats_for_a_seed(fake: ProviderControl, client: openai.OpenAI) -> None:
    def run() -> list[str]:
        fake.set_scenario([{"fault": "length", "times": 0, "probability": 0.5}])
        return [observe(client, "fake-light", stream=True) for _ in range(20)]

    first = run()

    assert 3 < first.count("length") < 17
    assert run() == first


def test_suffix_beats_rules(fake: ProviderControl, client: openai.OpenAI) -> None:
    fake.set_scenario([{"fault": "503", "times": 0}])

    assert observe(client, "fake-light@fault:length", stream=False) == "length"


def test_append_keeps_rules(fake: ProviderControl) -> None:
    fake.set_scenario([{"fault": "503"}])
    fake.set_scenario({"append": True, "rules": [{"fault": "500"}]})

    assert [rule["fault"] for rule in fake.scenario()["rules"]] == ["503", "500"]


def test_latency_by_model_and_rule(fake: ProviderControl) -> None:
    fake.set_scenario(
        {"latency": {"fake-strong": {"ttft_ms": 40}}, "rules": [{"model": "x", "ttft_ms": 7}]}
    )

    timings = {
        model: post(fake, body(model=model, stream=True)) for model in ("fake-strong", "x", "y")
    }

    planned = {
        model: reply.headers["x-fake-timing"].split(";")[0] for model, reply in timings.items()
    }
    assert planned == {"fake-strong": "ttft=40.0", "x": "ttft=7.0", "y": "ttft=5.0"}


def test_slots_queue_and_are_given_back(fake: ProviderControl) -> None:
    fake.set_scenario({"slots": 1, "latency": {"default": {"ttft_ms": 100, "interval_ms": 0}}})
    threads = [threading.Thread(target=post, args=(fake, body(stream=True))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rows = settled_requests(fake, 3)
    starts_ms = sorted(row["at"] * 1000 + row["queued_ms"] for row in rows)
    assert all(later - earlier >= 99 for earlier, later in itertools.pairwise(starts_ms))


def test_slot_of_a_client_that_left_is_free(fake: ProviderControl, client: openai.OpenAI) -> None:
    fake.set_scenario({"slots": 1, "rules": [{"fault": "hang-mid-stream"}]})
    with pytest.raises(openai.APITimeoutError):
        list(ask(client.with_options(timeout=0.2), stream=True))

    chunks = list(ask(client, stream=True))

    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("scenario", "field"),
    [
        ([{"fault": "lunch"}], "rules[0].fault"),
        ([{}, {"colour": 1}], "rules[1].colour"),
        ([{"times": -1}], "rules[0].times"),
        ([{"times": 1.5}], "rules[0].times"),
        ([{"delay_ms": "1"}], "rules[0].delay_ms"),
        ([{"model": None}], "rules[0].model"),
        ([1], "rules[0]"),
        ({"latency": {"m": {"speed": 1}}}, "latency.m.speed"),
        ({"latency": {"m": {"ttft_ms": -1}}}, "latency.m.ttft_ms"),
        ({"slots": True}, "slots"),
        ({"rule": []}, "rule"),
        ("503", "scenario"),
    ],
)
def test_bad_scenario_is_refused_by_field(fake: ProviderControl, scenario: Any, field: str) -> None:
    before = fake.scenario()

    with pytest.raises(ValueError, match=f"^{re.escape(field)}: "):
        fake.set_scenario(scenario)

    assert fake.scenario() == before


# -- the log


def test_log_judges_hasty_and_hopeless_retries(fake: ProviderControl) -> None:
    hasty, hopeless, patient = (
        body(model=f"m@fault:{kind}") for kind in ("429-ms:60000", "400", "429-ms:20")
    )
    for request in (hasty, hasty, hopeless, hopeless, patient):
        post(fake, request)
    time.sleep(0.03)
    post(fake, patient)

    rows = [(row["attempt"], row["verdicts"]) for row in settled_requests(fake, 6)]
    assert rows == [
        (1, []),
        (2, ["retry_before_retry_after"]),
        (1, []),
        (2, ["retry_on_4xx"]),
        (1, []),
        (2, []),
    ]


def test_same_question_after_an_answer_is_no_retry(fake: ProviderControl) -> None:
    for _ in range(2):
        post(fake, body())

    rows = settled_requests(fake, 2)
    assert [(row["attempt"], row["outcome"]) for row in rows] == [(1, "answered")] * 2
    assert rows[0]["body"] == body()


def test_closed_stream_is_noticed(fake: ProviderControl, client: openai.OpenAI) -> None:
    stream = ask(client, model="m@fault:slow-drip:10000", stream=True)
    next(iter(stream))
    assert fake.log()["summary"]["open"] == 1
    stream.close()

    row = settled_requests(fake, 1)[0]
    assert (row["outcome"], row["verdicts"]) == ("client_closed", ["closed_early"])


def test_controls_refuse_a_web_page_with_a_name_of_its_own(fake: ProviderControl) -> None:
    with httpx.Client(trust_env=False, headers={"host": "evil.example"}) as http:
        replies = [http.get(f"{fake.url}/_fake/requests"), http.post(f"{fake.url}/_fake/reset")]

    assert [reply.status_code for reply in replies] == [403, 403]
