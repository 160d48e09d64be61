"""Token counts out of what vendors send as usage: any shape may come, only sensible numbers are read."""

from typing import Any

# What the ledger's columns hold.
COUNT_MAX = 2**31 - 1


def count(fields: Any, *names: str) -> int | None:
    """The first of the named counts that is one; None when there is none."""
    for name in names:
        value = fields.get(name) if isinstance(fields, dict) else None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= COUNT_MAX:
            return value
    return None


def part(fields: Any, inner: str, *names: str) -> int:
    """A count inside of the object `inner` of `fields`; 0 when there is none."""
    return count(fields.get(inner) if isinstance(fields, dict) else None, *names) or 0
