"""Who answers a turn, and why: `decide(features, policy, situation)` is a pure function of its arguments.

Called by prompts.completion for every turn, by the admin to replay a stored one, and by `manage.py replay_routing`.
docs/routing.md tells how a decision comes about.
"""

from prompts.llm.conditions import Effect, Problem, Rule
from prompts.llm.router.deciding import decide, replay
from prompts.llm.router.decision import (
    SOP_NAME,
    Candidate,
    Cause,
    RoutingDecision,
    RuleHit,
)
from prompts.llm.router.policy import Policy, PolicyError
from prompts.llm.router.tokens import estimate_tokens

__all__ = [
    "SOP_NAME",
    "Candidate",
    "Cause",
    "Effect",
    "Policy",
    "PolicyError",
    "Problem",
    "RoutingDecision",
    "Rule",
    "RuleHit",
    "decide",
    "estimate_tokens",
    "replay",
]
