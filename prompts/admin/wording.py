"""Sentences of the admin's pages in the two languages staff read. Used by the pages of this package and of chat."""

from typing import Any

from prompts.bilingual import both, in_chinese, pick

__all__ = ["Chip", "as_money", "as_ms", "as_percent", "both", "in_chinese", "pick"]

# Between a number and its unit, so that a narrow column does not part them.
NO_BREAK = "\u00a0"


class Chip(tuple[str, Any]):
    """A kind and what it is called: a coloured chip in a list, its name in a form."""

    def __new__(cls, kind: str, name: Any) -> "Chip":
        return super().__new__(cls, (kind, name))

    def __str__(self) -> str:
        return str(self[1])


def as_ms(milliseconds: float | None) -> str:
    """A duration as people read it: "840 ms", "2.41 s"; a dash for none."""
    if milliseconds is None:
        return "—"
    if milliseconds < 1000:
        return f"{milliseconds:.0f}{NO_BREAK}ms"
    return f"{milliseconds / 1000:.2f}{NO_BREAK}s"


def as_money(amount: Any, currency: str) -> str:
    """An amount with its currency, as many digits as say something: "CNY 0.00034"."""
    digits = f"{amount:.8f}".rstrip("0")
    whole, _, cents = digits.partition(".")
    return f"{currency}{NO_BREAK}{whole}.{cents.ljust(2, '0')}"


def as_percent(share: float | None, *, digits: int = 1) -> str:
    return "—" if share is None else f"{share * 100:.{digits}f}%"
