"""Lists and dialogues in forms: what people write is what is kept, and comes back as it was."""

from typing import Any

import pytest
from django import forms
from django.utils import translation

from prompts.admin.lines import DialogueField, IndentedJson, LineList

PAIRS = [("visitor", "在吗"), ("bot", "在的\n顾客：是您吗"), ("visitor", "a: b：c")]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_dialogue_comes_back_as_it_was(language: str) -> None:
    field = DialogueField()
    stored = [{"role": role, "text": text} for role, text in PAIRS]

    with translation.override(language):
        shown = field.prepare_value(stored)

    assert field.clean(shown) == PAIRS
    assert field.prepare_value([list(pair) for pair in PAIRS]) == field.prepare_value(stored)
    assert not field.has_changed(stored, shown.replace("\n", "\r\n"))
    assert field.has_changed(stored, f"{shown}!")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("客户: 太慢了\n客服：抱歉", [("visitor", "太慢了"), ("bot", "抱歉")]),
        ("Customer: late\nstill\nBOT: sorry", [("visitor", "late\nstill"), ("bot", "sorry")]),
        ("顾客：价格：9元", [("visitor", "价格：9元")]),
        ('[{"role": "visitor", "text": "x"}, ["bot", "y"]]', [("visitor", "x"), ("bot", "y")]),
        ("", []),
        ("[]", []),
    ],
)
def test_how_a_dialogue_may_be_written(written: str, read: Any) -> None:
    assert DialogueField().clean(written) == read


@pytest.mark.parametrize(
    "written",
    ["在吗", "店长：在吗", "顾客：\n客服：在", '[["boss", "x"]]', '[{"role": "bot"}]', '["x"]'],
)
def test_what_is_no_dialogue_is_refused(written: str) -> None:
    with pytest.raises(forms.ValidationError):
        DialogueField().clean(written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (" a \n\nb c\r\n", ["a", "b c"]),
        ('["a", "b c"]', ["a", "b c"]),
        ("100234", ["100234"]),
        ("[100234]", ["100234"]),
        ("[a", ["[a"]),
        ("", []),
    ],
)
def test_a_list_is_texts_whatever_was_written(written: str, read: list[str]) -> None:
    field = LineList()

    assert field.clean(written) == read
    assert not field.has_changed(read, written)


def test_a_list_has_bounds() -> None:
    with pytest.raises(forms.ValidationError):
        LineList(most=1).clean("a\nb")
    with pytest.raises(forms.ValidationError):
        LineList(longest=1).clean("ab")


def test_an_object_is_shown_in_lines_and_what_was_sent_wrong_as_it_was_sent() -> None:
    field = IndentedJson()

    assert field.prepare_value({"a": "中"}) == '{\n  "a": "中"\n}'
    assert field.prepare_value("{") == "{"
