"""The parts of the provider fake that need no server: its brain, its pace, its log."""

from __future__ import annotations

import itertools
import random
import re
from typing import Any

import pytest

from tests.fakes.provider_brain import cut, find_knowledge, read, think
from tests.fakes.provider_faults import split_model
from tests.fakes.provider_latency import PRESETS, Latency
from tests.fakes.provider_log import KEPT_REQUESTS, RequestLog
from tests.fakes.provider_topics import OTHER, SHOP_TOPICS
from tests.fakes.provider_types import Ask, FaultKind


def as_ask(text: str, *, system: str = "") -> Ask:
    turns = (("user", text),)
    return Ask("m", system, turns, stream=True, include_usage=False, max_tokens=None)


@pytest.mark.parametrize("topic", SHOP_TOPICS, ids=lambda topic: topic.name)
def test_topic_is_read_from_its_own_words(topic: Any) -> None:
    assert read(topic.chinese[0]).topic is topic
    assert read(f"about {topic.english[0]} please").topic is topic


def test_chinese_replies_are_short() -> None:
    replies = [reply for topic in (*SHOP_TOPICS, OTHER) for reply in topic.replies_chinese]

    assert max(map(len, replies)) <= 30


@pytest.mark.parametrize(
    ("text", "language"),
    [("我要退款", "zh"), ("Where is my parcel?", "en"), ("", "zh"), ("1", "zh")],
)
def test_answer_is_in_the_language_of_the_question(text: str, language: str) -> None:
    answer = "".join(think(as_ask(text), seed=0).pieces)

    assert bool(re.search(r"[\u4e00-\u9fff]", answer)) is (language == "zh")


def test_answer_repeats_for_a_seed() -> None:
    answers = {seed: think(as_ask("我要退款"), seed=seed) for seed in range(20)}

    assert all(think(as_ask("我要退款"), seed=seed) == answer for seed, answer in answers.items())
    assert len({"".join(answer.pieces) for answer in answers.values()}) == 2


@pytest.mark.parametrize("line", ["- 退款进度: {}", "问:退款要多久? 答:{}", "Q: 退款多久 | A: {}"])
def test_knowledge_in_the_system_prompt_is_used(line: str) -> None:
    knowledge = "双十一期间退款5天内到账。"
    system = f"你是小助手。\n- 换货: 签收7天内可换。\n{line.format(knowledge)}"

    assert "".join(think(as_ask("退款多久能到账", system=system), seed=0).pieces) == knowledge


def test_knowledge_far_from_the_question_is_left() -> None:
    topic = read("我要开发票").topic

    assert find_knowledge("- 换货: 签收7天内可换。", "我要开发票", topic=topic) == ""


@pytest.mark.parametrize("tokens", [1, 3, 30, 200])
@pytest.mark.parametrize("text", ["", "好的", "a long answer " * 100])
def test_cut_gives_exactly_the_tokens(text: str, tokens: int) -> None:
    pieces = cut(text, draw=random.Random(0), tokens=tokens)

    assert len(pieces) == tokens
    assert all(1 <= len(piece) <= 4 for piece in pieces)


def test_jitter_spreads_and_repeats() -> None:
    latency = Latency(ttft_ms=100, interval_ms=10, jitter=0.5)
    runs = [latency.due_ms(30, draw=random.Random(seed)) for seed in range(200)]

    firsts = sorted(run[0] for run in runs)
    assert runs[0] == latency.due_ms(30, draw=random.Random(0))
    assert all(later > earlier for run in runs for earlier, later in itertools.pairwise(run))
    assert 85 < firsts[100] < 118
    assert firsts[0] < 50 < 200 < firsts[-1]


@pytest.mark.parametrize(("name", "p95_ms"), [("light", 440), ("standard", 1050), ("strong", 2700)])
def test_preset_has_the_tail_it_promises(name: str, p95_ms: float) -> None:
    runs = [PRESETS[name].due_ms(30, draw=random.Random(seed)) for seed in range(2000)]

    firsts = sorted(run[0] for run in runs)
    paces = sorted((run[-1] - run[0]) / 30 for run in runs)
    assert firsts[1000] == pytest.approx(PRESETS[name].ttft_ms, rel=0.05)
    assert firsts[1900] == pytest.approx(p95_ms, rel=0.08)
    assert paces[1000] == pytest.approx(PRESETS[name].interval_ms, rel=0.08)


def test_split_model() -> None:
    name, fault = split_model("qwen:7b@fault:hang-before-headers:50")

    assert (name, fault.kind, fault.delay_ms) == ("qwen:7b", FaultKind.HANG_BEFORE_HEADERS, 50)


def test_log_is_bounded() -> None:
    log = RequestLog(clock=lambda: 0.0)
    for number in range(KEPT_REQUESTS + 5):
        log.close(log.open(b"%d" % number, provider="openai", path="/"), outcome="answered")

    shown = log.as_json()
    assert [shown["requests"][0]["body"], len(shown["requests"])] == [5, KEPT_REQUESTS]
    assert shown["summary"]["seen"] == KEPT_REQUESTS + 5
