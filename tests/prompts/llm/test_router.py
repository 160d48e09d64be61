"""Who answers and why: a pure function, so tested as one. Its laws are in test_router_laws."""

import json
from dataclasses import replace

import pytest

from prompts.llm import router
from prompts.llm.features import Arm, Features, Option, Situation, Tally
from prompts.llm.router import Effect, Policy, Rule, replay
from prompts.llm.types import JsonShape, Line, Tool
from tests.prompts.llm.asking import request
from tests.prompts.llm.routes import CALM, LIGHT, POOL, STANDARD, STRONG, decided, rejects

ANGRY = replace(CALM, emotion="negative", emotion_score=0.8)
VIP = replace(CALM, tier="vip")
UNSURE = replace(CALM, intent_margin=0.1)
DISPATCHER = Option(name="small", vendor="three", strength=1, dispatcher=True, quality=0.1)


def pin(when: dict[str, object], name: str = "rule", **effect: object) -> Policy:
    return Policy(rules=(Rule(name, when, Effect(**effect)),))  # type: ignore[arg-type]


# --- the cheapest that is good enough ------------------------------------------------------------------


def test_the_cheapest_that_is_good_enough_answers() -> None:
    decision = decided()

    assert (decision.chosen, decision.cause) == ("light", "quality_cheapest")
    assert decision.plan == ("light", "standard", "strong", "sop")
    assert decision.threshold == 0.85


@pytest.mark.parametrize(
    ("turn", "threshold", "chosen"),
    [(CALM, 0.85, "light"), (ANGRY, 0.9, "standard"), (VIP, 0.95, "strong")],
)
def test_mood_and_tier_raise_what_is_wanted(turn: Features, threshold: float, chosen: str) -> None:
    decision = decided(turn=turn)

    assert decision.threshold == pytest.approx(threshold)
    assert decision.chosen == chosen


def test_what_was_counted_in_the_cell_decides() -> None:
    failing = replace(LIGHT, of_cell=Tally(30, 60))
    assert decided(failing, STANDARD, STRONG).chosen == "standard"


def test_where_nobody_is_good_enough_the_best_answers() -> None:
    decision = decided(turn=replace(VIP, emotion="negative", emotion_score=1.0))

    assert decision.threshold == 1.0
    assert decision.plan == ("strong", "standard", "light", "sop")


def test_cost_is_that_of_a_usual_answer() -> None:
    [cost] = [c.est_cost for c in decided(LIGHT).candidates]
    # 1000 tokens in at 0.001 and 150 out at 0.002 per thousand.
    assert cost == pytest.approx(0.001 + 0.0003)


def test_saving_is_counted_against_the_strongest() -> None:
    decision = decided()

    assert decision.baseline == "strong"
    assert decision.est_saving == pytest.approx((0.02 + 0.009) - (0.001 + 0.0003))


def test_a_slow_endpoint_costs_by_its_weight() -> None:
    slow = replace(LIGHT, p95_ms=4000.0)

    assert decided(slow, STANDARD).chosen == "light"
    assert decided(slow, STANDARD, policy=Policy(latency_weight=0.01)).chosen == "standard"


def test_without_prices_the_lowest_priority_is_asked_first() -> None:
    first, second = Option(name="b", priority=1, strength=3), Option(name="c", priority=2)
    third = Option(name="a", priority=2)

    decision = decided(second, first, third)

    assert decision.plan == ("b", "a", "c", "sop")
    assert decision.cause == "priority"


def test_without_a_model_the_sops_answer() -> None:
    decision = decided(replace(LIGHT, has_key=False))

    assert decision.plan == ("sop",)
    assert (decision.chosen, decision.cause) == ("sop", "no_model")
    assert not decision.wait


def test_fallbacks_are_two_and_of_another_vendor_first() -> None:
    near = replace(LIGHT, name="near", price_in=0.0011)
    far = replace(STRONG, name="far", vendor="three")

    decision = decided(LIGHT, near, far, STRONG)

    assert decision.plan == ("light", "far", "near", "sop")


