"""The admin of prompts, a module for each kind of row. Django finds it here; importing registers it."""

from prompts.admin import canaries, ledger, load, models, policies, texts, understanding

__all__ = ["canaries", "ledger", "load", "models", "policies", "texts", "understanding"]
