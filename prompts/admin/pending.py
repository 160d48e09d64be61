"""Stands in for modules that are still being written; removed once they are there."""

from importlib import import_module
from typing import Any


class Late:
    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, attribute: str) -> Any:
        try:
            return getattr(import_module(self.name), attribute)
        except (ImportError, AttributeError):
            if attribute == "announce":
                return lambda: None
            raise


snapshot: Any = Late("prompts.snapshot")
canaries: Any = Late("prompts.canaries")
ledger: Any = Late("prompts.ledger")
completion: Any = Late("prompts.completion")
