"""prompts.nlu.intents: which intents a message has, in which order, and when it is honest not to know."""

import pytest

from prompts.nlu import intents
from prompts.nlu.features import Features, features
from prompts.nlu.intents import Classifier
from prompts.nlu.train import Example, train
from tests.prompts.nlu.examples import classifier


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("我的快递到哪里了", "logistics"),
        ("快低到哪了", "logistics"),
        ("快遞到哪了", "logistics"),
        ("这件衣服我要退货", "return"),
        ("发票怎么开呀?", "invoice"),
        ("帮我取消订单吧", "cancel_order"),
        ("转人工", "human"),
        ("你好", "greeting"),
        ("谢谢啦", "thanks_bye"),
        ("讲个笑话听听", "other"),
    ],
)
def test_plain_message_has_its_intent(text: str, intent: str) -> None:
    found = classifier().intents(text)

    assert found.intents[0][0] == intent
    assert found.said == (intent,)
    assert 0 <= found.margin <= found.intents[0][1] <= 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("我要退货,顺便开个发票", ("return", "invoice")),
        ("发票怎么开 然后我要退货", ("invoice", "return")),
        ("快递到哪了+发票怎么开+取消订单", ("logistics", "invoice", "cancel_order")),
        ("你好,我要退货", ("greeting", "return")),
        ("你好我要退货", ("greeting", "return")),
    ],
)
def test_several_intents_keep_the_order_said(text: str, said: tuple[str, ...]) -> None:
    found = classifier().intents(text)

    assert found.said == said
    assert sorted(name for name, _ in found.intents) == sorted(said)


def test_what_is_asked_comes_before_politeness() -> None:
    found = classifier().intents("你好,我要退货,谢谢")

    assert found.said == ("greeting", "return", "thanks_bye")
    assert found.intents[0][0] == "return"


def test_order_card_beside_a_question_does_not_count() -> None:
    with_card = classifier().intents("订单编号:123456789012 快递到哪了")

    assert with_card == classifier().intents("快递到哪了")


@pytest.mark.parametrize(
    ("prev", "intent"), [("发票是电子的哦", "invoice"), ("快递今天派送的", "logistics")]
)
def test_short_question_is_about_what_was_spoken_of(prev: str, intent: str) -> None:
    assert classifier().intents("在哪看呢", prev=prev).intents[0][0] == intent


def test_message_of_nothing_known_is_unknown() -> None:
    known, strange = (classifier().intents(text) for text in ("快递到哪了", "薛定谔方程怎样推导"))

    assert not known.unknown
    assert strange.unknown
    assert known.unknown_p < strange.unknown_p <= 1


@pytest.mark.parametrize(
    "text", ["", " ", "。", "?", "👍", "\x00", "a" * 5000, "退" * 3000, "," * 2000]
)
def test_any_text_gets_an_answer(text: str) -> None:
    found = classifier().intents(text)

    assert len(found.intents) >= 1
    assert 0 <= found.unknown_p <= 1


def test_labels_that_hold_together_are_all_found() -> None:
    rows = [
        Example(f"close my {n} account", "close", also=("account",))
        for n in ("old", "new", "joint")
    ]
    rows += [
        Example(f"open a {n} card", "open", also=("card",)) for n in ("debit", "gold", "second")
    ]
    several = Classifier(train([*rows, *rows, *rows])[0])

    found = several.intents("please close my savings account")

    assert {name for name, _ in found.intents} == {"close", "account"}


def test_a_message_is_read_once_for_intents_and_moods(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def counted(text: str) -> Features:
        read.append(text)
        return features(text)

    monkeypatch.setattr(intents, "features", counted)

    found = classifier().intents("我的快递到哪里了")

    assert read == ["我的快递到哪里了"]
    assert sum(found.moods.values()) == pytest.approx(1)
    assert set(found.moods) == {"negative", "neutral", "positive"}


@pytest.mark.parametrize(
    ("text", "known"),
    [("i was there. it was shut. why", {"a", "b", "c"}), ("我去了。关门了。为什么", {"a", "b"})],
)
def test_what_english_sentences_say_together_is_not_lost_to_one_of_them(
    text: str, known: set[str]
) -> None:
    three = Classifier(
        train([Example(f"{word} {n}", word) for word in "abc" for n in ("one", "two")])[0]
    )

    found = three.named([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05]], text, [0.3, 0.3, 0.4])

    assert set(found) == known
