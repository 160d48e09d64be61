"""A second opinion: what a model says of unsure lines, in time or not at all, and what becomes of a disagreement."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from prompts import completion, ledger, opinion, snapshot, understanding
from prompts.llm import breaker
from prompts.llm.load import Level
from prompts.models import (
    Budget,
    IntentExample,
    LoadPolicy,
    ModelCall,
    Prompt,
    PromptVersion,
)
from prompts.opinion import Asked, Opinion
from prompts.redis import connection
from tests.fakes.provider_control import ProviderControl
from tests.prompts import rows
from tests.prompts.llm.asking import settled
from tests.prompts.rows import KEYS, endpoint
from tests.prompts.shop_intents import plant

TEXT = "那个弄一下,手机<PHONE_1>,白色外套"
ASKED = Asked(
    trace_id="t1",
    text=TEXT,
    before="您好",
    language="zh",
    inbox="ib",
    user="pseudonym",
    intents=(("logistics", 0.41),),
    margin=0.05,
    emotion="neutral",
    emotion_score=0.6,
    names=("logistics", "return", "invoice", "other"),
    version=3,
)
SAID = {
    "intents": ["return", "invoice"],
    "emotion": "negative",
    "slots": [{"name": "product", "value": "白色外套"}, {"name": "product", "value": "黑色外套"}],
}


@pytest.fixture(autouse=True)
def texts(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.MODEL_API_KEYS = KEYS
    monkeypatch.setattr(opinion, "SECONDS", 10.0)  # a slow machine takes no answer for a late one
    rows.write_texts()
    plant()
    prompt = Prompt.objects.create(purpose="analyse", language="zh", title="")
    prompt.current = PromptVersion.objects.create(
        prompt=prompt, number=1, text="意图:\n{{intents}}\n上一句:{{before}}"
    )
    prompt.save()
    understanding.LOADED.titles = understanding.titles()
    completion.CACHE.clear()
    askers = ThreadPoolExecutor(8)
    monkeypatch.setattr(opinion, "ASKERS", askers)
    yield
    askers.shutdown()  # whoever is late must not write into the next test
    rows.forget_texts()


@pytest.fixture
def model(provider: ProviderControl) -> ProviderControl:
    """A model that says SAID."""
    endpoint(provider, "light", strength=1)
    completion.warm()
    says(provider, SAID)
    return provider


def says(provider: ProviderControl, answer: Any, **more: Any) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    provider.set_scenario([{"answer": text, "times": 0, **more}])


def requests(provider: ProviderControl) -> list[dict[str, Any]]:
    return list(provider.requests())


def test_an_opinion_has_what_the_lines_hold(model: ProviderControl) -> None:
    heard = opinion.consult(ASKED)

    assert heard.opinion == Opinion(
        ("return", "invoice"), "negative", (("product", "白色外套"),), "light"
    )
    assert (heard.why, heard.ms > 0) == ("", True)


def test_the_model_sees_masked_lines_the_names_and_a_schema(model: ProviderControl) -> None:
    opinion.consult(ASKED)

    [seen] = requests(model)
    body = seen["body"]
    instructions, asked = [line["content"] for line in body["messages"]]
    assert asked == TEXT
    assert "- return: return题" in instructions
    assert "上一句:您好" in instructions
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["intents"]["items"]["enum"] == list(ASKED.names)


def test_the_call_is_on_record_with_a_purpose_of_its_own(model: ProviderControl) -> None:
    opinion.consult(ASKED)

    [call] = ModelCall.objects.all()
    assert (call.purpose, call.endpoint, call.error_class) == ("analyse", "light/analyse", "")
    assert (call.trace_id, call.inbox, call.decision) == ("t1", "ib", {"cause": "analyse"})
    assert call.wants_json
    assert call.prompt_version == PromptVersion.objects.get(prompt__purpose="analyse")


# --- nobody waits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "late", [{"ttft_ms": 5000}, {"interval_ms": 400}, {"fault": "hang-before-headers"}]
)
def test_a_slow_model_is_not_waited_for(
    model: ProviderControl, late: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opinion, "SECONDS", 0.3)
    says(model, SAID, **late)

    began = time.perf_counter()
    heard = opinion.consult(ASKED)

    assert (heard.opinion, heard.why) == (None, "late")
    # 0.3 s, with room for a slow machine.
    assert time.perf_counter() - began < 1.0
    settled(model, 1)


def test_a_redis_that_hangs_costs_no_more_than_the_budget(
    model: ProviderControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opinion, "SECONDS", 0.2)

    def hang(*_: Any) -> None:
        time.sleep(1.0)

    monkeypatch.setattr(opinion, "cached", hang)
    began = time.perf_counter()
    assert opinion.consult(ASKED).why == "late"
    assert time.perf_counter() - began < 0.9
    # What is late already is not asked for at all.
    opinion.ASKERS.shutdown()
    assert requests(model) == []


@pytest.mark.parametrize(
    ("answer", "more", "why"),
    [
        ("好的,我来看看", {}, "failed"),
        ('{"intents": ["ret', {}, "failed"),
        ({"intents": "return", "emotion": "negative", "slots": []}, {}, "failed"),
        ({"intents": ["return"], "emotion": "furious", "slots": []}, {}, "failed"),
        ({"intents": ["teleport"], "emotion": "neutral", "slots": []}, {}, "unusable"),
        (SAID, {"fault": "refusal"}, "failed"),
        (SAID, {"fault": "500"}, "failed"),
        (SAID, {"fault": "401"}, "failed"),
    ],
)
def test_what_is_unusable_changes_nothing(
    model: ProviderControl, answer: Any, more: dict[str, Any], why: str
) -> None:
    says(model, answer, **more)

    heard = opinion.consult(ASKED)

    assert (heard.opinion, heard.why) == (None, why)
    assert len(requests(model)) == 1
    assert not IntentExample.objects.filter(source="candidate").exists()
    assert not connection().keys("opinion:*")


def test_without_a_model_nobody_is_asked(provider: ProviderControl) -> None:
    assert opinion.consult(ASKED).why == "no_model"
    endpoint(provider, "plain", capabilities={})
    assert opinion.consult(ASKED).why == "no_model"
    assert requests(provider) == []


def test_under_load_nobody_is_asked(model: ProviderControl) -> None:
    LoadPolicy.objects.create(pk=1, forced_level=Level.LIGHT)
    completion.CACHE.clear()
    assert opinion.consult(ASKED).why == "load"
    assert requests(model) == []


def test_a_used_up_budget_asks_nobody(model: ProviderControl) -> None:
    Budget.objects.create(inbox="ib", per_day=Decimal(0))
    completion.CACHE.clear()
    assert ledger.stopped("ib")
    assert opinion.consult(ASKED).why == "budget"
    assert requests(model) == []


@pytest.mark.parametrize("name", ["light", "light/analyse"])
def test_an_open_breaker_asks_nobody(model: ProviderControl, name: str) -> None:
    breaker.shut(connection(), name)
    assert opinion.consult(ASKED).why == "breaker"
    assert requests(model) == []


def test_lateness_is_held_against_the_opinion_only(
    model: ProviderControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opinion, "SECONDS", 0.1)
    says(model, SAID, ttft_ms=3000)
    for number in range(12):
        opinion.consult(replace(ASKED, text=f"{TEXT}{number}"))
    settled(model, 10)
    assert breaker.state(connection(), "light") == "closed"
    assert breaker.state(connection(), "light/analyse") == "open"


def test_whatever_breaks_the_classifiers_word_stands(
    model: ProviderControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError

    monkeypatch.setattr(opinion, "request_of", broken)
    heard = opinion.consult(ASKED)
    assert (heard.opinion, heard.why) == (None, "broken")


def test_dispatchers_are_asked_first_then_the_lightest(provider: ProviderControl) -> None:
    endpoint(provider, "strong", strength=3, priority=1)
    endpoint(provider, "light", strength=1, priority=2)
    endpoint(provider, "quick", strength=2, priority=3, dispatcher=True)
    found = [each.name for each in opinion.endpoints(snapshot.snapshot())]
    assert found == ["quick", "light", "strong"]


# --- remembered ------------------------------------------------------------------------------------------


def test_the_same_lines_are_asked_about_once(model: ProviderControl) -> None:
    first = opinion.consult(ASKED)
    again = opinion.consult(replace(ASKED, trace_id="t2", margin=0.1))

    assert (again.opinion, again.why) == (first.opinion, "cached")
    assert len(requests(model)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"text": TEXT + "!"},
        {"before": "请问还有吗"},
        {"version": 4},
        {"names": ("return", "invoice", "other")},
        {"language": "en"},
    ],
)
def test_other_lines_another_place_or_another_taxonomy_are_asked_about_anew(
    model: ProviderControl, other: dict[str, Any]
) -> None:
    opinion.consult(ASKED)
    assert opinion.consult(replace(ASKED, **other)).why == ""


def test_the_cache_names_nothing_in_clear_and_forgets(
    model: ProviderControl, settings: Any
) -> None:
    opinion.consult(ASKED)

    keys: Any = connection().keys("opinion:*")
    [key] = keys
    assert key.decode().removeprefix("opinion:").isalnum()
    lives: Any = connection().ttl(key)
    assert 0 < lives <= opinion.CACHE_SECONDS
    before = opinion.key_of(ASKED)
    settings.SECRET_KEY = "another installation"
    assert opinion.key_of(ASKED) != before


# --- disagreement -----------------------------------------------------------------------------------------


def test_a_disagreement_becomes_a_candidate(model: ProviderControl) -> None:
    opinion.consult(ASKED)

    [row] = IntentExample.objects.filter(source="candidate")
    assert (row.text, row.intent.name, row.emotion, row.language) == (
        TEXT,
        "return",
        "negative",
        "zh",
    )
    assert row.trace_id == "t1"
    assert row.opinions == {
        "local": [["logistics", 0.41]],
        "margin": 0.05,
        "local_emotion": "neutral",
        "model": ["return", "invoice"],
        "model_emotion": "negative",
        "endpoint": "light",
    }


def test_who_agrees_teaches_nothing_new(model: ProviderControl) -> None:
    says(model, {"intents": ["logistics"], "emotion": "neutral", "slots": []})
    opinion.consult(ASKED)
    assert not IntentExample.objects.filter(source="candidate").exists()


def test_what_staff_dismissed_or_know_already_stays_as_it_is(model: ProviderControl) -> None:
    opinion.consult(ASKED)
    IntentExample.objects.filter(source="candidate").update(enabled=False)
    connection().flushdb()
    opinion.consult(ASKED)
    [row] = IntentExample.objects.filter(text=TEXT)
    assert not row.enabled


def test_long_words_make_no_example(model: ProviderControl) -> None:
    opinion.consult(replace(ASKED, text=TEXT + "嗯" * 200))
    assert not IntentExample.objects.filter(source="candidate").exists()