def test_the_sop_provider_is_no_candidate() -> None:
    decision = decided(LIGHT, Option(name="sop", provider="sop"))
    assert decision.plan == ("light", "sop")
    assert rejects(decision) == {"light": ""}


# --- who can answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "turn", "reason"),
    [
        ({"has_key": False}, CALM, "no_key"),
        ({"breaker": "open"}, CALM, "breaker"),
        ({"breaker": "half_open"}, CALM, ""),
        ({"context_tokens": 1511}, CALM, "context"),
        ({"context_tokens": 1512}, CALM, ""),
        ({"context_tokens": 1256, "max_output_tokens": 256}, CALM, "output"),
        ({"max_output_tokens": 511}, CALM, "output"),
        ({}, replace(CALM, needs_tools=True), "tools"),
        ({"tools": True}, replace(CALM, needs_tools=True), ""),
        ({}, replace(CALM, needs_json=True), "json"),
        ({"json_schema": True}, replace(CALM, needs_json=True), ""),
        ({"tokens_left": 1511}, CALM, "tokens_per_minute"),
        ({"tokens_left": 1512}, CALM, ""),
    ],
)
def test_whoever_cannot_answer_is_told_apart(
    change: dict[str, object], turn: Features, reason: str
) -> None:
    able = replace(STRONG, tools=True, json_schema=True)

    decision = decided(replace(LIGHT, **change), able, turn=turn)  # type: ignore[arg-type]

    assert rejects(decision) == {"light": reason, "strong": ""}
    assert ("light" in decision.plan) is (reason == "")


def test_where_nobody_holds_to_a_schema_the_rest_are_asked_all_the_same() -> None:
    decision = decided(turn=replace(CALM, needs_json=True))
    assert decision.plan == ("light", "standard", "strong", "sop")


def test_where_nobody_can_say_all_of_it_the_rest_are_asked_all_the_same() -> None:
    short = replace(LIGHT, max_output_tokens=100)
    shut = replace(STANDARD, max_output_tokens=100, breaker="open")

    decision = decided(short, shut)

    assert rejects(decision) == {"light": "", "standard": "breaker"}


def test_tools_are_never_done_without() -> None:
    assert decided(turn=replace(CALM, needs_tools=True)).plan == ("sop",)


def test_a_used_up_budget_stops_whatever_costs() -> None:
    free = Option(name="own", strength=1, quality=0.9)

    decision = decided(*POOL, free, stopped_budgets=("day",))

    assert decision.plan == ("own", "sop")
    assert rejects(decision)["light"] == "budget"


def test_an_endpoint_that_cannot_answer_lends_nobody_its_quality() -> None:
    dead = replace(STRONG, breaker="open", overall=Tally(0, 1000), of_cell=Tally(0, 1000))
    decision = decided(LIGHT, dead)
    assert [c.p_ok for c in decision.candidates if c.name == "light"] == [pytest.approx(0.88)]


# --- rules ---------------------------------------------------------------------------------------------


def test_a_rule_pins_an_endpoint() -> None:
    decision = decided(policy=pin({"intent": "return"}, endpoint="standard"))

    assert (decision.chosen, decision.cause) == ("standard", "pinned")
    assert [(hit.name, hit.outcome) for hit in decision.rule_hits] == [("rule", "applied")]


def test_a_rule_pins_the_cheapest_of_a_strength() -> None:
    dear = replace(STRONG, name="dear", price_in=0.1)
    decision = decided(LIGHT, dear, STRONG, policy=pin({}, strength="strong"))
    assert (decision.chosen, decision.cause) == ("strong", "pinned")


def test_a_pin_that_cannot_answer_leaves_the_usual_choice() -> None:
    decision = decided(
        replace(STANDARD, breaker="open"), LIGHT, policy=pin({}, endpoint="standard")
    )

    assert (decision.chosen, decision.cause) == ("light", "quality_cheapest")
    assert [hit.outcome for hit in decision.rule_hits] == ["infeasible"]


