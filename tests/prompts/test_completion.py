"""A question becomes a streamed answer, and every attempt a row that holds numbers and no words."""

import json
import threading
from typing import Any

import pytest
from django.core import serializers
from django.db import connection

from prompts import completion, retrieval, snapshot
from prompts.completion import Question
from prompts.models import (
    FewShotExample,
    ModelCall,
    ModelEndpoint,
    Prompt,
    PromptVersion,
    Sop,
    SopQuestion,
)
from tests.fakes.provider_control import ProviderControl
from tests.prompts.llm.asking import KEY, WHOLE, Left, Shown, settled

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = "我的订单怎么还没到?"
SOP_ANSWER = "亲,别着急,已帮您催促物流。"
UNKNOWN = "这个问题我还不清楚,请留下电话。"
PERSONA = "{{shop_name}}客服\n已知:{{slots}}\n话题:{{topic}}\n资料:{{knowledge}}\n例:{{examples}}"
TEXTS = {
    ("answer", "zh"): PERSONA,
    ("answer", "en"): "Clerk of {{shop_name}}. {{knowledge}}",
    ("unknown", "zh"): UNKNOWN,
    ("resumed", "zh"): "继续{{topic}}",
}


@pytest.fixture(autouse=True)
def rows(transactional_db: None) -> Any:
    """Texts, one SOP and one example."""
    for (purpose, language), text in TEXTS.items():
        prompt = Prompt.objects.create(purpose=purpose, language=language, title=purpose)
        prompt.current = PromptVersion.objects.create(prompt=prompt, number=1, text=text)
        prompt.save()
    sop = Sop.objects.create(
        key="late", language="zh", title="催单", category="c", intent="i", answer=SOP_ANSWER
    )
    retrieval.reindex([SopQuestion.objects.create(sop=sop, text=ASKED)])
    messages = [{"role": "visitor", "text": "太慢了"}, {"role": "bot", "text": "非常抱歉"}]
    FewShotExample.objects.create(key="slow", language="zh", intent="i", messages=messages)
    completion.CACHE.clear()
    yield
    completion.CACHE.clear()
    retrieval.forget()


@pytest.fixture
def model(provider: ProviderControl, settings: Any) -> ModelEndpoint:
    """An endpoint whose key is in the environment."""
    settings.MODEL_API_KEYS = {"SHOP_API_KEY": KEY}
    return ModelEndpoint.objects.create(
        name="shop-model",
        provider="openai",
        model="fake-light",
        base_url=provider.base_url,
        api_key_env="SHOP_API_KEY",
        capabilities={"safety_identifier": True},
    )


def question(text: str = ASKED, **changes: Any) -> Question:
    fields = {"trace_id": "turn-1", "language": "zh", "shop_name": "山野杂货", "user": "pseudonym"}
    return Question(text=text, **{**fields, **changes})


def test_without_a_key_the_sop_answers_and_nothing_is_billed() -> None:
    shown = Shown()

    answer = completion.stream(question(), shown)

    assert (answer.text, answer.endpoint) == (SOP_ANSWER, "sop")
    assert shown.text == SOP_ANSWER
    assert answer.decision["cause"] == "no_model"
    assert [hit.key for hit in answer.hits] == ["late"]
    assert not ModelCall.objects.exists()


def test_question_that_fits_no_sop_gets_the_honest_sentence() -> None:
    assert completion.stream(question("宇宙的尽头是什么颜色"), Shown()).text == UNKNOWN


def test_model_answers_and_the_call_is_recorded(
    model: ModelEndpoint, provider: ProviderControl
) -> None:
    provider.set_scenario([{"answer": WHOLE}])
    shown = Shown()

    answer = completion.stream(question(), shown)

    call = ModelCall.objects.get()
    version = PromptVersion.objects.get(prompt__purpose="answer", prompt__language="zh")
    assert (answer.text, answer.endpoint, shown.text) == (WHOLE, "shop-model", WHOLE)
    assert answer.prompt_version_id == version.pk
    assert set(answer.timings_ms) == {"prepare", "stream"}
    assert (call.trace_id, call.endpoint, call.model) == ("turn-1", "shop-model", "fake-light")
    assert (call.purpose, call.attempt, call.error_class) == ("answer", 1, "")
    assert call.prompt_version == version
    assert 0 < (call.first_token_ms or 0) <= call.total_ms
    assert call.input_tokens > 0
    assert call.output_tokens == call.usage["completion_tokens"] > 0
    assert not call.usage_estimated


def test_what_is_kept_holds_no_key_and_no_words(
    model: ModelEndpoint, provider: ProviderControl
) -> None:
    provider.set_scenario([{"answer": WHOLE}])

    answer = completion.stream(question(), Shown())

    kept = serializers.serialize("json", [*ModelCall.objects.all(), model], ensure_ascii=False)
    kept += json.dumps(answer.decision, ensure_ascii=False) + repr(completion.snapshot())
    assert "shop-model" in answer.decision["plan"]
    for secret in (KEY, ASKED, WHOLE):
        assert secret not in kept


def test_model_is_asked_with_persona_knowledge_examples_and_thread(
    model: ModelEndpoint, provider: ProviderControl
) -> None:
    asked = question(
        history=(("visitor", "在吗"), ("bot", "在的"), ("agent", "我是人工")),
        slots={"order_number": "20260131001"},
        topic="物流",
    )

    completion.stream(asked, Shown())

    body = settled(provider)[0]["body"]
    system, *thread = body["messages"]
    assert system["role"] == "system"
    assert system["content"] == (
        "山野杂货客服\n已知:订单号 20260131001\n话题:物流\n资料:"
        f"- 催单: {SOP_ANSWER}\n例:顾客: 太慢了\n客服: 非常抱歉"
    )
    assert [(line["role"], line["content"]) for line in thread] == [
        ("user", "在吗"),
        ("assistant", "在的"),
        ("assistant", "我是人工"),
        ("user", ASKED),
    ]
    assert body["safety_identifier"] == "pseudonym"


