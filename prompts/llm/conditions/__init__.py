"""The conditions of routing rules: JSON trees over a turn's features, checked, evaluated and compared.

    {"emotion_score": {"$gte": 0.8}, "$or": [{"intent": "complaint"}, {"tier": "vip"}]}

Used by prompts.llm.router for every turn, and by the admin's editor of policies. Pure.
"""

from prompts.llm.conditions.fields import FIELDS, OPERATORS, Field, Problem
from prompts.llm.conditions.rules import Effect, Rule, contradictions
from prompts.llm.conditions.trees import Tree, check, fields_of, matches

__all__ = [
    "FIELDS",
    "OPERATORS",
    "Effect",
    "Field",
    "Problem",
    "Rule",
    "Tree",
    "check",
    "contradictions",
    "fields_of",
    "matches",
]
