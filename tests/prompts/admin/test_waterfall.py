"""A stored decision as a page shows it, whatever version of the platform stored it."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from prompts.admin import waterfall
from prompts.llm.router import Policy
from prompts.models import ModelCall
from tests.prompts.llm.routes import LIGHT, STANDARD, STRONG, decided

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ("features", "situation", "rule_hits", "candidates", "threshold", "cause", "plan", "chosen")
STRICT = Policy.from_json(
    {"version": "9", "rules": [{"name": "All", "when": {}, "effect": {"strength": "strong"}}]}
)


@pytest.fixture(autouse=True)
def _english() -> Any:
    with translation.override("en"):
        yield


def call(**changes: Any) -> ModelCall:
    return ModelCall(**{"trace_id": "t", "purpose": "answer", "endpoint": "m", **changes})


def test_a_decision_is_shown_from_features_to_plan() -> None:
    stored = decided(STRONG, STANDARD, LIGHT, policy=STRICT).as_json()

    shown = waterfall.explain({**stored, "answered_by": "standard"})

    assert (shown.policy, shown.cause, shown.chosen) == ("9", "pinned by a rule", "strong")
    assert shown.rules == ["All: pins a strong endpoint"]
    assert shown.features[0] == ("Intent", "return")
    assert shown.threshold == "85.0%"
    assert shown.plan[-1] == "sop"
    assert (shown.baseline, shown.answered_by, shown.load) == ("strong", "standard", "normal")
    assert [(c.name, c.feasible, c.chosen, c.reaches) for c in shown.candidates] == [
        ("strong", True, True, True),
        ("standard", True, False, True),
        ("light", True, False, True),
    ]


def test_a_rejected_candidate_says_why() -> None:
    stored = decided(STRONG, LIGHT, stopped_budgets=("day",)).as_json()

    shown = waterfall.explain(stored)

    assert {c.reason for c in shown.candidates} == {"budget used up"}
    assert shown.cause == "no model could be asked"


def test_the_shape_of_older_versions_is_shown() -> None:
    stored = {
        "chosen": "openai",
        "plan": ["openai", "sop"],
        "cause": "priority",
        "candidates": [
            {"endpoint": "openai", "feasible": True, "reject_reason": ""},
            {"endpoint": "qwen", "feasible": False, "reject_reason": "no_key"},
        ],
        "answered_by": "sop",
    }

    shown = waterfall.explain(stored)

    assert [(c.name, c.reason, c.cost) for c in shown.candidates] == [
        ("openai", "", "—"),
        ("qwen", "no key", "—"),
    ]
    assert (shown.cause, shown.threshold) == ("no prices: by priority", "—")


@pytest.mark.parametrize("stored", [{}, None, [], "x", 3])
def test_no_decision_is_known_to_be_none(stored: object) -> None:
    shown = waterfall.explain(stored)

    assert (shown.known, shown.candidates, shown.bars) == (False, [], [])


@given(st.dictionaries(st.sampled_from(KEYS), JSON))
def test_nothing_that_was_stored_breaks_the_page(stored: dict[str, Any]) -> None:
    shown = waterfall.explain(stored)

    assert waterfall.compare(shown, shown) == [
        difference for difference in waterfall.compare(shown, shown) if not difference.changed
    ]


def test_only_what_differs_is_marked() -> None:
    usual = waterfall.explain(decided().as_json())
    strict = waterfall.explain(decided(policy=STRICT).as_json())

    changed = {line.label for line in waterfall.compare(usual, strict) if line.changed}

    assert changed == {"Chosen", "Cause", "Rules hit", "Plan", "Estimated saving"}


# --- bars ----------------------------------------------------------------------------------------------


def test_calls_follow_each_other_on_one_axis() -> None:
    calls = [
        call(total_ms=300, error_class="timeout"),
        call(wait_ms=200, first_token_ms=100, total_ms=500, cost=Decimal("0.5"), currency="CNY"),
    ]

    shown = waterfall.explain({}, calls)

    first, second = shown.bars
    assert (first.x, first.slept, first.waited, first.wrote) == (0, 0, 300, 0)
    assert (second.x, second.slept, second.waited, second.wrote) == (300, 200, 100, 400)
    assert (shown.span, second.cost) == ("1.00\u00a0s", "CNY\u00a00.50")


def test_calls_that_took_no_time_have_no_width() -> None:
    shown = waterfall.explain({}, [call(), call()])

    assert [(bar.x, bar.wrote) for bar in shown.bars] == [(0, 0), (0, 0)]


@given(
    st.lists(
        st.builds(
            call,
            wait_ms=st.floats(0, 5000),
            total_ms=st.floats(0, 30_000),
            first_token_ms=st.none() | st.floats(0, 40_000),
        ),
        max_size=6,
    )
)
def test_bars_stay_on_the_axis_and_do_not_overlap(calls: list[ModelCall]) -> None:
    bars = waterfall.explain({}, calls).bars

    rounding = 0.5
    assert all(min(bar.x, bar.slept, bar.waited, bar.wrote) >= 0 for bar in bars)
    ends = [bar.wrote_x + bar.wrote for bar in bars]
    assert all(end <= waterfall.AXIS + rounding for end in ends)
    assert all(b.x >= end - rounding for b, end in zip(bars[1:], ends, strict=False))
