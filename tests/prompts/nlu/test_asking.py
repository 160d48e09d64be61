"""A number that is named: asked about, looked up beside other wishes, or only given."""

import pytest

from prompts.nlu import asking
from prompts.nlu.intents import Found


def found(*intents: str, p: float = 0.9, unknown: bool = False) -> Found:
    pairs = tuple((name, p) for name in intents)
    return Found(pairs, tuple(intents), 0.9 if unknown else 0.1, unknown, 0.5, {})


def heard(text: str, *intents: str, unknown: bool = False) -> tuple[str, ...]:
    return asking.of_order(text, text.index("2026"), found(*intents, unknown=unknown)).said


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("where is 20260131001", "logistics"),
        ("wheres my oder 20260131001", "logistics"),
        ("what's the status of 20260131001", "order_status"),
        ("帮我查下20260131001", "order_status"),
        ("20260131001到哪了", "logistics"),
        ("订单号20260131001 怎么还没发货", "urge"),
        ("20260131001改一下收货地址", "change_address"),
    ],
)
def test_a_number_that_is_asked_about_is_no_mere_data(text: str, asked: str) -> None:
    assert heard(text, "provide_info") == ("provide_info", asked)
    assert heard(text, "other", unknown=True) == (asked,)


@pytest.mark.parametrize(
    "text",
    ["订单号是20260131001", "my order number is 20260131001", "found it, 20260131001", "20260131001",
     "打错了 20260131001", "完整的是20260131001"],
)  # fmt: skip
def test_a_number_that_is_given_stays_data(text: str) -> None:
    assert heard(text, "provide_info") == ("provide_info",)


def test_an_order_looked_up_first_is_a_wish_of_its_own() -> None:
    said = ("change_address", "urge")
    assert heard("查下订单20260131001+改地址+催发货", *said) == ("order_status", *said)
    assert heard("查下20260131001退款到账没,再改地址", "refund", "change_address") == (
        "refund",
        "change_address",
    )


def test_an_order_named_beside_a_wish_is_no_question() -> None:
    said = ("damaged_or_wrong", "order_status", "provide_info")
    assert heard("my headphones are broken, order 20260131001", *said) == (said[0], said[2])
    assert heard("order 20260131001 needs a new phone number", "order_status") == (
        "change_address",
    )


def test_what_is_added_is_found_with_its_probability() -> None:
    again = asking.of_order("where is 20260131001", 9, found("provide_info"))
    assert again.intents == (("logistics", asking.SURE), ("provide_info", 0.9))
    unknown = asking.of_order("where is 20260131001", 9, found("other", unknown=True))
    assert (unknown.unknown, unknown.intents) == (False, (("logistics", asking.SURE),))
    assert unknown.unknown_p < 0.5


def test_half_a_wish_for_a_person_beside_a_number_is_none() -> None:
    half = Found(
        (("provide_info", 0.9), ("human", 0.5)), ("provide_info", "human"), 0.1, False, 0.5, {}
    )
    assert asking.of_order("20260131001", 0, half).said == ("provide_info",)
