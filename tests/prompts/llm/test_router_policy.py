"""Policies as JSON: what is read, what is refused, and with which sentence."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.llm.conditions import FIELDS
from prompts.llm.features import Features
from prompts.llm.router import Effect, Policy, PolicyError, Problem, Rule, outcomes
from tests.prompts.llm.routes import EASY, POLICIES

VIPS = {"name": "VIPs", "when": {"tier": "vip"}, "effect": {"strength": "strong"}}
ENDPOINTS = ["gpt", "qwen"]
ROOT = Path(__file__).resolve().parents[3]


def refused(raw: object) -> list[tuple[str, str]]:
    with pytest.raises(PolicyError) as caught:
        Policy.from_json(raw)
    return [(problem.path, problem.message_en) for problem in caught.value.problems]


def told(*rules: dict[str, Any], **fields: Any) -> list[tuple[str, str]]:
    policy = Policy.from_json({"rules": list(rules), **fields})
    return [(problem.path, problem.message_en) for problem in policy.check(ENDPOINTS)]


def test_nothing_said_is_the_default() -> None:
    assert Policy.from_json({}) == Policy()
    assert Policy().check([]) == []


@EASY
@given(POLICIES)
def test_a_policy_survives_being_stored(policy: Policy) -> None:
    assert Policy.from_json(json.loads(json.dumps(policy.as_json()))) == policy


def test_a_rule_is_written_as_by_hand() -> None:
    policy = Policy.from_json({"version": "7", "quality_vip": 0.9, "rules": [VIPS]})

    assert policy.rules == (Rule("VIPs", {"tier": "vip"}, Effect(strength="strong")),)
    assert policy.as_json()["rules"] == [VIPS]
    assert policy.check(ENDPOINTS) == []


def test_the_examples_of_the_documentation_hold() -> None:
    text = (ROOT / "docs/routing.md").read_text(encoding="utf-8")
    [policy] = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    [table] = re.findall(r"```jsonl\n(.*?)```", text, re.DOTALL)

    read = Policy.from_json(json.loads(policy))

    assert read.check([]) == []
    # It shows every field, with its default.
    assert replace(read, rules=()) == Policy()
    assert set(json.loads(policy)) == set(Policy().as_json()) - {"version"}
    assert [turn.turn for turn in outcomes.read(table.splitlines()).turns] == ["t1"]
    assert all(f"`{name}`" in text for name in FIELDS)


@pytest.mark.parametrize(
    ("raw", "path", "words"),
    [
        ([], "", "a policy must be an object"),
        ({"quality": 0.9}, "quality", "there is no such field"),
        ({"version": None}, "version", "must be a text or a whole number"),
        ({"sticky": 1}, "sticky", "must be true or false"),
        ({"quality_vip": "0.9"}, "quality_vip", "must be a number"),
        ({"quality_vip": True}, "quality_vip", "must be a number"),
        ({"epsilon": float("nan")}, "epsilon", "must be a number"),
        ({"quality_standard": 1.01}, "quality_standard", "must be between 0 and 1"),
        ({"explore": -0.1}, "explore", "must be between 0 and 1"),
        ({"latency_weight": -1}, "latency_weight", "must be at least 0"),
        ({"prior_mass": 0}, "prior_mass", "must be at least 0.1"),
        ({"rules": {}}, "rules", "must be a list"),
        ({"rules": [5]}, "rules[0]", "must be an object"),
        ({"rules": [VIPS, {**VIPS, "if": {}}]}, "rules[1].if", "there is no such field"),
        ({"rules": [{**VIPS, "name": 5}]}, "rules[0].name", "must be a text"),
        ({"rules": [{**VIPS, "when": "vip"}]}, "rules[0].when", "must be an object"),
        ({"rules": [{"name": "x"}]}, "rules[0].effect", "must be an object"),
        (
            {"rules": [{**VIPS, "effect": {"model": "gpt"}}]},
            "rules[0].effect.model",
            "there is no such field",
        ),
        (
            {"rules": [{**VIPS, "effect": {"strength": "huge"}}]},
            "rules[0].effect.strength",
            "must be light, standard or strong",
        ),
        (
            {"rules": [{**VIPS, "effect": {"endpoint": 5}}]},
            "rules[0].effect.endpoint",
            "must be an endpoint's name",
        ),
        (
            {"rules": [{**VIPS, "effect": {"q_min": "high"}}]},
            "rules[0].effect.q_min",
            "must be a number",
        ),
        (
            {"rules": [{**VIPS, "effect": {"q_min": 1.5}}]},
            "rules[0].effect.q_min",
            "must be between 0 and 1",
        ),
        (
            {"rules": [{**VIPS, "effect": {"offer_human": "yes"}}]},
            "rules[0].effect.offer_human",
            "must be true or false",
        ),
        ({"rules": [{**VIPS, "effect": {}}]}, "rules[0].effect", "the effect does nothing"),
        (
            {"rules": [{**VIPS, "effect": {"endpoint": "gpt", "strength": "light"}}]},
            "rules[0].effect.strength",
            "cannot both be pinned",
        ),
        (
            {"rules": [{**VIPS, "when": {"$or": [{"tier": "gold"}]}}]},
            "rules[0].when.$or[0].tier.$eq",
            "must be one of standard, vip",
        ),
    ],
)
def test_what_cannot_be_worked_with_is_refused(raw: object, path: str, words: str) -> None:
    [(found_path, sentence)] = refused(raw)

    assert found_path == path
    assert words in sentence


def test_every_problem_has_a_sentence_in_both_languages_and_names_its_rule() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_json({"explore": 2, "rules": [{**VIPS, "when": {"mood": 1}}]})

    out_of_range, field = caught.value.problems
    assert out_of_range.message_zh == "explore:应在 0 到 1 之间。"
    assert out_of_range.message_en == "explore: must be between 0 and 1."
    assert field.message_zh.startswith("规则「VIPs」:mood:没有这个条件字段")
    assert field.message_en.startswith("rule “VIPs”: mood: there is no such field")
    assert str(caught.value) == f"{out_of_range.message_en} {field.message_en}"


def test_a_pin_to_an_endpoint_that_is_not_there_is_told() -> None:
    gone = {"name": "Gone", "when": {"tier": "vip"}, "effect": {"endpoint": "claude"}}
    [(path, sentence)] = told(VIPS | {"when": {"intent": "a"}}, gone)

    assert path == "rules[1].effect.endpoint"
    assert "“Gone” pins the endpoint “claude”, which does not exist" in sentence


@pytest.mark.parametrize(
    ("name", "words"),
    [("VIPs", "another rule is called “VIPs” too"), (" ", "must have 1 to 80"), ("x" * 81, "80")],
)
def test_a_name_that_does_not_name_is_told(name: str, words: str) -> None:
    other = {"name": name, "when": {"intent": "a"}, "effect": {"q_min": 0.9}}
    [(path, sentence)] = told(VIPS, other)

    assert path == "rules[1].name"
    assert words in sentence


def test_rules_that_contradict_are_told() -> None:
    other = {**VIPS, "name": "Also VIPs", "effect": {"endpoint": "qwen"}}
    [(path, sentence)] = told(VIPS, other)

    assert path == "rules[1]"
    assert "“VIPs” and “Also VIPs” have the same condition (tier)" in sentence


def test_what_from_json_refuses_check_tells_of_a_policy_made_in_code() -> None:
    policy = Policy(explore=2, rules=(Rule("x", {"tier": "gold"}, Effect(endpoint="gpt")),))
    assert [p.path for p in policy.check(ENDPOINTS)] == ["explore", "rules[0].when.tier.$eq"]


@EASY
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["rules", "name", "when", "effect", "explore", "$and", "tier", "x"]
                ),
                inner,
            )
        ),
        max_leaves=8,
    )
)
def test_whatever_is_stored_is_read_or_refused(raw: object) -> None:
    problems: Sequence[Problem] = ()
    policy = None
    try:
        policy = Policy.from_json(raw)
        policy.check([])
    except PolicyError as error:
        problems = error.problems

    assert (policy is None) is bool(problems)


@pytest.mark.parametrize(
    ("turn", "threshold"),
    [
        (Features(), 0.8),
        (Features(tier="vip"), 0.9),
        (Features(emotion="negative", emotion_score=0.8), 0.85),
        (Features(emotion="negative", emotion_score=0.79), 0.8),
        (Features(emotion="positive", emotion_score=1.0), 0.8),
        (Features(tier="vip", emotion="negative", emotion_score=1.0), 0.95),
    ],
)
def test_threshold_is_that_of_tier_and_mood(turn: Features, threshold: float) -> None:
    policy = Policy(quality_standard=0.8, quality_vip=0.9)
    assert policy.threshold(turn) == pytest.approx(threshold)
