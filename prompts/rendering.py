"""Fills the texts staff edit with values. Logic-less: {{name}} and nothing else; values are never templates."""

import re
from collections.abc import Iterable, Mapping

import structlog

from prompts.nlu.slots import TITLES

log = structlog.get_logger(__name__)

VARIABLE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


class UnknownVariable(ValueError):
    """A text uses a variable that is not declared."""


def render(text: str, values: Mapping[str, str]) -> str:
    """`text` with every {{name}} replaced.

    A name without a value becomes nothing and a log line: a slip in a prompt must not silence the bot.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            log.warning("prompt_variable_unknown", variable=name)
        return values.get(name, "")

    return VARIABLE.sub(value, text)


def variables(text: str) -> set[str]:
    """The names a text uses."""
    return set(VARIABLE.findall(text))


def check_declared(text: str, declared: Iterable[str]) -> None:
    """Raises UnknownVariable when `text` uses a name that is not declared; called before a text is saved."""
    unknown = variables(text) - set(declared)
    if unknown:
        raise UnknownVariable(", ".join(sorted(unknown)))


def slots_text(slots: Mapping[str, str], *, language: str) -> str:
    """Slots as a person would list them: 订单号 20260131001."""
    names = {name: TITLES.get(name, {}).get(language, name) for name in slots}
    return "; ".join(f"{names[name]} {value}" for name, value in slots.items())
