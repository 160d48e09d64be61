"""Condition trees: what they mean, what is wrong with them, and what rules say against each other."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prompts.llm import conditions
from prompts.llm.conditions import FIELDS, Effect, Rule, algebra, check, contradictions, matches
from prompts.llm.features import Features

# A busy machine is slow, not wrong.
EASY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TURN = Features(
    intent="complaint", emotion="negative", emotion_score=0.9, tier="vip", bucket=42, turn_number=3
)
STRONG, LIGHT = Effect(strength="strong"), Effect(strength="light")


def paths(tree: Any) -> list[str]:
    return [problem.path for problem in check(tree)]


def rules(*pairs: tuple[dict[str, Any], Effect]) -> list[Rule]:
    """Rules named A, B, C."""
    return [Rule("ABCDEF"[at], when, effect) for at, (when, effect) in enumerate(pairs)]


# --- meaning -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "holds"),
    [
        ({}, True),
        ({"tier": "vip"}, True),
        ({"tier": "vip", "intent": "return"}, False),
        ({"emotion_score": {"$gte": 0.9}}, True),
        ({"emotion_score": {"$gt": 0.9}}, False),
        ({"emotion_score": {"$gt": 0.5, "$lt": 0.9}}, False),
        ({"emotion_score": {"$lte": 0.9}}, True),
        ({"bucket": {"$eq": 42}}, True),
        ({"bucket": {"$ne": 42}}, False),
        ({"intent": {"$in": ["return", "complaint"]}}, True),
        ({"intent": {"$nin": ["return", "complaint"]}}, False),
        ({"needs_tools": False}, True),
        ({"$and": [{"tier": "vip"}, {"bucket": {"$lt": 50}}]}, True),
        ({"$or": [{"tier": "standard"}, {"bucket": {"$gt": 50}}]}, False),
        ({"$not": {"tier": "standard"}}, True),
        ({"$or": [{"tier": "standard"}, {"bucket": 42}], "language": "en"}, False),
    ],
)
def test_a_condition_means_what_it_says(tree: dict[str, Any], holds: bool) -> None:
    assert check(tree) == []
    assert matches(tree, TURN) is holds


def leaves() -> st.SearchStrategy[dict[str, Any]]:
    """Leaves over few values, so that they often touch."""
    score = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
    bucket = st.sampled_from([0, 1, 2, 98, 99])
    order = st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$eq", "$ne"])
    word = st.sampled_from(["$eq", "$ne"])
    lists = st.sampled_from(["$in", "$nin"])
    return st.one_of(
        st.builds(lambda o, v: {"emotion_score": {o: v}}, order, score),
        st.builds(lambda o, v: {"bucket": {o: v}}, order, bucket),
        st.builds(lambda o, v: {"bucket": {o: v}}, lists, st.lists(bucket, min_size=1)),
        st.builds(lambda o, v: {"intent": {o: v}}, word, st.sampled_from("abc")),
        st.builds(
            lambda o, v: {"intent": {o: v}}, lists, st.lists(st.sampled_from("abc"), min_size=1)
        ),
        st.builds(lambda o, v: {"tier": {o: v}}, word, st.sampled_from(["standard", "vip"])),
        st.builds(lambda v: {"needs_tools": v}, st.booleans()),
        st.just({}),
    )


TREES = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"$and": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"$or": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"$not": part}, inner),
        st.builds(lambda one, two: {**one, **two}, inner, inner),
    ),
    max_leaves=6,
)
TURNS = st.builds(
    Features,
    intent=st.sampled_from("abcd"),
    emotion_score=st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.6, 0.75, 0.9, 1.0]),
    bucket=st.sampled_from([0, 1, 2, 3, 50, 97, 98, 99]),
    tier=st.sampled_from(["standard", "vip"]),
    needs_tools=st.booleans(),
)


@EASY
@given(TREES, TREES, TURNS)
def test_conditions_are_a_boolean_algebra(
    left: dict[str, Any], right: dict[str, Any], turn: Features
) -> None:
    def holds(tree: dict[str, Any]) -> bool:
        return matches(tree, turn)

    assert holds({"$not": left}) is not holds(left)
    assert holds({"$and": [left, right]}) == (holds(left) and holds(right))
    assert holds({"$or": [left, right]}) == (holds(left) or holds(right))
    assert holds({"$not": {"$and": [left, right]}}) == holds(
        {"$or": [{"$not": left}, {"$not": right}]}
    )


def satisfies(turn: Features, terms: list[algebra.Term]) -> bool:
    """Whether the turn is in one of the terms, without asking `matches`."""
    return any(all(holds(values, getattr(turn, name)) for name, values in t.items()) for t in terms)


def holds(values: algebra.ValueSet, value: Any) -> bool:
    if isinstance(values, algebra.Words):
        return (value in values.listed) is not values.all_but
    return any(low <= (value, 0) <= high for low, high in values.spans)


@EASY
@given(TREES, TURNS)
def test_the_terms_hold_exactly_where_the_condition_does(
    tree: dict[str, Any], turn: Features
) -> None:
    assert satisfies(turn, algebra.terms(tree)) is matches(tree, turn)
    assert satisfies(turn, algebra.terms(tree, negated=True)) is not matches(tree, turn)


@EASY
@given(TREES)
def test_an_impossible_condition_is_one_without_terms(tree: dict[str, Any]) -> None:
    impossible = {"$and": [tree, {"$not": tree}]}
    certain = {"$or": [tree, {"$not": tree}]}

    assert algebra.terms(impossible, most=10_000) == []
    assert algebra.terms(certain, negated=True, most=10_000) == []


# --- problems ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "path", "words"),
    [
        ([], "", "must be an object"),
        ({"mood": "bad"}, "mood", "there is no such field"),
        ({"tier": "gold"}, "tier.$eq", "must be one of standard, vip"),
        ({"tier": {"$gt": "vip"}}, "tier.$gt", "is no operator of this field"),
        ({"tier": {}}, "tier", "names no operator"),
        ({"emotion_score": "high"}, "emotion_score.$eq", "must be a number"),
        ({"emotion_score": True}, "emotion_score.$eq", "must be a number"),
        ({"emotion_score": float("nan")}, "emotion_score.$eq", "must be a number"),
        ({"bucket": 4.5}, "bucket.$eq", "must be a whole number"),
        ({"bucket": None}, "bucket.$eq", "must be a whole number"),
        ({"needs_tools": 1}, "needs_tools.$eq", "must be true or false"),
        ({"intent": ""}, "intent.$eq", "must be a text of 1 to 80 characters"),
        ({"intent": {"$in": "return"}}, "intent.$in", "must be a list that is not empty"),
        ({"intent": {"$in": []}}, "intent.$in", "must be a list that is not empty"),
        ({"intent": {"$in": ["a", 5]}}, "intent.$in", "must be a text"),
        ({"intent": {"$like": "a"}}, "intent.$like", "is no operator of this field"),
        ({"$and": {}}, "$and", "must be a list that is not empty"),
        ({"$or": []}, "$or", "must be a list that is not empty"),
        ({"$or": [{}, {"tier": "x"}]}, "$or[1].tier.$eq", "must be one of"),
        ({"$not": [{}]}, "$not", "must be an object"),
        ({"$not": {"$or": [{"x": 1}]}}, "$not.$or[0].x", "there is no such field"),
        ({"$xor": [{}]}, "$xor", "there is no such field"),
        ({"emotion_score": {"$gt": 1}}, "emotion_score", "can never be true"),
        ({"bucket": {"$gt": 4, "$lt": 5}}, "bucket", "can never be true"),
        ({"bucket": 100}, "bucket", "can never be true"),
        ({"tier": {"$nin": ["standard", "vip"]}}, "tier", "can never be true"),
        ({"$and": [{"tier": "vip"}, {"tier": "standard"}]}, "", "can never be true"),
    ],
)
def test_a_problem_names_the_field_and_what_is_wrong(tree: Any, path: str, words: str) -> None:
    [found] = check(tree)

    assert found.path == path
    assert found.message_en.startswith(path or "the condition")
    assert words in found.message_en
    assert found.message_zh.startswith(path or "条件")
    assert found.message_zh.endswith("。")


def test_every_problem_is_told() -> None:
    assert paths({"tier": "gold", "$or": [{"mood": 1}, {"bucket": {"$in": [1, "2"]}}]}) == [
        "tier.$eq",
        "$or[0].mood",
        "$or[1].bucket.$in",
    ]


def nested(depth: int) -> dict[str, Any]:
    return {"$not": nested(depth - 1)} if depth > 1 else {"tier": "vip"}


@pytest.mark.parametrize(("depth", "problems"), [(5, 0), (6, 1), (300, 1)])
def test_nesting_is_bounded(depth: int, problems: int) -> None:
    found = check(nested(depth))

    assert len(found) == problems
    assert all("deeper than 5" in problem.message_en for problem in found)


def test_a_condition_too_large_to_compare_is_refused() -> None:
    pairs = [
        {"$or": [{"intent": {"$ne": f"i{at}"}}, {"inbox": {"$ne": f"x{at}"}}]} for at in range(8)
    ]

    assert check({"$and": pairs[:7]}) == []
    [found] = check({"$and": pairs})
    assert "too large" in found.message_en


@EASY
@given(TREES)
def test_a_checked_condition_can_be_evaluated_and_compared(tree: dict[str, Any]) -> None:
    if check(tree) == []:
        matches(tree, TURN)
        contradictions(rules((tree, STRONG), (tree, LIGHT)))


def test_the_table_of_fields_is_that_of_the_features() -> None:
    for name, field in FIELDS.items():
        value = getattr(Features(), name)
        assert field.takes(value) or value == "", name
        assert field.label_zh
        assert field.label_en
        assert set(field.operators) <= set(conditions.OPERATORS)


# --- contradictions ------------------------------------------------------------------------------------


def test_same_condition_and_other_pins_contradict() -> None:
    [found] = contradictions(
        rules(
            ({"tier": "vip", "bucket": {"$gte": 50}}, STRONG),
            ({"$not": {"$or": [{"tier": "standard"}, {"bucket": {"$lte": 49}}]}}, LIGHT),
        )
    )

    assert found.path == "rules[1]"
    assert "“A”" in found.message_en
    assert "“B”" in found.message_en
    assert "bucket, tier" in found.message_en
    assert "strong and light" in found.message_en
    assert "「A」与「B」的条件相同(bucket、tier)" in found.message_zh


def test_same_condition_and_other_qualities_contradict() -> None:
    [found] = contradictions(
        rules(({"tier": "vip"}, Effect(q_min=0.9)), ({"tier": "vip"}, Effect(q_min=0.95)))
    )
    assert "q_min 0.9 and 0.95" in found.message_en


def test_a_pin_behind_a_wider_one_is_unreachable() -> None:
    [found] = contradictions(
        rules(
            ({"emotion_score": {"$gte": 0.5}}, STRONG),
            ({"emotion_score": {"$gt": 0.8}, "intent": "complaint"}, LIGHT),
        )
    )

    assert found.path == "rules[1]"
    assert found.message_en == (
        "Rule “B” can never apply: “A” before it covers its condition (emotion_score, intent)."
    )
    assert "「B」" in found.message_zh
    assert "「A」" in found.message_zh


def test_a_pin_behind_several_that_cover_it_together_is_unreachable() -> None:
    [found] = contradictions(
        rules(
            ({"tier": "vip"}, STRONG),
            ({"tier": "standard"}, LIGHT),
            ({"intent": "return"}, Effect(endpoint="x")),
        )
    )
    assert "“A”, “B”" in found.message_en


@pytest.mark.parametrize(
    "harmless",
    [
        # The narrower first is how rules are meant to be written.
        rules(({"tier": "vip", "intent": "a"}, STRONG), ({"tier": "vip"}, LIGHT)),
        rules(({"bucket": {"$lt": 50}}, STRONG), ({"bucket": {"$gte": 50}}, LIGHT)),
        # What raises or offers is not forestalled by a pin.
        rules(({}, STRONG), ({"tier": "vip"}, Effect(offer_human=True))),
        rules(({"tier": "vip"}, STRONG), ({"tier": "vip"}, Effect(q_min=0.95))),
        rules(({"tier": "vip"}, Effect(q_min=0.9)), ({"tier": "vip"}, STRONG)),
        [],
    ],
)
def test_rules_that_get_along_are_left_alone(harmless: list[Rule]) -> None:
    assert contradictions(harmless) == []


@EASY
@given(TREES, TREES, TURNS)
def test_a_rule_called_unreachable_never_pins(
    first: dict[str, Any], second: dict[str, Any], turn: Features
) -> None:
    found = contradictions(rules((first, STRONG), (second, LIGHT)))

    if found and matches(second, turn):
        assert matches(first, turn)


@EASY
@given(st.integers(0, 99), st.integers(0, 99))
def test_a_range_is_unreachable_exactly_when_the_earlier_one_holds_it(
    low: int, other_low: int
) -> None:
    found = contradictions(
        rules(
            ({"bucket": {"$gte": low}}, STRONG),
            ({"bucket": {"$gt": other_low - 1}, "tier": "vip"}, LIGHT),
        )
    )
    assert bool(found) is (other_low >= low)


def test_the_fields_of_a_condition_are_those_it_asks_about() -> None:
    tree = {"tier": "vip", "$or": [{"bucket": 1}, {"$not": {"intent": "a"}}]}
    assert conditions.fields_of(tree) == {"tier", "bucket", "intent"}
    assert matches(tree, replace(TURN, intent="b"))