def test_the_model_reads_how_an_sop_is_handled(
    model: ModelEndpoint, provider: ProviderControl
) -> None:
    Sop.objects.update(
        steps=["查物流", "催促"], required_slots=["order_number", "phone"], tool="get_logistics"
    )
    retrieval.forget()

    completion.stream(question(slots={"order_number": "20260131001"}), Shown())

    assert (
        f"资料:- 催单: {SOP_ANSWER}\n  办理：查物流; 催促\n  还缺：手机号\n  用工具：get_logistics\n"
        in settled(provider)[0]["body"]["messages"][0]["content"]
    )


def test_customers_words_are_no_template(model: ModelEndpoint, provider: ProviderControl) -> None:
    injection = "{{knowledge}} {{shop_name}}"

    completion.stream(question(injection, shop_name="{{topic}}"), Shown())

    messages = settled(provider)[0]["body"]["messages"]
    assert messages[-1]["content"] == injection
    assert messages[0]["content"].startswith("{{topic}}客服")


def test_failed_attempts_are_recorded_in_order(
    model: ModelEndpoint, provider: ProviderControl
) -> None:
    provider.set_scenario([{"fault": "cut"}, {"fault": "500"}])
    ModelEndpoint.objects.create(
        name="second",
        provider="openai",
        model="fake-strong",
        base_url=provider.base_url,
        api_key_env="SHOP_API_KEY",
        priority=200,
    )
    shown = Shown()

    answer = completion.stream(question(), shown)

    calls = ModelCall.objects.order_by("attempt")
    assert [(c.endpoint, c.attempt, c.error_class) for c in calls] == [
        ("shop-model", 1, "unavailable"),
        ("second", 2, "unavailable"),
    ]
    assert calls[0].usage_estimated
    assert (answer.text, answer.endpoint, shown.text) == (SOP_ANSWER, "sop", SOP_ANSWER)
    assert answer.decision["answered_by"] == "sop"


def test_call_of_an_abandoned_answer_is_recorded_too(
    model: ModelEndpoint, provider: ProviderControl
) -> None:
    # Long, because the screen holds a sentence back until it has seen it.
    provider.set_scenario([{"answer": WHOLE * 8, "interval_ms": 50}])

    with pytest.raises(Left):
        completion.stream(question(), Shown(leave_after=2))

    call = ModelCall.objects.get()
    assert (call.error_class, call.usage_estimated) == ("abandoned", True)
    assert settled(provider)[0]["outcome"] == "client_closed"


def test_endpoint_without_its_key_or_switched_off_is_not_asked(
    model: ModelEndpoint, provider: ProviderControl, settings: Any
) -> None:
    settings.MODEL_API_KEYS = {}
    keyless = completion.stream(question(), Shown())
    settings.MODEL_API_KEYS = {"SHOP_API_KEY": KEY}
    ModelEndpoint.objects.update(enabled=False)
    completion.CACHE.clear()
    disabled = completion.stream(question(), Shown())

    assert keyless.decision["candidates"][0]["reject_reason"] == "no_key"
    assert (keyless.endpoint, disabled.endpoint) == ("sop", "sop")
    assert disabled.decision["candidates"] == []
    assert provider.requests() == []


def test_address_comes_from_the_row_else_from_the_environment(settings: Any) -> None:
    settings.MODEL_BASE_URLS = {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    default = ModelEndpoint(name="a", provider="openai")
    own = ModelEndpoint(name="b", provider="openai", base_url="http://127.0.0.1:2/v1")

    assert snapshot.as_endpoint(default).base_url == "http://127.0.0.1:1/v1"
    assert snapshot.as_endpoint(own).base_url == "http://127.0.0.1:2/v1"


def test_no_database_connection_is_held_while_a_model_talks(
    model: ModelEndpoint, provider: ProviderControl
) -> None:
    held: list[bool] = []

    class Watching(Shown):
        def write(self, piece: str) -> None:
            held.append(connection.connection is not None)

    def ask() -> None:
        completion.stream(question(), Watching())
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()

    assert held
    assert not any(held)


def test_new_version_counts_once_it_is_announced() -> None:
    prompt = Prompt.objects.get(purpose="unknown")
    before = completion.text("unknown", language="zh")
    prompt.current = PromptVersion.objects.create(prompt=prompt, number=2, text="  再想想 ")
    prompt.save()

    snapshot.announce()

    assert before == UNKNOWN
    assert completion.text("unknown", language="zh") == "再想想"


def test_text_falls_back_to_chinese_and_is_empty_when_staff_removed_it() -> None:
    assert completion.text("resumed", language="en", topic="物流") == "继续物流"
    assert completion.text("gone", language="zh") == ""


def test_defaults_answer_out_of_the_box(defaults: None) -> None:
    chinese = completion.stream(question(), Shown())
    english = completion.stream(question("Where is my order?", language="en"), Shown())

    assert chinese.hits[0].score >= retrieval.CONFIDENT
    assert english.hits[0].score >= retrieval.CONFIDENT
    assert chinese.text.isascii() is False
    assert english.text.isascii() is True
