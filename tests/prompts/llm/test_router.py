"""Who answers and why: a pure function, so tested as one."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.llm import router
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.types import Line
from tests.prompts.llm.asking import KEY, request

READY = Endpoint(name="a", provider="openai", model="m", api_key=KEY)
ENDPOINTS = st.lists(
    st.builds(
        Endpoint,
        name=st.sampled_from("abcdef"),
        provider=st.just("openai"),
        api_key=st.sampled_from(["", KEY]),
        priority=st.integers(0, 3),
        context_tokens=st.sampled_from([0, 10, 600, 100_000]),
    ),
    unique_by=lambda endpoint: endpoint.name,
)


def test_lowest_priority_is_asked_first_and_sop_stands_behind() -> None:
    second, third = replace(READY, name="b", priority=200), replace(READY, name="c", priority=200)

    decision = router.decide((third, second, READY), request())

    assert [endpoint.name for endpoint in decision.plan] == ["a", "b", "c", "sop"]
    assert decision.cause == "priority"


def test_without_a_model_the_sops_answer() -> None:
    decision = router.decide((replace(READY, api_key=""),), request())

    assert decision.plan == (SOP,)
    assert decision.cause == "no_model"
    assert decision.candidates == (router.Candidate("a", False, "no_key"),)


@pytest.mark.parametrize(("spare", "reason"), [(0, ""), (-1, "context")])
def test_window_must_hold_question_and_answer(spare: int, reason: str) -> None:
    asked = request()
    window = router.estimate_tokens(asked) + READY.max_output_tokens + spare

    decision = router.decide((replace(READY, context_tokens=window),), asked)

    assert decision.candidates[0].reject_reason == reason


def test_tokens_are_counted_by_script() -> None:
    def tokens(text: str) -> int:
        return router.estimate_tokens(request(lines=(Line("user", text),)))

    assert tokens("") == 1
    assert tokens("字" * 100) == 76
    assert tokens("a" * 100) == 31
    assert tokens("字" * 100 + "a" * 100) == 106


def test_decision_explains_itself_and_holds_no_key() -> None:
    stored = router.decide((READY, replace(READY, name="b", api_key="")), request()).as_json()

    assert json.loads(json.dumps(stored)) == {
        "chosen": "a",
        "plan": ["a", "sop"],
        "cause": "priority",
        "candidates": [
            {"endpoint": "a", "feasible": True, "reject_reason": ""},
            {"endpoint": "b", "feasible": False, "reject_reason": "no_key"},
        ],
    }
    assert KEY not in repr(router.decide((READY,), request()))


@given(ENDPOINTS)
def test_plan_holds_the_feasible_in_order_and_someone_always(endpoints: list[Endpoint]) -> None:
    decision = router.decide(tuple(endpoints), request())

    *models, last = decision.plan
    feasible = {candidate.endpoint for candidate in decision.candidates if candidate.feasible}
    assert last == SOP
    assert {endpoint.name for endpoint in models} == feasible
    assert [e.priority for e in models] == sorted(e.priority for e in models)
    assert len(decision.candidates) == len(endpoints)
    assert KEY not in json.dumps(decision.as_json())
    assert decision == router.decide(tuple(endpoints), request())
