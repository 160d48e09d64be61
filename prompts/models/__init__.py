"""The rows of prompts, by what they are about. Everybody imports them from here."""

from prompts.models.endpoints import CURRENCIES, PROVIDERS, ModelEndpoint
from prompts.models.ledger import Budget, ModelCall, QualityCell
from prompts.models.routing import Canary, LoadPolicy, RoutePolicy
from prompts.models.texts import (
    EMOTIONS,
    LANGUAGES,
    FewShotExample,
    Prompt,
    PromptVersion,
    Sop,
    SopQuestion,
)
from prompts.models.understanding import Intent, IntentExample, NluModel

__all__ = [
    "CURRENCIES",
    "EMOTIONS",
    "LANGUAGES",
    "PROVIDERS",
    "Budget",
    "Canary",
    "FewShotExample",
    "Intent",
    "IntentExample",
    "LoadPolicy",
    "ModelCall",
    "ModelEndpoint",
    "NluModel",
    "Prompt",
    "PromptVersion",
    "QualityCell",
    "RoutePolicy",
    "Sop",
    "SopQuestion",
]
