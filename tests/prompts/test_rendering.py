"""Texts of staff filled with values: names only, no logic, and values are never templates."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts import rendering


def test_every_name_is_filled() -> None:
    assert rendering.render("{{shop}}的{{ name }},{{shop}}", {"shop": "小店", "name": "阿青"}) == (
        "小店的阿青,小店"
    )


def test_name_without_a_value_is_left_out_and_logged(caplog: Any) -> None:
    assert rendering.render("您好{{nobody}}!", {}) == "您好!"
    assert "nobody" in caplog.text


@pytest.mark.parametrize(
    "text", ["{{7*7}}", "{% load x %}", "{0.__class__}", "{{ a.b }}", "{{A}}", "{a}", "{{", "%(a)s"]
)
def test_nothing_but_names_is_a_variable(text: str) -> None:
    assert rendering.render(text, {"a": "x"}) == text
    assert rendering.variables(text) == set()


@given(st.text())
def test_value_is_never_a_template(value: str) -> None:
    assert rendering.render("<{{a}}>", {"a": value, "b": "secret"}) == f"<{value}>"


def test_value_that_looks_like_a_variable_stays_words() -> None:
    assert rendering.render("{{a}}", {"a": "{{b}}\\1\\g<0>", "b": "secret"}) == "{{b}}\\1\\g<0>"


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("{{a}} {b} %(c)s", []),
        ("{% load x %}", ["%}", "{%"]),
        ("{{ settings.SECRET_KEY }}", ["{{", "}}"]),
        ("{{7*7}}", ["{{", "}}"]),
        ("${a} <%= b %>", ["${", "%>", "<%"]),
        ("{# a #}", ["#}", "{#"]),
    ],
)
def test_signs_of_other_template_languages_are_found(text: str, signs: list[str]) -> None:
    assert rendering.foreign(text) == signs


class Parts(SimpleNamespace):
    """A wording of nothing but parts."""

    text = persona = rules = slots_block = emotion_addendum = privacy_line = ""


def test_frame_is_filled_with_its_parts_once() -> None:
    wording = Parts(text="{{persona}}|{{a}}", persona="I am {{a}}", rules="unused")

    assert rendering.render_wording(wording, {"a": "{{rules}}"}, upset=False) == (
        "I am {{rules}}|{{rules}}"
    )


def test_emotion_addendum_is_said_to_the_upset_only() -> None:
    wording = Parts(text="x\n\n{{emotion_addendum}}\n\ny", emotion_addendum="sorry")

    assert rendering.render_wording(wording, {}, upset=True) == "x\n\nsorry\n\ny"
    assert rendering.render_wording(wording, {}, upset=False) == "x\n\ny"


def test_slots_are_listed_in_the_visitors_language() -> None:
    slots = {"order_number": "20260131001", "phone": "1"}

    assert rendering.slots_text(slots, language="zh") == "订单号 20260131001; 手机号 1"
    assert rendering.slots_text(slots, language="en") == "order number 20260131001; phone number 1"
    assert rendering.slots_text({"colour": "red"}, language="en") == "colour red"
