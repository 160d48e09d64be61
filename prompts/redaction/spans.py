"""What redaction finds and how it fails: shared by every module of prompts.redaction.

RedactionFailed     the text was not examined to the end; it must go nowhere
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

Type = Literal[
    "PHONE",
    "ID_CARD",
    "BANK_CARD",
    "IBAN",
    "EMAIL",
    "NAME",
    "ADDRESS",
    "PLATE",
    "PASSPORT",
    "COURIER",
    "IP",
]
TYPES: tuple[Type, ...] = get_args(Type)
PIECE_CHARS = 3


class RedactionFailed(Exception):
    """The detector broke or ran out of time. Says which, never what it was reading."""


@dataclass(frozen=True, slots=True)
class Span:
    """`start` and `end` count characters of the text as it was given; `score` is in 0..1."""

    start: int
    end: int
    type: Type
    score: float


def resolved(spans: Iterable[Span]) -> list[Span]:
    """The spans in reading order; of two that overlap the one with the higher score stays, then the longer one.

    An address loses only what the other covers: a phone number inside it must not bring the street to light.
    """
    kept: list[Span] = []
    starts: list[int] = []
    for span in sorted(spans, key=lambda s: (-s.score, s.start - s.end, s.start)):
        for piece in outside(span, kept, starts):
            at = bisect_left(starts, piece.start)
            starts.insert(at, piece.start)
            kept.insert(at, piece)
    return kept


def outside(span: Span, kept: list[Span], starts: list[int]) -> Iterator[Span]:
    """The span, or what of it nothing in `kept` covers."""
    first = bisect_left(starts, span.start)
    first -= first > 0 and kept[first - 1].end > span.start
    last = bisect_left(starts, span.end)
    if first == last:
        yield span
    if first == last or span.type != "ADDRESS":
        return
    start = span.start
    for other in [*kept[first:last], Span(span.end, span.end, "ADDRESS", 0)]:
        if other.start - start >= PIECE_CHARS:
            yield replace(span, start=start, end=other.start)
        start = other.end
