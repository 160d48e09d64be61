"""Personal data in what leaves and in what comes in: found, and replaced by placeholders, the same every time."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prompts.redaction import engine
from prompts.redaction.placeholders import PLACEHOLDER
from prompts.redaction.spans import RedactionFailed

# A batch may wait longer than a customer.
SECONDS = 30.0


@dataclass(slots=True)
class Masker:
    """Placeholders of one object: the same value gets the same one, and none that the object holds already."""

    language: engine.Language
    taken: set[str] = field(default_factory=set)
    known: dict[tuple[str, str], str] = field(default_factory=dict)

    def text(self, text: str) -> str:
        """Raises RedactionFailed."""
        pieces, at = [], 0
        for span in engine.find(text, language=self.language, timeout_seconds=SECONDS):
            value = text[span.start : span.end]
            pieces += [text[at : span.start], self.placeholder(str(span.type), value)]
            at = span.end
        return "".join((*pieces, text[at:]))

    def placeholder(self, kind: str, value: str) -> str:
        if (kind, value) not in self.known:
            number = 1
            while f"<{kind}_{number}>" in self.taken:
                number += 1
            self.known[kind, value] = f"<{kind}_{number}>"
            self.taken.add(f"<{kind}_{number}>")
        return self.known[kind, value]

    def value(self, value: Any) -> Any:
        """The value with every text in it masked. Raises RedactionFailed."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        if isinstance(value, dict):
            return {name: self.value(each) for name, each in value.items()}
        return value


def masked(
    said: Mapping[str, Any], fields: Iterable[str], *, language: str, known: Collection[str] = ()
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The object with these fields masked but for those that are `known`, and which of them were.

    Raises RedactionFailed.
    """
    names = [name for name in fields if name in said]
    spoken: engine.Language = "en" if language == "en" else "zh"
    masker = Masker(spoken, set(placeholders([said[name] for name in names])))
    found = {**said, **{n: masker.value(said[n]) for n in names if n not in known}}
    return found, tuple(name for name in names if found[name] != said[name])


def is_masked(value: Any) -> bool:
    """Whether something may have been masked in it: what was leaves a placeholder."""
    return next(iter(placeholders(value)), None) is not None


def placeholders(value: Any) -> Iterable[str]:
    """Those that stand in a value."""
    if isinstance(value, str):
        yield from (match.group() for match in PLACEHOLDER.finditer(value))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from placeholders(each)
    elif isinstance(value, dict):
        yield from placeholders(list(value.values()))


__all__ = ["Masker", "RedactionFailed", "is_masked", "masked", "placeholders"]
