"""Fills the texts staff edit with values. Logic-less: {{name}} and nothing else; values are never templates."""

import re
from collections.abc import Mapping

VARIABLE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


class UnknownVariable(KeyError):
    """A text names a variable nobody gives it."""


def render(text: str, values: Mapping[str, str]) -> str:
    """`text` with every {{name}} replaced. Raises UnknownVariable."""

    def value(match: re.Match[str]) -> str:
        try:
            return values[match.group(1)]
        except KeyError:
            raise UnknownVariable(match.group(1)) from None

    return VARIABLE.sub(value, text)


def variables(text: str) -> set[str]:
    """The names a text uses."""
    return set(VARIABLE.findall(text))
