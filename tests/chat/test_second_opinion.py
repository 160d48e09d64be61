"""A turn asks a model about lines its classifier is unsure of, and only then; what stands is explained."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat import analysis, turn
from chat.actions import privacy
from chat.actions import visitor as actions
from chat.dialogue import Dialogue
from chat.models import Message, Turn
from prompts import completion, opinion, snapshot, understanding
from prompts.models import IntentExample, ModelCall, Prompt, PromptVersion
from prompts.nlu.emotion import Mood
from prompts.nlu.intents import Found
from prompts.opinion import Heard, Opinion
from prompts.redaction import engine
from prompts.redaction.spans import RedactionFailed
from tests.chat.ear import Ear
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.prompts.rows import KEYS, endpoint
from tests.prompts.shop_intents import plant

HERE = "127.0.0.1"
APOLOGY = "用户当前不满,务必先道歉再解答"
FOUND = Found(
    intents=(("logistics", 0.5),),
    said=("logistics",),
    unknown_p=0.1,
    unknown=False,
    margin=0.1,
    moods={},
)
NEUTRAL = Mood("neutral", 0.6)
HEARD = Heard(Opinion(("return", "invoice"), "negative", (("product", "外套"),), "light"), "", 42.0)
SAID = {"intents": ["return"], "emotion": "negative", "slots": []}


# --- when a model is asked, and what stands ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "unsure"),
    [
        ({}, True),
        ({"margin": 0.3}, False),
        ({"margin": 0.3, "unknown": True}, True),
        ({"margin": 0.3, "unknown": True, "intents": (("other", 0.9),), "said": ("other",)}, False),
        # Of several requests the least sure one counts: as a whole such a message always looks torn.
        (
            {"said": ("logistics", "return"), "intents": (("logistics", 0.9), ("return", 0.8))},
            False,
        ),
        ({"said": ("logistics", "return"), "intents": (("logistics", 0.9), ("return", 0.5))}, True),
    ],
)
def test_only_unsure_lines_are_worth_a_question(changes: dict[str, Any], unsure: bool) -> None:
    found = replace(FOUND, **changes)
    assert analysis.is_unsure(found, margin=0.15) is unsure
    assert analysis.is_unsure(found, margin=0.0) is False


def test_the_models_intents_stand_and_are_sure_enough_for_the_router() -> None:
    found = analysis.settled(FOUND, HEARD.opinion)  # type: ignore[arg-type]  # it has one
    assert found.said == ("return", "invoice")
    assert dict(found.intents) == {"return": 0.8, "invoice": 0.8}
    assert (found.unknown, found.margin >= 0.5) == (False, True)


def test_a_model_that_knows_none_of_them_makes_it_unknown() -> None:
    assert HEARD.opinion
    found = analysis.settled(FOUND, replace(HEARD.opinion, intents=()))
    assert found.unknown
    assert analysis.intents_of(found) == ()


@pytest.mark.parametrize(
    ("local", "label"),
    [
        (NEUTRAL, "negative"),
        # Irony is heard in the conversation, which the model does not see.
        (Mood("positive", 0.9), "positive"),
        (Mood("negative", 0.5), "negative"),
    ],
)
def test_a_sure_mood_stands(local: Mood, label: str) -> None:
    assert HEARD.opinion
    assert analysis.settled_mood(local, HEARD.opinion).label == label


def test_slots_the_patterns_missed_are_taken_to_be_confirmed() -> None:
    said = (("product", "外套"), ("order_number", "999"), ("phone", "外套"), ("amount", ""))
    opinion_ = Opinion((), "neutral", said, "light")
    [slot] = analysis.added_slots("那件外套", opinion_, ())
    assert (slot.name, slot.value, slot.start, slot.certain) == ("product", "外套", 2, False)


# --- through the turn ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def provider_process() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=5, interval_ms=1))) as control:
        yield control


@pytest.fixture
def model(
    provider_process: ProviderControl, texts: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ProviderControl]:
    """A trained classifier that counts as unsure, and a model that says SAID."""
    provider_process.reset()
    settings.MODEL_API_KEYS = KEYS
    settings.SECOND_OPINION_MARGIN = 1.1
    askers = ThreadPoolExecutor(8)
    monkeypatch.setattr(opinion, "ASKERS", askers)
    monkeypatch.setattr(opinion, "SECONDS", 10.0)
    plant()
    write("analyse", "意图 {{intents}} 上一句 {{before}}")
    answer = Prompt.objects.get(purpose="answer", language="zh")
    answer.current = PromptVersion.objects.create(
        prompt=answer, number=2, text="{{emotion_addendum}}", emotion_addendum=APOLOGY
    )
    answer.save()
    snapshot.CACHE.clear()
    understanding.LOADED.forget()
    understanding.train_now()
    endpoint(provider_process, "light", strength=1)
    completion.warm()
    says(provider_process, SAID)
    yield provider_process
    askers.shutdown()
    snapshot.CACHE.clear()
    understanding.LOADED.forget()


def write(purpose: str, text: str) -> None:
    prompt = Prompt.objects.create(purpose=purpose, language="zh", title=purpose)
    prompt.current = PromptVersion.objects.create(prompt=prompt, number=1, text=text)
    prompt.save()


def says(provider: ProviderControl, answer: Any, **more: Any) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    provider.set_scenario([{"answer": text, "times": 0, **more}])


def ask(visitor: Any, text: str) -> Turn:
    posted = actions.post_message(visitor, client_id=uuid4(), text=text, address=HERE)
    assert posted.turn_id
    turn.run(posted.turn_id, worker="w1")
    return Turn.objects.get(pk=posted.turn_id)


def asked_about(provider: ProviderControl) -> list[dict[str, Any]]:
    return [r["body"] for r in provider.requests() if "response_format" in r["body"]]


def test_the_models_word_goes_into_the_turn(model: ProviderControl, visitor: Any, ear: Ear) -> None:
    row = ask(visitor, "快递的事,打13812345678")

    told = row.decision["analysis"]
    assert told["asked"]
    assert told["intents"] == [["return", 0.8]]
    assert told["local"]["intents"][0][0] == "logistics"
    assert told["model"]["intents"] == ["return"]
    assert row.decision["features"]["intent"] == "return"
    assert row.timings["opinion"] > 0
    assert {call.purpose for call in ModelCall.objects.all()} == {"analyse", "answer"}
    # The number was masked before anybody was asked.
    [body] = asked_about(model)
    assert "<PHONE_1>" in body["messages"][-1]["content"]
    assert "13812345678" not in json.dumps(model.requests())


def test_frames_tell_intents_mood_and_trend(model: ProviderControl, visitor: Any, ear: Ear) -> None:
    ask(visitor, "你们什么破快递,气死我了")
    turns = [frame for frame in ear.frames() if frame["type"] == "turn"]
    assert [frame["state"] for frame in turns] == ["queued", "running", "done"]
    for frame in turns[1:]:
        assert (frame["intents"], frame["emotion"], frame["trend"]) == (
            ["return"],
            "negative",
            "steady",
        )


def test_a_customer_who_is_upset_is_apologised_to_first(
    model: ProviderControl, visitor: Any
) -> None:
    row = ask(visitor, "你们什么破快递,气死我了")
    assert row.rendering["soothes"]
    [answer] = [r["body"] for r in model.requests() if "response_format" not in r["body"]]
    assert APOLOGY in answer["messages"][0]["content"]

    says(model, {"intents": ["invoice"], "emotion": "neutral", "slots": []})
    assert "soothes" not in ask(visitor, "发票怎么开").rendering
    *_, calm = [r["body"] for r in model.requests() if "response_format" not in r["body"]]
    assert APOLOGY not in calm["messages"][0]["content"]


def test_what_was_hidden_in_an_answer_is_counted(model: ProviderControl, visitor: Any) -> None:
    says(model, "请打13912345678或13912345679")

    assert ask(visitor, "申请退货").decision["hidden"] == {"PHONE": 2}


def test_sure_lines_cost_no_query_more(model: ProviderControl, visitor: Any, settings: Any) -> None:
    ask(visitor, "我要退货")  # what is read once a process is read
    IntentExample.objects.filter(source="candidate").delete()
    ModelCall.objects.all().delete()
    counts = []
    for margin in (0.0, 0.0001):  # never ask; ask where the lead is smaller than this
        settings.SECOND_OPINION_MARGIN = margin
        posted = actions.post_message(visitor, client_id=uuid4(), text="申请退货", address=HERE)
        assert posted.turn_id
        with CaptureQueriesContext(connection) as seen:
            turn.run(posted.turn_id, worker="w1")
        counts.append(len(seen))
        row = Turn.objects.get(pk=posted.turn_id)
        assert not row.decision["analysis"]["asked"]
        assert "opinion" not in row.timings
    assert counts[0] == counts[1]
    assert {call.purpose for call in ModelCall.objects.all()} == {"answer"}


def test_a_slow_model_holds_up_no_answer(
    model: ProviderControl, visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opinion, "SECONDS", 0.3)
    says(model, SAID, ttft_ms=2000)
    row = ask(visitor, "快递到哪了")
    told = row.decision["analysis"]
    assert (told["why"], told["model"]) == ("late", None)
    assert told["intents"][0][0] == "logistics"
    # 0.3 s, with room for a slow machine.
    assert row.timings["opinion"] < 1000
    assert Message.objects.filter(turn=row, role="bot").exists()


def test_a_line_that_could_not_be_masked_is_shown_to_nobody(
    model: ProviderControl, visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise RedactionFailed("too long")

    monkeypatch.setattr(engine, "find", failing)
    row = ask(visitor, "快递到哪了")
    assert not row.decision["analysis"]["asked"]
    assert model.requests() == []


def test_who_is_erased_leaves_no_candidate(model: ProviderControl, visitor: Any) -> None:
    ask(visitor, "快递的事")
    ask(visitor, "查一下发票的物流")
    kept, gone = IntentExample.objects.filter(source="candidate").order_by("pk")
    IntentExample.objects.filter(pk=kept.pk).update(source="staff")

    privacy.erase(visitor)

    assert IntentExample.objects.filter(pk=kept.pk).exists()
    assert not IntentExample.objects.filter(pk=gone.pk).exists()


def test_the_batch_command_asks_nobody() -> None:
    found = analysis.analyse(["好"], language="zh", dialogue=Dialogue(), today=date(2026, 1, 31))
    assert found.heard is None
