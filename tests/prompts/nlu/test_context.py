"""prompts.nlu.context: what the agent's line lets one expect of a short answer, and what a short question is about."""

import pytest

from prompts.nlu.context import MORE, TOPIC, WHICH, YES, expected, follows, topic_of


@pytest.mark.parametrize(
    ("prev", "bonus"),
    [
        ("请问是这个订单吗?", {"confirm": YES}),
        ("麻烦提供一下您的订单号", {"provide_info": YES}),
        ("请问还有其他可以帮到您的吗", {"confirm": MORE}),
        ("请问您用的是储蓄卡还是信用卡呢?", {"provide_info": WHICH}),
        ("商品具体是什么问题呢", {"provide_info": WHICH}),
        ("Is that correct?", {"confirm": YES}),
        ("Please share your order number.", {"provide_info": YES}),
        ("Which colour was it?", {"provide_info": WHICH}),
    ],
)
def test_question_lets_expect_its_answer(prev: str, bonus: dict[str, float]) -> None:
    assert expected("小明的", prev=prev) == bonus


@pytest.mark.parametrize(
    ("text", "prev"),
    [
        ("小明的", ""),
        ("小明的", "好的,马上为您查询"),
        ("那什么时候能到?", "请问是这个订单吗?"),
        ("我想把昨天买的那个电饭锅退掉", "请问是这个订单吗?"),
        ("怎么查", "您用的是什么卡呢"),
        ("没有", "出了什么问题呢"),
    ],
)
def test_questions_and_long_answers_speak_for_themselves(text: str, prev: str) -> None:
    assert expected(text, prev=prev) == {}


@pytest.mark.parametrize(
    ("prev", "topic"),
    [
        ("您好,请问有什么可以帮您的吗?", ""),
        ("请稍等,正在为您查询", ""),
        ("很高兴为您服务,您的发票是电子的哦", "您的发票是电子的哦"),
        ("", ""),
    ],
)
def test_topic_is_what_is_left_of_the_usual_phrases(prev: str, topic: str) -> None:
    assert topic_of(prev) == topic


def test_the_shorter_a_text_the_more_it_takes_up() -> None:
    assert TOPIC > follows("在哪?") > follows("那在哪里可以下载呢") > 0
    assert follows("我想把昨天买的那个电饭锅退掉然后再买一个大一点的") == 0
