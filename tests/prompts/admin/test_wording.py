"""Figures and sentences as staff read them."""

from decimal import Decimal

import pytest
from django.utils import translation

from prompts.admin.wording import as_money, as_ms, as_percent, both


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, "—"),
        (0, "0\u00a0ms"),
        (999.4, "999\u00a0ms"),
        (1000, "1.00\u00a0s"),
        (2412, "2.41\u00a0s"),
    ],
)
def test_a_duration_has_its_unit(milliseconds: float | None, text: str) -> None:
    assert as_ms(milliseconds) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal("0.00034000"), "CNY\u00a00.00034"),
        (Decimal(3), "CNY\u00a03.00"),
        (Decimal("12.5"), "CNY\u00a012.50"),
        (0.1, "CNY\u00a00.10"),
        (Decimal(0), "CNY\u00a00.00"),
    ],
)
def test_money_has_its_currency_and_the_digits_that_say_something(
    amount: Decimal | float, text: str
) -> None:
    assert as_money(amount, "CNY") == text


def test_a_share_in_percent() -> None:
    assert (as_percent(0.851), as_percent(1.2, digits=0), as_percent(None)) == (
        "85.1%",
        "120%",
        "—",
    )


def test_a_label_follows_the_language_it_is_shown_in() -> None:
    label = both("费用", "Cost")

    with translation.override("en"):
        assert str(label) == "Cost"
    with translation.override("zh-hans"):
        assert str(label) == "费用"