def test_the_first_rule_that_pins_does() -> None:
    policy = Policy(
        rules=(
            Rule("other", {"intent": "refund"}, Effect(endpoint="light")),
            Rule("first", {"intent": "return"}, Effect(endpoint="strong")),
            Rule("second", {}, Effect(endpoint="light", offer_human=True)),
        )
    )

    decision = decided(policy=policy)

    assert decision.chosen == "strong"
    assert [(hit.name, hit.outcome) for hit in decision.rule_hits] == [
        ("first", "applied"),
        ("second", "forestalled"),
    ]
    assert decision.offer_human


def test_a_rule_raises_what_is_wanted_and_never_lowers_it() -> None:
    policy = pin({}, q_min=0.92)

    assert decided(policy=policy).chosen == "standard"
    assert decided(policy=policy, turn=VIP).threshold == 0.95


# --- staying -------------------------------------------------------------------------------------------


def test_a_conversation_stays_with_its_endpoint() -> None:
    decision = decided(turn=replace(CALM, current_endpoint="standard"))

    assert (decision.chosen, decision.cause) == ("standard", "sticky")
    assert decided(turn=replace(CALM, current_endpoint="light")).cause == "quality_cheapest"


@pytest.mark.parametrize(
    ("policy", "turn", "chosen"),
    [
        (Policy(sticky=False), CALM, "light"),
        # No longer good enough.
        (Policy(), replace(CALM, tier="vip"), "strong"),
        (pin({}, strength="light"), CALM, "light"),
        (Policy(), replace(CALM, input_tokens=9000), "light"),
    ],
)
def test_a_conversation_leaves_when_it_has_to(policy: Policy, turn: Features, chosen: str) -> None:
    staying = replace(STANDARD, context_tokens=8000)
    turn = replace(turn, current_endpoint="standard")
    assert decided(STRONG, staying, LIGHT, policy=policy, turn=turn).chosen == chosen


def test_a_pinned_strength_lets_it_stay_within() -> None:
    dear = replace(STRONG, name="dear", price_in=0.1)
    turn = replace(CALM, current_endpoint="dear")
    decision = decided(LIGHT, STRONG, dear, policy=pin({}, strength="strong"), turn=turn)
    assert (decision.chosen, decision.cause) == ("dear", "pinned")


# --- dispatcher ----------------------------------------------------------------------------------------


def test_an_unsure_intent_asks_the_dispatcher() -> None:
    decision = decided(*POOL, DISPATCHER, turn=UNSURE)

    assert decision.ask_dispatcher == "small"
    # What is done if too many have asked already.
    assert decision.chosen == "light"


def test_two_strengths_at_one_cost_ask_the_dispatcher() -> None:
    twin = replace(STANDARD, price_in=0.00102, price_out=0.002)

    assert decided(LIGHT, twin, DISPATCHER).ask_dispatcher == "small"
    assert decided(LIGHT, replace(twin, strength=1), DISPATCHER).ask_dispatcher == ""
    assert decided(LIGHT, replace(twin, quality=0.5), DISPATCHER).ask_dispatcher == ""


@pytest.mark.parametrize(
    ("policy", "turn", "change"),
    [
        (Policy(), CALM, {}),
        (Policy(), replace(UNSURE, intent_p=0.0), {}),
        (Policy(), replace(UNSURE, intent_margin=0.15), {}),
        (Policy(), replace(UNSURE, dispatched="failed"), {}),
        (Policy(), replace(UNSURE, current_endpoint="standard"), {}),
        (Policy(dispatch_share=0), UNSURE, {}),
        (pin({}, strength="light"), UNSURE, {}),
        (Policy(), UNSURE, {"breaker": "open"}),
        (Policy(), UNSURE, {"has_key": False}),
        (Policy(), UNSURE, {"tokens_left": 0}),
        (Policy(), UNSURE, {"dispatcher": False}),
    ],
)
def test_nobody_is_asked_without_need_or_without_a_dispatcher(
    policy: Policy, turn: Features, change: dict[str, object]
) -> None:
    small = replace(DISPATCHER, **change)  # type: ignore[arg-type]
    assert decided(*POOL, small, policy=policy, turn=turn).ask_dispatcher == ""


