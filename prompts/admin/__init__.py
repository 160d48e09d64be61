"""The admin of prompts, a module for each kind of row. Django finds it here; importing registers it."""

from prompts.admin import (
    canaries,
    candidates,
    examples,
    findings,
    ledger,
    load,
    models,
    policies,
    prompts,
    sops,
    understanding,
)

__all__ = [
    "canaries",
    "candidates",
    "examples",
    "findings",
    "ledger",
    "load",
    "models",
    "policies",
    "prompts",
    "sops",
    "understanding",
]
