"""Decisions of the fake: OpenAI's and DashScope's, through the real SDKs and raw HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from dashscope.v2 import errors

from tests.fakes.provider_clients import (
    dashscope_client,
    openai_client,
    post,
    settled_requests,
)
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency

ANGRY = "垃圾快递,订单12345678901到哪了,我要转人工"
DECISIONS, SYSTEM_ONE = "/v1/decisions", "/compatible-mode/v1/systemone"
INTENTS = {"refund": "退款", "logistics": "物流", "human": "转人工", "other": "其他"}
ASKED: list[Any] = [
    {
        "type": "choice",
        "name": "intent",
        "instructions": "What is it about?",
        "choices": [{"value": value, "description": told} for value, told in INTENTS.items()],
    },
    {"type": "predicate", "instructions": "The customer wants a human agent."},
    {
        "type": "score",
        "name": "emotion",
        "instructions": "How angry is the customer?",
        "levels": [{"label": "calm"}, {"label": "annoyed"}, {"label": "furious"}],
    },
]
ASKED_BY_NAME: dict[str, Any] = {
    "intent": {"type": "choice", "criteria": INTENTS},
    "human": {"type": "noul", "instructions": "是否需要转人工?"},
    "emotion": {"type": "score", "criteria": ["平静", "不快", "愤怒"]},
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
    with openai_client(fake.base_url) as made:
        yield made


@pytest.fixture(scope="module")
def system_one(fake: ProviderControl) -> Iterator[Any]:
    with dashscope_client(fake.compatible_base_url) as made:
        yield made


def decide(client: openai.OpenAI, text: Any = ANGRY, model: str = "gpt-6-luna") -> Any:
    return client.decisions.create(model=model, input=text, questions=ASKED)


def decide_by_name(client: Any, state: Any = ANGRY, model: str = "decision-model-preview") -> Any:
    return client.decision.create(model=model, state=state, questions=ASKED_BY_NAME)


def test_questions_are_answered_in_order(client: openai.OpenAI) -> None:
    decision = decide(client)

    intent, human, emotion = decision.answers
    chances = [row.probability for row in intent.probabilities]
    assert (intent.type, intent.name, intent.choice, intent.confidence) == (
        "choice",
        "intent",
        "human",
        0.9,
    )
    assert [row.value for row in intent.probabilities] == list(INTENTS)
    assert sum(chances) == pytest.approx(1, abs=0.001)
    assert (human.type, human.name, human.probability) == ("predicate", None, 0.95)
    assert (emotion.type, emotion.score) == ("score", 1.8)
    assert [(row.value, row.label) for row in emotion.probabilities][-1] == (2, "furious")
    assert decision.usage.total_tokens == decision.usage.input_tokens + 3


def test_same_conversation_same_decision(client: openai.OpenAI, system_one: Any) -> None:
    turns = [{"role": "user", "content": ANGRY}]

    as_messages, as_dialogue = decide(client, turns), decide_by_name(system_one, turns)

    assert as_messages.answers == decide(client).answers
    assert as_dialogue.answers == decide_by_name(system_one).answers


def test_answers_are_named_like_the_questions(system_one: Any) -> None:
    decision = decide_by_name(system_one)

    intent, human, emotion = (decision.answers[name] for name in ("intent", "human", "emotion"))
    assert (intent.type, intent.choice, intent.confidence) == ("choice", "human", 0.9)
    assert sum(intent.probabilities.values()) == pytest.approx(1, abs=0.001)
    assert (human.type, human.noul, human.confidence) == ("noul", 0.95, None)
    assert (emotion.type, emotion.score) == ("score", 1.8)
    assert emotion.legend == {"0": "平静", "1": "不快", "2": "愤怒"}
    assert decision.usage.output_tokens == 3


def test_state_may_be_an_object(system_one: Any) -> None:
    decision = decide_by_name(system_one, {"ticket": 1, "content": "我要退款"})

    assert decision.answers["intent"].choice == "refund"
    assert decision.answers["human"].noul < 0.5


def test_what_fits_nothing_is_left_over(client: openai.OpenAI) -> None:
    intent = decide(client, "嗯").answers[0]

    assert (intent.choice, intent.confidence) == ("other", 0.5)


def test_scripted_answers(fake: ProviderControl, client: openai.OpenAI) -> None:
    told = '[{"type": "predicate", "name": null, "probability": 0.5}]'
    fake.set_scenario([{"path": DECISIONS, "answer": told}])

    assert [answer.probability for answer in decide(client).answers] == [0.5]


@pytest.mark.parametrize("questions", [[], [{}] * 401, [{"type": "choice"}], [{"type": "guess"}]])
def test_bad_questions_are_refused(fake: ProviderControl, questions: list[Any]) -> None:
    reply = post(fake, DECISIONS, {"model": "m", "input": "hi", "questions": questions})

    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    "changes",
    [
        {"state": ""},
        {"questions": {}},
        {"questions": {"a": {"type": "predicate"}}},
        {"questions": {"a": {"type": "choice", "criteria": {}}}},
        {"questions": {"a": {"type": "score", "criteria": ["one"]}}},
    ],
)
def test_bad_states_are_refused(fake: ProviderControl, changes: dict[str, Any]) -> None:
    asked = {"model": "m", "state": "hi", "questions": ASKED_BY_NAME, **changes}

    reply = post(fake, SYSTEM_ONE, asked)

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_parameter_error")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("429", openai.RateLimitError),
        ("throttling", openai.RateLimitError),
        ("insufficient_quota", openai.RateLimitError),
        ("401", openai.AuthenticationError),
        ("500", openai.InternalServerError),
        ("cut", openai.APIConnectionError),
        ("rst", openai.APIConnectionError),
        ("clean-eof", ValueError),
    ],
)
def test_fault(client: openai.OpenAI, kind: str, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        decide(client, model=f"m@fault:{kind}")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("429", errors.RateLimitError),
        ("throttling", errors.RateLimitError),
        ("insufficient_quota", errors.PermissionDeniedError),
        ("401", errors.AuthenticationError),
        ("500", errors.InternalServerError),
        ("refusal", errors.BadRequestError),
        ("cut", errors.APIConnectionError),
        ("clean-eof", ValueError),
    ],
)
def test_fault_of_system_one(system_one: Any, kind: str, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        decide_by_name(system_one, model=f"m@fault:{kind}")


def test_refusal_answers_every_question(client: openai.OpenAI) -> None:
    answers = decide(client, model="m@fault:refusal").answers

    assert [(answer.type, answer.name) for answer in answers] == [
        ("refusal", "intent"),
        ("refusal", None),
        ("refusal", "emotion"),
    ]


def test_spoiled_decision_has_no_answers(client: openai.OpenAI, system_one: Any) -> None:
    assert decide(client, model="m@fault:empty-answer").answers == []
    assert decide_by_name(system_one, model="m@fault:empty-answer").answers == {}


def test_log_tells_whose_decision_it_was(
    fake: ProviderControl, client: openai.OpenAI, system_one: Any
) -> None:
    decide(client)
    decide_by_name(system_one)

    rows = [(row["provider"], row["path"], row["outcome"]) for row in settled_requests(fake, 2)]
    assert rows == [
        ("openai", DECISIONS, "answered"),
        ("dashscope", SYSTEM_ONE, "answered"),
    ]