def test_under_load_nobody_is_asked() -> None:
    unsure = replace(UNSURE, tier="vip")
    levels = [decided(*POOL, DISPATCHER, turn=unsure, load_level=at) for at in range(4)]
    assert [decision.ask_dispatcher for decision in levels] == ["small", "small", "", ""]


@pytest.mark.parametrize(
    ("word", "chosen"),
    [
        ("light", "light"),
        ("standard", "standard"),
        ("strong", "strong"),
        # One step up from the cheapest.
        ("failed", "standard"),
    ],
)
def test_the_dispatchers_word_is_followed(word: str, chosen: str) -> None:
    turn = replace(UNSURE, dispatched=word)  # type: ignore[arg-type]
    decision = decided(*POOL, turn=turn)
    assert (decision.chosen, decision.cause) == (chosen, "dispatcher")


def test_the_nearest_strength_stands_in_for_one_that_is_not_there() -> None:
    turn = replace(UNSURE, dispatched="standard")
    assert decided(LIGHT, STRONG, turn=turn).chosen == "strong"
    assert decided(LIGHT, DISPATCHER, turn=turn).chosen == "light"


def test_the_dispatchers_word_makes_nobody_good_enough() -> None:
    turn = replace(UNSURE, dispatched="light")
    assert decided(turn=replace(turn, tier="vip")).chosen == "strong"
    assert decided(replace(LIGHT, quality=0.5), STANDARD, STRONG, turn=turn).chosen == "standard"


# --- exploration ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "chosen", "cause", "propensity"),
    [
        (0.0, "light", "quality_cheapest", 0.8 + 0.2 / 3),
        (0.07, "standard", "explore", 0.2 / 3),
        (0.19, "strong", "explore", 0.2 / 3),
        (0.2, "light", "quality_cheapest", 0.8 + 0.2 / 3),
        (1.0, "light", "quality_cheapest", 0.8 + 0.2 / 3),
    ],
)
def test_some_turns_try_another_endpoint(
    draw: float, chosen: str, cause: str, propensity: float
) -> None:
    decision = decided(policy=Policy(explore=0.2), turn=replace(CALM, draw=draw))

    assert (decision.chosen, decision.cause) == (chosen, cause)
    assert decision.propensity == pytest.approx(propensity)


@pytest.mark.parametrize("turn", [VIP, ANGRY, replace(CALM, intent="complaint")])
def test_nobody_is_tried_out_on_who_is_owed_more(turn: Features) -> None:
    decision = decided(policy=Policy(explore=1.0), turn=replace(turn, draw=0.99))
    assert (decision.cause, decision.propensity) == ("quality_cheapest", 1.0)


# --- canary --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bucket", "chosen", "canary"),
    [(9, "light", ""), (10, "strong", "trial"), (19, "strong", "trial"), (20, "light", "")],
)
def test_a_canary_takes_its_buckets(bucket: int, chosen: str, canary: str) -> None:
    arms = (Arm("trial", 10, 19, "strong"),)

    decision = decided(turn=replace(CALM, bucket=bucket), arms=arms)

    assert (decision.chosen, decision.canary) == (chosen, canary)
    assert (decision.cause == "canary") is bool(canary)
    assert decision.plan[0] == chosen


def test_a_canary_that_cannot_answer_gives_way_to_the_next() -> None:
    arms = (Arm("first", 0, 99, "strong"), Arm("second", 0, 99, "standard"))

    decision = decided(replace(STRONG, breaker="open"), STANDARD, LIGHT, arms=arms)

    assert (decision.chosen, decision.canary) == ("standard", "second")


def test_a_canary_comes_after_rules_and_asks_nobody() -> None:
    arms = (Arm("trial", 0, 99, "strong"),)
    decision = decided(*POOL, DISPATCHER, policy=pin({}, endpoint="light"), turn=UNSURE, arms=arms)
    assert (decision.chosen, decision.cause, decision.ask_dispatcher) == ("strong", "canary", "")


