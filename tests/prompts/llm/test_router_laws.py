"""What holds for every decision, whatever the turn, the policy and the situation."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.llm.features import Features, Situation
from prompts.llm.router import Policy, decide, replay
from tests.prompts.llm.routes import EASY, POLICIES, SITUATIONS, TURNS


@EASY
@given(TURNS, POLICIES, SITUATIONS)
def test_the_plan_is_never_empty_and_holds_only_who_can_answer(
    turn: Features, policy: Policy, situation: Situation
) -> None:
    decision = decide(turn, policy, situation)

    *models, last = decision.plan
    feasible = {c.name for c in decision.candidates if c.feasible}
    assert last == "sop"
    assert set(models) <= feasible
    assert len(models) == len(set(models)) == min(3, len(feasible))
    assert decision.plan[0] == decision.chosen
    assert [c.name for c in decision.candidates] == [o.name for o in situation.options]
    assert all(c.feasible is (c.reject_reason == "") for c in decision.candidates)


@EASY
@given(TURNS, POLICIES, SITUATIONS)
def test_a_decision_can_be_stored_and_made_again(
    turn: Features, policy: Policy, situation: Situation
) -> None:
    decision = decide(turn, policy, situation)

    stored = json.loads(json.dumps(decision.as_json()))

    assert decide(turn, policy, situation) == decision
    assert replay(stored, policy) == decision
    assert replay(stored, Policy.from_json(json.loads(json.dumps(policy.as_json())))) == decision


@EASY
@given(TURNS, POLICIES, SITUATIONS)
def test_the_order_of_the_endpoints_says_nothing(
    turn: Features, policy: Policy, situation: Situation
) -> None:
    reversed_ = replace(situation, options=situation.options[::-1])
    assert decide(turn, policy, situation).plan == decide(turn, policy, reversed_).plan


@EASY
@given(TURNS, POLICIES, SITUATIONS)
def test_a_vip_is_served_as_ever_until_everybody_queues(
    turn: Features, policy: Policy, situation: Situation
) -> None:
    vip = replace(turn, tier="vip")
    usual = decide(vip, policy, replace(situation, load_level=0))

    for level in (1, 2):
        loaded = decide(vip, policy, replace(situation, load_level=level))
        assert (loaded.plan, loaded.cause) == (usual.plan, usual.cause)
    queued = decide(vip, policy, replace(situation, load_level=3))
    assert not queued.wait
    assert (queued.chosen == "sop") is (usual.chosen == "sop")


@EASY
@given(TURNS, POLICIES, SITUATIONS)
def test_more_load_never_gives_a_stronger_model(
    turn: Features, policy: Policy, situation: Situation
) -> None:
    strengths = {option.name: option.strength for option in situation.options} | {"sop": 0}
    most = [
        max(strengths[name] for name in decide(turn, policy, at).plan)
        for at in (replace(situation, load_level=level) for level in range(4))
    ]
    assert most == sorted(most, reverse=True)


@EASY
@given(
    TURNS,
    POLICIES,
    SITUATIONS,
    st.sampled_from("abcdef"),
    st.floats(1.01, 100),
    st.floats(0, 0.05),
)
def test_a_dearer_price_never_wins_an_endpoint_a_turn(
    turn: Features,
    policy: Policy,
    situation: Situation,
    name: str,
    factor: float,
    added: float,
) -> None:
    if turn.dispatched == "failed":
        # That sends a turn one step up from the cheapest, whoever that is.
        turn = replace(turn, dispatched="")
    before = decide(turn, policy, situation)
    dearer = tuple(
        replace(o, price_in=o.price_in * factor + added) if o.name == name else o
        for o in situation.options
    )

    after = decide(turn, policy, replace(situation, options=dearer))

    if after.chosen == name:
        assert before.chosen == name


@EASY
@given(TURNS, POLICIES, SITUATIONS)
def test_a_stopped_budget_leaves_nothing_that_costs(
    turn: Features, policy: Policy, situation: Situation
) -> None:
    decision = decide(turn, policy, replace(situation, stopped_budgets=("inbox",)))
    free = {o.name for o in situation.options if o.price_in == o.price_out == 0}
    assert set(decision.plan) <= free | {"sop"}


@EASY
@given(TURNS, POLICIES, SITUATIONS)
def test_propensities_of_a_turn_add_up_to_one(
    turn: Features, policy: Policy, situation: Situation
) -> None:
    policy = replace(policy, explore=policy.explore or 0.3)
    # Sixty parts of the explored ones hit each of up to six endpoints; 1 is not explored.
    draws = [policy.explore * (at + 0.5) / 60 for at in range(60)] + [1.0]
    decisions = [decide(replace(turn, draw=draw), policy, situation) for draw in draws]

    propensities = {(decision.chosen, decision.propensity) for decision in decisions}

    assert len(propensities) == len({name for name, _ in propensities})
    assert sum(propensity for _, propensity in propensities) == pytest.approx(1)


@EASY
@given(TURNS, POLICIES, SITUATIONS)
def test_only_a_dispatcher_is_asked_and_only_once(
    turn: Features, policy: Policy, situation: Situation
) -> None:
    decision = decide(turn, policy, situation)
    dispatchers = {o.name for o in situation.options if o.dispatcher and o.has_key}

    assert decision.ask_dispatcher in dispatchers | {""}
    if decision.ask_dispatcher:
        again = decide(replace(turn, dispatched="strong"), policy, situation)
        assert again.cause == "dispatcher"
        assert again.ask_dispatcher == ""
