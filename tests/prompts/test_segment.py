"""Customers' words become search terms that survive typing errors, width, case and punctuation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.nlu import segment


def test_words_of_chinese_are_those_of_the_dictionary() -> None:
    assert segment.words("我的订单怎么还没到?") == ["我", "的", "订单", "怎么", "还", "没", "到"]


def test_words_mix_chinese_and_latin() -> None:
    assert segment.words("iPhone15的订单, where's it?") == [
        "iphone15",
        "的",
        "订单",
        "wheres",
        "it",
    ]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ＯＲＤＥＲ　１２", "order 12"),
        ("訂單還沒到", "订单还没到"),
        ("I’m", "im"),
        ("⑫", "12"),
    ],
)
def test_normalise_folds_width_case_and_variant_characters(written: str, meant: str) -> None:
    assert segment.normalise(written) == meant


@pytest.mark.parametrize("text", ["", " ", "👍👍🏽", "?!…。", "\n\t", "\x00", "\ud83d"])
def test_text_without_words_has_no_terms(text: str) -> None:
    assert segment.terms(text) == ()


def test_long_numbers_are_no_words() -> None:
    assert segment.words("订单 113542617735902 第2单") == ["订单", "第", "2", "单"]


def test_grams_are_pairs_of_chinese_and_triples_of_letters() -> None:
    assert segment.grams("退货吗 hat") == ["退货", "货吗", "^ha", "hat", "at$"]


def test_terms_of_one_kind_never_look_like_those_of_another() -> None:
    assert segment.terms("退货") == ("w退货", "c退", "c货", "g退货")


def test_stop_words_are_marked_not_dropped() -> None:
    assert segment.terms("怎么")[0] == "s怎么"
    assert segment.terms("where") == ("swhere",)


@pytest.mark.parametrize(
    ("one", "other"),
    [("快递", "包裹"), ("如何", "怎么"), ("parcel", "packages"), ("refunded", "reimbursement")],
)
def test_synonyms_share_a_word(one: str, other: str) -> None:
    assert segment.terms(one)[0] == segment.terms(other)[0]


@pytest.mark.parametrize(
    ("words", "root"),
    [
        (("ship", "ships", "shipped", "shipping"), "ship"),
        (("return", "returns", "returned", "returning"), "return"),
        (("cancel", "cancels", "cancelled", "cancelling"), "cancel"),
        (("charge", "charges", "charged", "charging"), "charg"),
        (("policy", "policies"), "policy"),
        (("address", "addresses"), "address"),
        (("bring",), "bring"),
        (("status",), "status"),
        (("need",), "need"),
    ],
)
def test_stem_is_one_for_the_forms_of_a_word(words: tuple[str, ...], root: str) -> None:
    assert {segment.stem(word) for word in words} == {root}


def test_clauses_are_cut_at_punctuation_and_at_spaces_by_chinese() -> None:
    assert segment.clauses("你好呀,我买的鞋 小了想换!") == ["你好呀", "我买的鞋", "小了想换"]
    assert segment.clauses("where is my order") == ["where is my order"]


@pytest.mark.parametrize(("text", "language"), [("订单 late", "zh"), ("late", "en"), ("", "en")])
def test_language_is_chinese_when_there_is_a_chinese_character(text: str, language: str) -> None:
    assert segment.language_of(text) == language


@given(st.text())
def test_terms_hold_nothing_that_a_tsquery_or_a_line_would_read(text: str) -> None:
    for term in segment.terms(text):
        assert term[0] in "wsgc"
        assert not set(term) & set(" '\"\\:&|!()<*\x00\n")
        assert len(term) <= segment.LONGEST_WORD_CHARS + 1
