"""Every check can fail, and says what it wanted and what it found."""

from typing import Any

import pytest

from prompts.evaluation import checks
from prompts.evaluation.checks import Called, Outcome, failures
from prompts.evaluation.intervals import wilson
from prompts.models import EvalCase


def case(**wanted: Any) -> EvalCase:
    return EvalCase(**wanted)


@pytest.mark.parametrize(
    ("wanted", "good", "bad", "check"),
    [
        ({"intent": "urge"}, {"intent": "urge"}, {"intent": "refund"}, "intent"),
        ({"emotion": "negative"}, {"emotion": "negative"}, {"emotion": "neutral"}, "emotion"),
        (
            {"slots": {"order_number": "123"}},
            {"slots": {"order_number": "123", "color": "红"}},
            {"slots": {"order_number": "124"}},
            "slots",
        ),
        ({"slots": {"order_number": "123"}}, {"slots": {"order_number": "123"}}, {}, "slots"),
        ({"sop": "late"}, {"sops": ["a", "late"]}, {"sops": ["a"]}, "sop"),
        ({"must_contain": ["OK"]}, {"answer": "好的 ok"}, {"answer": "好的"}, "must_contain"),
        (
            {"must_not_contain": ["保证"]},
            {"answer": "我们会尽力"},
            {"answer": "我保证"},
            "must_not_contain",
        ),
        ({"max_chars": 3}, {"answer": "好的。"}, {"answer": "好的呢。"}, "max_chars"),
        (
            {"tool": "get_order", "tool_arguments": {"order_number": "1"}},
            {"calls": [Called("get_order", {"order_number": 1, "more": True})]},
            {"calls": [Called("get_order", {"order_number": "2"}), Called("other", {})]},
            "tool",
        ),
        ({"tool": "get_order"}, {"calls": [Called("get_order", {})]}, {}, "tool"),
        ({"valid_json": True}, {"answer": "{}"}, {"answer": "{"}, "valid_json"),
        (
            {"no_personal_data": True},
            {"personal": []},
            {"personal": ["PHONE"]},
            "no_personal_data",
        ),
        (
            {"apology_first": True, "emotion": "negative"},
            {"answer": "亲，非常抱歉，马上催。", "emotion": "negative"},
            {"answer": "亲，已催。抱歉让您久等。", "emotion": "negative"},
            "apology_first",
        ),
    ],
)
def test_a_check_passes_what_is_right_and_names_what_is_not(
    wanted: dict[str, Any], good: dict[str, Any], bad: dict[str, Any], check: str
) -> None:
    said = {"answer": "好"}

    assert failures(case(**wanted), Outcome(**{**said, **good})) == []
    found = failures(case(**wanted), Outcome(**{**said, **bad}))
    assert [failure.check for failure in found] == [check]


def test_an_apology_is_wanted_of_the_negative_only() -> None:
    wanted = case(apology_first=True)

    assert failures(wanted, Outcome("已催。", emotion="neutral")) == []
    assert failures(wanted, Outcome("已催。", emotion="negative")) != []


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        ("您好！非常抱歉，让您久等了。", True),
        ("亲爱的顾客，您好～😊！实在对不起。", True),
        ("亲，晚上好！嗨！抱歉给您添麻烦了。", True),
        ("Hello there! We are so sorry about the delay.", True),
        ("Dear valued customer,\nOur apologies.", True),
        ("您好，抱歉让您久等。", True),
        ("您好！已经帮您催了。非常抱歉。", False),
        ("Hi! Your parcel is on its way. Sorry.", False),
        ("您好！", False),
        ("", False),
        ("您好" + "～" * 20_000 + "！亲", False),
    ],
)
def test_a_greeting_before_the_apology_is_passed_over(answer: str, first: bool) -> None:
    assert checks.apologises_first(answer) is first


def test_nothing_wanted_is_nothing_checked_and_no_answer_fails() -> None:
    empty = case(no_personal_data=False)

    assert failures(empty, Outcome("anything", personal=["PHONE"])) == []
    assert failures(empty, Outcome("", error="model_failed"))[0].check == "answered"


def test_wilson_gives_the_published_interval() -> None:
    low, high = wilson(81, 263)  # Newcombe 1998, table I: 0.2553 to 0.3662

    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=0.0001)
