"""The provider fake as a server: scenarios, pace, places, log and controls, whichever wire is spoken."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.fakes.provider_clients import openai_client, settled_requests
from tests.fakes.provider_clients import post as post_to
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency


@pytest.fixture(scope="module")
def fake() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=5, interval_ms=1))) as control:
        yield control


@pytest.fixture(autouse=True)
def _fresh(fake: ProviderControl) -> None:
    fake.reset()


@pytest.fixture(scope="module")
def client(fake: ProviderControl) -> Iterator[openai.OpenAI]:
    with openai_client(fake.base_url) as made:
        yield made


def ask(client: openai.OpenAI, text: str = "我的快递到哪了", **options: Any) -> Any:
    wanted = {"model": "fake-light", "messages": [{"role": "user", "content": text}], **options}
    return client.chat.completions.create(**wanted)


def said(client: openai.OpenAI, text: str, **options: Any) -> str:
    return str(ask(client, text, **options).choices[0].message.content)


def post(fake: ProviderControl, body: Any, **headers: str) -> httpx.Response:
    return post_to(fake, "/v1/chat/completions", body, **headers)


def body(text: str = "你好", **options: Any) -> dict[str, Any]:
    return {"model": "fake-light", "messages": [{"role": "user", "content": text}], **options}


def finish(client: openai.OpenAI) -> str:
    """How a streamed answer ends, or the status that it does not even begin with."""
    try:
        chunks = list(ask(client, stream=True))
    except openai.APIStatusError as error:
        return str(error.status_code)
    return str(chunks[-1].choices[0].finish_reason)


def test_timing_header_tells_plan(fake: ProviderControl) -> None:
    fake.set_scenario(
        {"latency": {"default": {"ttft_ms": 30, "interval_ms": 2}}, "rules": [{"tokens": 10}]}
    )
    started = time.perf_counter()

    reply = post(fake, body(stream=True))

    assert reply.headers["x-fake-timing"] == "ttft=30.0;total=50.0;queued=0.0"
    assert reply.text.count('"delta":{"content":') == 10
    assert time.perf_counter() - started >= 0.050


# -- scenarios


def test_rules_are_used_up_in_order(fake: ProviderControl, client: openai.OpenAI) -> None:
    fake.set_scenario([{"fault": "503", "times": 2}, {"fault": "length"}])

    seen = [finish(client) for _ in range(4)]

    assert seen == ["503", "503", "length", "stop"]
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
        return [finish(client) for _ in range(20)]

    first = run()

    assert 3 < first.count("length") < 17
    assert run() == first


def test_suffix_beats_rules(fake: ProviderControl, client: openai.OpenAI) -> None:
    fake.set_scenario([{"fault": "503", "times": 0}])

    reply = ask(client, model="fake-light@fault:length")

    assert reply.choices[0].finish_reason == "length"


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


def test_latency_by_preset(fake: ProviderControl) -> None:
    fake.set_scenario(
        {"latency": {"fake-light": "light", "fake-strong": {"preset": "strong", "ttft_ms": 9}}}
    )

    told = fake.scenario()["latency"]
    assert told["fake-light"]["ttft_ms"] == 250
    assert told["fake-strong"]["ttft_ms"] == 9
    assert told["fake-strong"]["interval_ms"] == pytest.approx(1000 / 30)


def test_pace_in_tokens_per_second(fake: ProviderControl) -> None:
    fake.set_scenario({"latency": {"default": {"tokens_per_second": 500}}})

    assert fake.scenario()["latency"]["default"]["interval_ms"] == 2


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
        ({"latency": {"m": {"preset": "huge"}}}, "latency.m.preset"),
        ({"latency": {"m": 1}}, "latency.m"),
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
