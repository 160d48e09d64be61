"""Fills the texts staff edit with values. Logic-less: {{name}} and nothing else; values are never templates."""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog

from prompts.nlu.slots import TITLES

log = structlog.get_logger(__name__)

VARIABLE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
# Signs of template languages that would be sent to a model as they stand.
FOREIGN = re.compile(r"\{%|%\}|\{#|#\}|\{\{|\}\}|\$\{|<%|%>")
# The parts of a version that its frame may name. Parts use variables, never each other.
EMPTY_LINES = re.compile(r"\n{3,}")
PARTS = ("persona", "rules", "slots_block", "emotion_addendum", "privacy_line")


class Parted(Protocol):
    """A wording: its frame, and the parts in `PARTS`."""

    text: str
    persona: str
    rules: str
    slots_block: str
    emotion_addendum: str
    privacy_line: str


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


def render_wording(wording: Parted, values: Mapping[str, str], *, upset: bool) -> str:
    """The frame with its parts, each filled with `values`; the emotion addendum only for who is `upset`.

    One pass over the parts, one over the frame: what was put in is never read again as a template.
    """
    parts = {name: render(getattr(wording, name), values).strip() for name in PARTS}
    if not upset:
        parts["emotion_addendum"] = ""
    return EMPTY_LINES.sub("\n\n", render(wording.text, {**values, **parts})).strip()


def soothes(wording: Parted | None) -> bool:
    """Whether the wording has words of its own for a negative mood."""
    return bool(
        wording and wording.emotion_addendum and "emotion_addendum" in variables(wording.text)
    )


def variables(text: str) -> set[str]:
    """The names a text uses."""
    return set(VARIABLE.findall(text))


def foreign(text: str) -> list[str]:
    """Signs of a template language that are no {{variable}}, as {% or {{ settings.KEY }}."""
    return sorted(set(FOREIGN.findall(VARIABLE.sub("", text))))


def slots_text(slots: Mapping[str, str], *, language: str) -> str:
    """Slots as a person would list them: 订单号 20260131001."""
    return "; ".join(f"{slot_name(name, language)} {value}" for name, value in slots.items())


def slot_names(names: Iterable[str], *, language: str) -> str:
    return ", ".join(slot_name(name, language) for name in names)


def slot_name(name: str, language: str) -> str:
    """What a slot is called; its own name where nobody gave it one."""
    return TITLES.get(name, {}).get(language, name)
