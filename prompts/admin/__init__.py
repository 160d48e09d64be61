"""The admin of prompts, a module for each kind of row. Django finds it here; importing registers it."""

from prompts.admin import (
    audits,
    canaries,
    candidates,
    evaluation,
    examples,
    findings,
    ledger,
    load,
    models,
    policies,
    prompts,
    releases,
    sops,
    staff,
    understanding,
)

__all__ = [
    "audits",
    "canaries",
    "candidates",
    "evaluation",
    "examples",
    "findings",
    "ledger",
    "load",
    "models",
    "policies",
    "prompts",
    "releases",
    "sops",
    "staff",
    "understanding",
]
