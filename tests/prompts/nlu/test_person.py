"""prompts.nlu.person: who asks for a person, and who only mentions one."""

import pytest

from prompts.nlu.person import wants_human
from tests.prompts.nlu.examples import classifier


@pytest.mark.parametrize(
    "text",
    [
        "转人工",
        "人工",
        "人工客服",
        "轉人工",
        "帮我找个真人",
        "叫你们经理来",
        "给我打电话",
        "回个电话给我",
        "I want to speak to a human",
        "transfer me to an agent",
        "call me please",
        "let me talk to your supervisor",
    ],
)
def test_asking_for_a_person_is_heard(text: str) -> None:
    assert wants_human(text)


@pytest.mark.parametrize(
    "text",
    [
        "快递到哪了",
        "不用转人工",
        "别给我打电话",
        "人工费多少钱",
        "快递员没给我打电话",
        "dont call me",
        "do you have human hair wigs",
        "你好",
        "",
    ],
)
def test_mentioning_a_person_is_not_asking(text: str) -> None:
    assert not wants_human(text)


def test_classifier_hears_what_no_word_says() -> None:
    found = classifier().intents("找真人呀")

    assert wants_human("真的能帮忙的那种", found=found)
