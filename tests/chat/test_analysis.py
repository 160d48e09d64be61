"""What is found in a message without a model."""

import pytest

from chat.analysis import Analysis, analyse, language_of, slots_of


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
        ("SF1234567890123", "SF1234567890123"),
        ("先是 20260131001,后来是 20260131002", "20260131002"),
        ("尾号1234", "1234"),
        ("订单号:12345", "12345"),
        ("my order ending in 9876", "9876"),
        ("20260131001,尾号1234", "20260131001"),
        ("我的手机号是13812345678", None),
        ("8613812345678", None),
        ("手机13812345678,订单20260131001", "20260131001"),
        ("1234567", None),
        ("1" * 24, "1" * 24),
        ("1" * 25, None),
        ("ABCDE12345678", None),
        ("在吗", None),
    ],
)
def test_slots_of_takes_order_numbers_and_no_phone(text: str, number: str | None) -> None:
    assert slots_of(text) == ({"order_number": number} if number else {})


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
    assert analyse(lines, language="zh").takes_up_earlier is taken_up


def test_analyse_reads_all_lines_together() -> None:
    assert analyse(["Where is it?", "订单 20260131001"], language="en") == Analysis(
        language="zh", slots={"order_number": "20260131001"}, takes_up_earlier=False
    )
