"""prompts.nlu.context: what the agent's line lets one expect of a short answer."""

import pytest

from prompts.nlu.context import BONUS, expected

LABELS = ("confirm", "provide_info", "return")


@pytest.mark.parametrize(
    ("prev", "bonus"),
    [
        ("请问是这个订单吗?", [BONUS, 0.0, 0.0]),
        ("麻烦提供一下您的订单号", [0.0, BONUS, 0.0]),
        ("请问还有其他可以帮到您的吗", [BONUS, 0.0, 0.0]),
        ("Is that correct?", [BONUS, 0.0, 0.0]),
        ("Please share your order number.", [0.0, BONUS, 0.0]),
    ],
)
def test_question_lets_expect_its_answer(prev: str, bonus: list[float]) -> None:
    assert expected("小明的", prev=prev, labels=LABELS) == bonus


@pytest.mark.parametrize(
    ("text", "prev"),
    [
        ("小明的", ""),
        ("小明的", "好的,马上为您查询"),
        ("那什么时候能到?", "请问是这个订单吗?"),
        ("我想把昨天买的那个电饭锅退掉", "请问是这个订单吗?"),
    ],
)
def test_questions_and_long_answers_speak_for_themselves(text: str, prev: str) -> None:
    assert expected(text, prev=prev, labels=LABELS) is None
