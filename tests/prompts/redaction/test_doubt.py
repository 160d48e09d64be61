"""What may be the beginning of personal data, character by character."""

import pytest

from prompts.redaction.doubt import Doubt, plain_of


def read(text: str, *, language: str = "zh") -> Doubt:
    doubt = Doubt(language=language)
    for character in text:
        doubt.read(character)
    return doubt


@pytest.mark.parametrize("text", ["您好", "可以退的", "请看「我的订单」", "好，谢谢。"])
def test_harmless_words_are_free_at_once(text: str) -> None:
    assert read(text).free == len(text)
    assert not read(text).is_seen


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("编号12", 2),
        ("编号１２", 2),
        ("三", 0),
        ("看App", 1),
        ("李", 0),
        ("请到深", 2),
        ("新", 0),
        ("好<PHONE", 1),
    ],
)
def test_what_may_go_on_is_not_free(text: str, free: int) -> None:
    assert read(text).free == free


@pytest.mark.parametrize(
    "text",
    [
        "电话1381234",
        "一三八一二三四五",
        "a@",
        "沪A12345",
        "李建国",
        "上海",
        "凯旋路",
        "10.0.0.1",
        "fe80::1",
    ],
)
def test_what_has_the_shape_of_something_is_to_be_examined(text: str) -> None:
    assert read(text).is_seen


def test_a_finding_settles_with_its_clause_or_some_characters_later() -> None:
    assert not read("李建国").is_settled
    assert read("李建国，").is_settled
    assert read("李建国的订单是").is_settled


def test_an_english_name_settles_with_the_word_after_it() -> None:
    assert not read("Ask John Smith", language="en").is_settled
    doubt = read("Ask John Smith about ", language="en")
    assert doubt.is_seen
    assert doubt.is_settled
    assert doubt.going_on == len("Ask John Smith ")


def test_a_full_stop_after_a_title_ends_no_sentence() -> None:
    assert not read("Mr. ", language="en").is_ended
    assert read("It is done. ", language="en").is_ended


def test_characters_of_every_width_are_read_alike() -> None:
    assert plain_of("３") == plain_of("٣") == "3"
    assert plain_of("Ａ") == "A"
    assert plain_of("\u200b") == plain_of("①") == "\x1a"
    assert plain_of("好") == "好"
