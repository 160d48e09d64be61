"""Which shops there are, and who asks a case in one. Shops and their tools are chat's, which prompts knows nothing of: chat
names itself here.
"""

from typing import Any

from django.utils.module_loading import import_string

# The dotted names of chat's functions, set once as its app is made ready.
NAMED: dict[str, str] = {}


def register(*, ask: str, inboxes: str) -> None:
    """Names two functions, imported when they are first wanted.

    `ask` takes an EvalCase and gives an `asking.Asked`; `inboxes` gives (key, name) of every inbox.
    """
    NAMED.update(ask=ask, inboxes=inboxes)


def asker() -> Any:
    """The function that asks; None where nobody was named."""
    return import_string(NAMED["ask"]) if NAMED else None


def inboxes() -> list[tuple[str, str]]:
    """(key, name) of every shop's inbox, by name."""
    found: list[tuple[str, str]] = import_string(NAMED["inboxes"])() if NAMED else []
    return found
