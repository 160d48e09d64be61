"""Texts of staff filled with values: names only, no logic, and values are never templates."""

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


def test_undeclared_variable_is_refused_before_it_is_saved() -> None:
    rendering.check_declared("{{a}} {{b}}", ["a", "b", "c"])

    with pytest.raises(rendering.UnknownVariable, match=r"^c, d$"):
        rendering.check_declared("{{a}} {{d}} {{c}}", ["a"])


def test_slots_are_listed_in_the_visitors_language() -> None:
    slots = {"order_number": "20260131001", "phone": "1"}

    assert rendering.slots_text(slots, language="zh") == "订单号 20260131001; 手机号 1"
    assert rendering.slots_text(slots, language="en") == "order number 20260131001; phone number 1"
    assert rendering.slots_text({"colour": "red"}, language="en") == "colour red"
