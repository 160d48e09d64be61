"""Conditions and effects told in words."""

import pytest
from django.utils import translation

from prompts.admin import policy_texts


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({}, ""),
        ({"tier": "vip"}, "Tier = vip"),
        (
            {"emotion_score": {"$gte": 0.2, "$lt": 0.9}},
            "Strength of the emotion ≥ 0.2 and Strength of the emotion < 0.9",
        ),
        ({"$or": [{"tier": "vip"}, {"needs_tools": True}]}, "(Tier = vip or Needs tools = yes)"),
        ({"$not": {"intent": {"$in": ["a", "b"]}}}, "not (Intent ∈ {a, b})"),
        ({"unheard": 1}, "unheard = 1"),
        ("nonsense", ""),
    ],
)
def test_condition_in_words(tree: object, words: str) -> None:
    with translation.override("en"):
        assert policy_texts.tree_text(tree) == words


def test_effect_in_words_of_either_language() -> None:
    effect = {"endpoint": "qwen", "q_min": 0.95}

    with translation.override("en"):
        assert policy_texts.effect_text(effect) == "pins qwen, quality ≥ 0.95"
        assert policy_texts.effect_text({}) == "—"
    with translation.override("zh-hans"):
        assert policy_texts.effect_text(effect) == "指定模型 qwen、质量 ≥ 0.95"


@pytest.mark.parametrize("content", [None, [], {"rules": "x"}, {"rules": [1, {"name": "a"}]}])
def test_content_of_any_shape_is_shown(content: object) -> None:
    assert len(policy_texts.shown(content)["numbers"]) == 11