# --- load ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "chosen", "cause", "wait"),
    [
        (0, "standard", "quality_cheapest", False),
        (1, "light", "shed", False),
        (2, "sop", "shed", False),
        (3, "sop", "shed", True),
    ],
)
def test_load_degrades_step_by_step(level: int, chosen: str, cause: str, wait: bool) -> None:
    decision = decided(policy=Policy(quality_standard=0.9), load_level=level)

    assert (decision.chosen, decision.cause, decision.wait) == (chosen, cause, wait)
    assert rejects(decision)["strong"] == ("load" if level else "")
    assert decision.plan[-1] == "sop"


@pytest.mark.parametrize("turn", [VIP, ANGRY, replace(CALM, intent="complaint")])
def test_who_is_spared_keeps_the_choice_until_everybody_queues(turn: Features) -> None:
    usual = decided(turn=turn).plan

    assert decided(turn=turn, load_level=1).plan == usual
    assert decided(turn=turn, load_level=2).plan == usual
    queued = decided(turn=turn, load_level=3)
    assert (queued.plan, queued.wait) == (("light", "sop"), False)


def test_load_that_takes_nothing_away_is_no_cause() -> None:
    decision = decided(LIGHT, replace(LIGHT, name="other"), load_level=1)
    assert decision.cause == "quality_cheapest"


def test_a_pin_does_not_outlast_the_load() -> None:
    decision = decided(policy=pin({}, strength="strong"), load_level=1)
    assert (decision.chosen, decision.cause) == ("light", "shed")
    assert [hit.outcome for hit in decision.rule_hits] == ["infeasible"]


# --- what is stored ------------------------------------------------------------------------------------


def test_a_stored_decision_tells_all_and_can_be_made_again() -> None:
    policy = Policy(version="7", rules=(Rule("all", {}, Effect(q_min=0.9)),))
    decision = decided(policy=policy, arms=(Arm("trial", 50, 99, "strong"),))

    stored = json.loads(json.dumps(decision.as_json()))

    assert stored == decision.as_json()
    assert set(stored) == {
        *("policy_version", "features", "situation", "rule_hits", "candidates", "cause"),
        *("chosen", "plan", "baseline", "est_saving", "propensity", "threshold", "wait"),
        *("offer_human", "canary", "ask_dispatcher"),
    }
    assert stored["candidates"][2] == {
        "name": "light",
        "feasible": True,
        "reject_reason": "",
        "est_cost": pytest.approx(0.0013),
        "p_ok": pytest.approx(0.88),
        "n": 0,
        "p95_ms": 0.0,
    }
    assert replay(stored, policy) == decision
    assert replay(stored, Policy()).chosen == "light"


def test_a_decision_of_before_a_feature_existed_is_replayed_with_its_default() -> None:
    stored = decided().as_json()
    del stored["features"]["emotion_trend"]
    assert replay(stored, Policy()) == decided()


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        ({}, "has no features"),
        ({"plan": ["a"], "cause": "priority", "candidates": []}, "has no features"),
        ({"features": {}}, "has no situation"),
        ({"features": [], "situation": {}}, "cannot be read: features"),
        ({"features": {"tier": "gold"}, "situation": {}}, "cannot be read: features.tier"),
        ({"features": {}, "situation": {"options": [{}]}}, "situation.options.0.name"),
    ],
)
def test_a_foreign_decision_is_refused_with_a_sentence(
    stored: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        replay(stored, Policy())


# --- length --------------------------------------------------------------------------------------------


def test_tokens_are_counted_by_script() -> None:
    def tokens(text: str) -> int:
        return router.estimate_tokens(request(lines=(Line("user", text),)))

    assert tokens("") == 1
    assert tokens("字" * 100) == 76
    assert tokens("a" * 100) == 31
    assert tokens("字" * 100 + "a" * 100) == 106


def test_tools_and_schemas_are_counted_too() -> None:
    plain = request()
    tool = Tool("look_up_order", "查询订单", {"type": "object", "properties": {}})
    shape = JsonShape("reply", {"type": "object"})

    assert router.estimate_tokens(replace(plain, tools=(tool,))) > router.estimate_tokens(plain)
    assert router.estimate_tokens(replace(plain, json=shape)) > router.estimate_tokens(plain)


def test_an_empty_situation_is_answered_by_sops() -> None:
    assert router.decide(Features(), Policy(), Situation()).plan == ("sop",)
