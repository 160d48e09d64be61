"""Which orders days and small words point at, where numbers say nothing and where nothing is pointed at."""

import pytest

from prompts.nlu.pointing import bought_in, day_in
from tests.prompts.nlu.test_references import FIRST, SECOND, order_in, read, talk

UNDATED, OTHER_UNDATED = "88881234567", "99991234567"


@pytest.mark.parametrize(
    "text", ["我昨天下的单什么时候发货", "昨天那单呢", "my order from yesterday"]
)
def test_a_day_leaves_the_order_alone_whose_day_nobody_knows(text: str) -> None:
    resolution = read(text, talk(("logistics", UNDATED)))
    assert resolution.doubtful == ()
    assert order_in(resolution) in (None, UNDATED)


def test_what_is_taken_back_by_a_day_may_be_the_only_other_order() -> None:
    two = talk(("return", UNDATED), ("logistics", OTHER_UNDATED))
    resolution = read("不是那个,是上周那单", two)
    assert (resolution.corrected, resolution.rejected) == (True, (UNDATED,))
    assert (order_in(resolution), resolution.doubtful) == (OTHER_UNDATED, ("order_number",))


def test_what_is_taken_back_by_a_day_is_asked_for_where_there_is_no_other() -> None:
    resolution = read("不是那个,是上周那单", talk(("return", UNDATED)))
    assert (resolution.corrected, resolution.rejected) == (True, (UNDATED,))
    assert (order_in(resolution), resolution.doubtful) == (None, ("order_number",))


@pytest.mark.parametrize(
    "text",
    [
        "我需要重新购买另一个型号",
        "填写第二个公司",
        "第二件半价",
        "最后一个问题",
        "the last time I called",
        "另外我还想问",
    ],
)
def test_other_things_are_no_orders(text: str) -> None:
    assert order_in(read(text, talk(("return", SECOND), ("logistics", FIRST)))) is None


@pytest.mark.parametrize(
    ("number", "day"),
    [("20260131001", "2026-01-31"), ("AB20260131001", "2026-01-31"), ("88881234567", "")],
)
def test_day_in(number: str, day: str) -> None:
    assert day_in(number) == day


def test_bought_in() -> None:
    orders = {FIRST: "", SECOND: "2026-01-21", UNDATED: ""}
    assert bought_in("2026-W04", orders, taken_back="") == [SECOND]
    assert bought_in("2025-12", orders, taken_back="") is None
    assert bought_in("2025-12", {SECOND: ""}, taken_back="") == []
    assert bought_in("2025-12", orders, taken_back=SECOND) == [UNDATED]
