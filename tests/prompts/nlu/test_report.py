"""prompts.nlu.report and prompts.nlu.measure: the arithmetic of figures."""

from collections import Counter

import pytest

from prompts.nlu.measure import Row, f1, figure, measure, percentile, share_right
from prompts.nlu.report import Answers, ClassScore, Confusion, Doubtful, mean_f1
from tests.prompts.nlu.examples import classifier

ANSWERS = Answers(
    truth=[("a",), ("a",), ("b",), ("b", "c")],
    said=["a", "b", "b", "c"],
    sure=[0.9, 0.8, 0.7, 0.95],
)


def test_any_label_that_holds_is_right() -> None:
    assert ANSWERS.accuracy() == 0.75


def test_classes_have_precision_recall_and_f1() -> None:
    assert ANSWERS.classes() == (
        ClassScore("a", 2, 1.0, 0.5, 0.6667),
        ClassScore("b", 1, 0.5, 1.0, 0.6667),
        ClassScore("c", 1, 1.0, 1.0, 1.0),
    )
    assert mean_f1(ANSWERS.classes()) == pytest.approx((0.6667 * 2 + 1) / 3)


def test_confusions_and_doubtful_rows_are_listed() -> None:
    assert ANSWERS.confusions() == (Confusion("a", "b", 1),)
    assert ANSWERS.doubtful() == (Doubtful(1, "a", "b", 0.8),)


def test_calibration_error_is_the_gap_between_sure_and_right() -> None:
    sure = Answers(truth=[("a",)] * 4, said=["a", "a", "a", "b"], sure=[0.75] * 4)
    boastful = Answers(truth=[("a",)] * 4, said=["b"] * 4, sure=[0.95] * 4)

    assert sure.calibration_error() == 0
    assert boastful.calibration_error() == pytest.approx(0.95)


def test_interval_holds_the_figure_and_narrows_with_rows() -> None:
    few, many = (
        figure(Counter({(False, True): 8 * n, (False, False): 2 * n}), share_right)
        for n in (1, 100)
    )

    assert few.low < few.value == many.value == 0.8 < few.high
    assert many.high - many.low < few.high - few.low


def test_f1_counts_what_is_meant_and_said() -> None:
    assert f1(
        Counter({(True, True): 2, (True, False): 1, (False, True): 1, (False, False): 9})
    ) == pytest.approx(2 / 3)
    assert f1(Counter()) == 0


def test_percentiles() -> None:
    numbers = [float(n) for n in range(100)]

    assert (percentile(numbers, 0.5), percentile(numbers, 0.99)) == (49.5, 99.0)


def test_rows_outside_are_right_when_called_unknown() -> None:
    rows = [
        Row("快递到哪了", ("logistics",)),
        Row("我要退货", ("invoice",)),
        Row("讲个笑话", ("other",)),
    ]

    measured = measure(classifier(), rows, outside="other")

    assert measured.accuracy.value == pytest.approx(2 / 3, abs=1e-4)
    assert measured.in_scope_accuracy.value == 0.5
    assert measured.oos_recall is not None
    assert measured.oos_recall.value == 1.0
