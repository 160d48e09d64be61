"""Colours, texts, forms and greetings: what is taken, what is refused, and what a reader of a language gets."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.inbox import colour, forms, wording
from chat.inbox.problem import Problem

FIELD = {"name": "phone", "kind": "phone", "required": True, "label": {"zh-CN": "电话"}}
SELECT = {"name": "topic", "kind": "select", "label": {"en": "Topic"}, "options": {"en": ["A"]}}
GREETING = {"page": "/cart*", "dwell_seconds": 20, "returning": None, "text": {"en": "Hi"}}


@pytest.mark.parametrize(
    ("one", "ratio"),
    [("#ffffff", 1.0), ("#000000", 21.0), ("#767676", 4.54), ("#14665a", 6.82)],
)
def test_contrast_is_that_of_wcag(one: str, ratio: float) -> None:
    assert colour.contrast(one, "#ffffff") == pytest.approx(ratio, abs=0.01)


@given(st.integers(0, 0xFFFFFF))
def test_text_on_any_colour_is_readable(number: int) -> None:
    shade = f"#{number:06x}"

    assert colour.contrast(shade, colour.on(shade)) >= 4.5


@pytest.mark.parametrize(
    "text", ["", "red", "#fff", "#12345", "#12345g", "#ffffff", "#000000", "#fffde7"]
)
def test_colours_nobody_can_see_are_refused(text: str) -> None:
    with pytest.raises(Problem):
        colour.check(text)


@pytest.mark.parametrize("text", ["#14665a", "#FFD700", "#e60012", "#1677ff"])
def test_colours_of_brands_are_taken(text: str) -> None:
    colour.check(text)


@pytest.mark.parametrize(
    ("locale", "found"), [("en", "Hi"), ("zh-CN", "你好"), ("zh-TW", "你好"), ("fr", "Hi")]
)
def test_a_reader_gets_the_own_language_else_the_inboxs(locale: str, found: str) -> None:
    said = {"zh-CN": "你好", "en": "Hi"}

    assert wording.find(said, locale=locale, fallback="en") == found


def test_what_nobody_wrote_is_the_default_and_consent_has_none() -> None:
    texts = wording.texts({"welcome": {"en": "Welcome!"}}, locale="en", fallback="en")

    assert texts["welcome"] == "Welcome!"
    assert texts["placeholder"] == "Write a message…"
    assert "consent" not in texts


@pytest.mark.parametrize("locale", wording.LOCALES)
def test_every_language_has_every_default(locale: str) -> None:
    assert set(wording.DEFAULTS[locale]) == set(wording.TEXT_CHARS) - {"consent"}


@pytest.mark.parametrize(
    "value",
    [[], {"hello": {}}, {"welcome": "x"}, {"welcome": {"de": "x"}}, {"welcome": {"en": ""}},
     {"welcome": {"en": "x" * 501}}, {"welcome": {"en": 3}}],
)  # fmt: skip
def test_texts_that_cannot_be_shown_are_refused(value: Any) -> None:
    with pytest.raises(Problem):
        wording.check_texts(value)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        [1],
        [{**FIELD, "name": "Phone"}],
        [{**FIELD, "kind": "password"}],
        [{**FIELD, "required": 1}],
        [{**FIELD, "label": {}}],
        [{**FIELD, "label": "电话"}],
        [{**FIELD, "options": {"en": ["A"]}}],
        [{**SELECT, "options": {}}],
        [{**FIELD, "extra": 1}],
        [FIELD, FIELD],
        [{**FIELD, "name": f"f{n}"} for n in range(9)],
    ],
)
def test_forms_that_cannot_be_filled_in_are_refused(fields: Any) -> None:
    with pytest.raises(Problem):
        forms.check_fields(fields)


def test_a_form_is_shown_in_plain_texts() -> None:
    forms.check_fields([FIELD, SELECT])

    shown = forms.fields_for([FIELD, SELECT], locale="zh-TW", fallback="en")

    assert shown == [
        {"name": "phone", "label": "电话", "kind": "phone", "required": True},
        {"name": "topic", "label": "Topic", "kind": "select", "required": False, "options": ["A"]},
    ]


@pytest.mark.parametrize(
    "change",
    [{"page": ""}, {"dwell_seconds": -1}, {"dwell_seconds": True}, {"dwell_seconds": 601},
     {"returning": 1}, {"returning": "yes"}, {"text": {}}, {"text": {"en": "x" * 201}}, {"x": 1}],
)  # fmt: skip
def test_greetings_that_cannot_be_said_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Problem):
        forms.check_greetings([{**GREETING, **change}])


def test_a_greeting_speaks_the_readers_language() -> None:
    forms.check_greetings([GREETING])

    assert forms.greetings_for([GREETING], locale="zh-CN", fallback="zh-CN") == [
        {"page": "/cart*", "dwell_seconds": 20, "returning": None, "text": "Hi"}
    ]
