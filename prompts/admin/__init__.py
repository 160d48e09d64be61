"""The admin of prompts, a module for each kind of row. Django finds it here; importing registers it."""

from prompts.admin import ledger, models, texts

__all__ = ["ledger", "models", "texts"]
