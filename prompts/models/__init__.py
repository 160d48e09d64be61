"""The rows of prompts, by what they are about. Everybody imports them from here."""

from prompts.models.audit import AuditEntry
from prompts.models.endpoints import CURRENCIES, PROVIDERS, ModelEndpoint
from prompts.models.evaluation import EvalCase, EvalResult, EvalRun, EvalSet
from prompts.models.frozen import (
    ExampleSet,
    ExampleVersion,
    SopSet,
    SopVersion,
    SopVersionQuestion,
)
from prompts.models.jobs import Job
from prompts.models.ledger import Budget, ModelCall, QualityCell
from prompts.models.releases import Release, ReleaseMove
from prompts.models.roles import RoleGrant
from prompts.models.routing import Canary, LoadPolicy, RoutePolicy
from prompts.models.sops import Sop, SopFinding, SopImport, SopQuestion
from prompts.models.texts import (
    EMOTIONS,
    LANGUAGES,
    ExampleUse,
    FewShotExample,
    Prompt,
    PromptDraft,
    PromptVersion,
    PublishRequest,
    Wording,
)
from prompts.models.understanding import Candidate, Intent, IntentExample, NluModel

__all__ = [
    "CURRENCIES",
    "EMOTIONS",
    "LANGUAGES",
    "PROVIDERS",
    "AuditEntry",
    "Budget",
    "Canary",
    "Candidate",
    "EvalCase",
    "EvalResult",
    "EvalRun",
    "EvalSet",
    "ExampleSet",
    "ExampleUse",
    "ExampleVersion",
    "FewShotExample",
    "Intent",
    "IntentExample",
    "Job",
    "LoadPolicy",
    "ModelCall",
    "ModelEndpoint",
    "NluModel",
    "Prompt",
    "PromptDraft",
    "PromptVersion",
    "PublishRequest",
    "QualityCell",
    "Release",
    "ReleaseMove",
    "RoleGrant",
    "RoutePolicy",
    "Sop",
    "SopFinding",
    "SopImport",
    "SopQuestion",
    "SopSet",
    "SopVersion",
    "SopVersionQuestion",
    "Wording",
]
