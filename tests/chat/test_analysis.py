"""What is found in a message without a model."""

from datetime import date
from typing import Any

import pytest

from chat.analysis import Analysis, analyse, language_of
from chat.dialogue import Dialogue
from prompts.nlu import slots

TODAY = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("text", "otherwise", "language"),
    [
        ("我的订单", "en", "zh"),
        ("order 什么时候到", "en", "zh"),
        ("Where is my order?", "zh", "en"),
        ("1", "zh", "zh"),
        ("1", "en", "en"),
        ("?!", "zh", "zh"),
        ("A", "zh", "zh"),
        ("OK", "zh", "en"),
    ],
)
def test_language_of(text: str, otherwise: str, language: str) -> None:
    assert language_of(text, otherwise=otherwise) == language


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("订单 20260131001 到哪了", "20260131001"),
        ("订单号: 2026 0131 001", "20260131001"),
        ("先是 20260131001,后来是 20260131002", "20260131002"),
        ("手机<PHONE_1>,订单20260131001", "20260131001"),
        ("在吗", None),
    ],
)
def test_analyse_takes_order_numbers(text: str, number: str | None) -> None:
    assert given(text).get("order_number") == number


def test_analyse_takes_personal_data_as_placeholders_only() -> None:
    assert given("打<PHONE_1>,寄到<ADDRESS_2>") == {"phone": "<PHONE_1>", "address": "<ADDRESS_2>"}
    assert "phone" not in given("我的手机号是13812345678")


def test_analyse_takes_a_shops_own_order_numbers() -> None:
    own = slots.patterns_of((r"YD-[0-9a-f]{4}",))
    assert given("YD-12ab 到哪了", patterns=own)["order_number"] == "YD-12ab"


@pytest.mark.parametrize(
    ("lines", "taken_up"),
    [
        (["1"], True),
        ([" 1 "], True),
        (["\uff11"], True),
        (["\u2460"], True),
        (["一"], True),
        (["2"], False),
        (["1", "1"], False),
        (["11"], False),
        (["1."], False),
    ],
)
def test_only_a_lone_one_takes_up_the_earlier_topic(lines: list[str], taken_up: bool) -> None:
    assert analysed(*lines).takes_up_earlier is taken_up


def test_analyse_reads_all_lines_together() -> None:
    found = analysed("Where is it?", "订单 20260131001", language="en")
    assert (found.language, found.takes_up_earlier) == ("zh", False)
    assert [(slot.name, slot.value) for slot in found.understood.said.slots] == [
        ("order_number", "20260131001")
    ]


def test_analyse_without_a_classifier_is_honest_and_still_hears_anger() -> None:
    calm, angry = analysed("订单到哪了"), analysed("你们这群骗子,垃圾服务,我要投诉!!!")
    assert (calm.intent, calm.sureness, calm.margin) == ("unknown", 0.0, 0.0)
    assert (calm.understood.intents, calm.understood.unknown_p) == ((), 0.0)
    assert (calm.emotion, calm.anger) == ("neutral", 0.0)
    assert angry.emotion == "negative"
    assert 0 < angry.anger <= 1


def analysed(*lines: str, language: str = "zh", **known: Any) -> Analysis:
    return analyse(lines, language=language, dialogue=Dialogue(), today=TODAY, **known)


def given(text: str, **known: Any) -> dict[str, str]:
    """The slots that are said; of two with one name the last."""
    return {slot.name: slot.value for slot in analysed(text, **known).understood.said.slots}
