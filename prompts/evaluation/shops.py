"""Who asks a case in a shop. Shops and their tools are chat's, which prompts knows nothing of: chat names itself here."""

from typing import Any

from django.utils.module_loading import import_string

# The dotted name of what asks a case in its set's shop, set once as chat's app is made ready.
NAMED: list[str] = []


def asks(name: str) -> None:
    """Says who asks: the name of a function from an EvalCase to `asking.Asked`, imported when the first case wants it."""
    NAMED[:] = [name]


def asker() -> Any:
    """The function that was named; None where nobody was."""
    return import_string(NAMED[0]) if NAMED else None
