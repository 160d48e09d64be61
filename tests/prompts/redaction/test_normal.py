"""Text is brought into one form, and every position leads back to what was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.redaction.normal import normal


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("１３８００", "13800"),
        ("电话：138", "电话:138"),
        ("zhang＠qq．com", "zhang@qq.com"),
        ("①③⑧", "138"),
        ("١٣٨", "138"),
        ("𝟏𝟑𝟖", "138"),
        ("1\u200b3\u20608", "138"),
        ("138—0013–8000", "138-0013-8000"),
        ("㎏", "kg"),
        ("Zoe\u0308", "Zoë"),
        ("a\ud800b", "a\ufffdb"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_normal_reads_every_way_of_writing(written: str, read: str) -> None:
    assert normal(written).text == read


def test_back_gives_the_place_in_the_text_as_written() -> None:
    form = normal("㎏①\u200b２3x")
    start = form.text.index("123")
    assert form.text == "kg123x"
    assert form.back(start, start + 3) == (1, 5)


def test_back_takes_a_character_that_became_several_whole() -> None:
    form = normal("x㎏y")
    assert form.back(1, 2) == form.back(2, 3) == form.back(1, 3) == (1, 2)


def test_back_of_text_without_change_is_itself() -> None:
    assert normal("你好abc").back(1, 4) == (1, 4)


@given(st.text())
def test_every_place_leads_back_into_the_text(text: str) -> None:
    form = normal(text)
    for at in range(len(form.text)):
        start, end = form.back(at, at + 1)
        assert 0 <= start < end <= len(text)
