"""The admin of prompts, a module for each kind of row. Django finds it here; importing registers it."""

from prompts.admin import (
    canaries,
    candidates,
    findings,
    ledger,
    load,
    models,
    policies,
    sops,
    texts,
    understanding,
)

__all__ = [
    "canaries",
    "candidates",
    "findings",
    "ledger",
    "load",
    "models",
    "policies",
    "sops",
    "texts",
    "understanding",
]
