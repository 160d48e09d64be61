"""Finds personal data in a text and masks it. The door of prompts.redaction: everybody outside calls this module.

    find        where it is
    mask        the text with placeholders instead
    replaced    the second half of mask, for who looks long before it may write
    warm        loads what the first call would otherwise wait for; warm_soon does so in the background

Patterns look at every text; names and addresses are looked for only where letters can make one. Fails closed: what
could not be examined to the end raises RedactionFailed and must not go to a model.
"""

import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from prompts.redaction import patterns, presidio
from prompts.redaction.normal import normal
from prompts.redaction.placeholders import PLACEHOLDER, Placeholders, disarmed
from prompts.redaction.spans import RedactionFailed, Span, resolved

Language = Literal["zh", "en"]
TIMEOUT_SECONDS = 1.0
TEXT_CHARS_MAX = 32_000
FILLER = "□"
# Nobody's; each reaches every part that loads something when first used.
SAMPLES: dict[Language, str] = {"zh": "王小明，13800000000", "en": "Jane Roe, 1 Main Street"}
WARMING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Masked:
    text: str
    spans: list[Span]
    """Of the text as it was given, in reading order."""
    values: dict[str, str]
    """Each placeholder in the text to what stood there: raw, so seal it and forget it."""


def find(
    text: str,
    *,
    language: Language,
    not_personal: Sequence[re.Pattern[str]] = (),
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> list[Span]:
    """Personal data in reading order, nothing overlapping.

    `not_personal` are the patterns of the shop's order numbers. Raises RedactionFailed: not examined to the end.
    """
    try:
        return examined(text, language=language, not_personal=not_personal, seconds=timeout_seconds)
    except RedactionFailed:
        raise
    except Exception as error:  # noqa: BLE001
        failure = type(error).__name__
    # Outside the handler and without its cause: an error may quote the text.
    raise RedactionFailed(failure)


def mask(
    text: str,
    *,
    language: Language,
    book: Placeholders,
    not_personal: Sequence[re.Pattern[str]] = (),
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Masked:
    """`find`, then `replaced`. Raises RedactionFailed."""
    spans = find(
        text, language=language, not_personal=not_personal, timeout_seconds=timeout_seconds
    )
    return replaced(text, spans, book=book)


def replaced(text: str, spans: list[Span], *, book: Placeholders) -> Masked:
    """The text with placeholders of `book`, which learns the new ones, where `find` found personal data.

    What only looks like a placeholder, because somebody typed it, is disarmed: ‹PHONE_1›.
    """
    pieces: list[str] = []
    values: dict[str, str] = {}
    at = 0
    for span in spans:
        value = text[span.start : span.end]
        placeholder = book.placeholder(value, type_=span.type)
        values.setdefault(placeholder, value)
        pieces += [disarmed(text[at : span.start]), placeholder]
        at = span.end
    pieces.append(disarmed(text[at:]))
    return Masked(text="".join(pieces), spans=spans, values=values)


def warm(*languages: Language) -> None:
    """Imports Presidio, builds its analyzers and reads the dictionary; seconds and 72 MB, once per process."""
    for language in languages or ("zh", "en"):
        find(SAMPLES[language], language=language, timeout_seconds=WARMING_SECONDS)


def warm_soon() -> None:
    """The same beside whatever the process does first: a message that comes meanwhile waits for what is left of it."""
    threading.Thread(target=warm, name="redaction-warm", daemon=True).start()


def examined(
    text: str, *, language: Language, not_personal: Sequence[re.Pattern[str]], seconds: float
) -> list[Span]:
    if len(text) > TEXT_CHARS_MAX:
        raise RedactionFailed("too long")
    # Placeholders of an earlier pass are nobody's data and nobody's name.
    form = normal(PLACEHOLDER.sub(lambda match: FILLER * len(match.group()), text))
    readers = presidio.languages(form.text, language=language)
    for reader in readers:
        # The import at the first message of a process is not the message's fault.
        presidio.analyzer(reader)
    token = presidio.deadline.set(time.monotonic() + seconds)
    try:
        found = patterns.find(form.text, language=language, not_personal=not_personal)
        found += presidio.find(form.text, language=language)
        if time.monotonic() > presidio.deadline.get():
            raise RedactionFailed("timeout")
    finally:
        presidio.deadline.reset(token)
    return [Span(*form.back(s.start, s.end), s.type, s.score) for s in resolved(found)]
