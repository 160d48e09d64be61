"""Brings text into one form for matching, and positions found there back to the text as it was given.

Full-width, circled and foreign digits, compatibility letters and invisible characters all become what a pattern
expects. Called by prompts.redaction.engine.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# What becomes one other character: no position moves. A lone surrogate is no text, and the segmenter refuses it.
SAME_WIDTH = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
SAME_WIDTH |= dict.fromkeys("\u3000\u00a0\u2002\u2003\u2009\u202f", " ") | {"\u3002": "."}
SAME_WIDTH |= dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63", "-")
SAME_WIDTH |= dict.fromkeys("\u30fb\u2022\u2027\u2219\u22c5", "·")
ONE_FOR_ONE = re.compile(f"[{re.escape(''.join(SAME_WIDTH))}\ud800-\udfff]")
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f"
)
FOREIGN_DIGITS = "٠-٩۰-۹߀-߉०-९০-৯੦-੯૦-૯୦-୯௦-௯౦-౯೦-೯൦-൯๐-๙໐-໙༠-༩၀-၉០-៩᠐-᠙"
ODD = re.compile(f"[{INVISIBLE}{FOREIGN_DIGITS}]")
UNSEEN = re.compile(f"[{INVISIBLE}]")
CLUSTER = re.compile("[\\s\\S][\u0300-\u036f]*")


@dataclass(frozen=True, slots=True)
class Normal:
    """`origin[i]` is where character i of `text` began in the input, with one more for its end; None: one for one."""

    text: str
    origin: Sequence[int] | None = None

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Start and end in the text as it was given; a character that became several is taken whole."""
        if self.origin is None:
            return start, end
        last = self.origin[end - 1]
        return self.origin[start], next(at for at in self.origin[end:] if at > last)


def normal(text: str) -> Normal:
    """The form that patterns read: NFKC, decimal digits in ASCII, dashes and dots of one kind, nothing invisible."""
    if text.isascii():
        return Normal(text)
    simple = one_for_one(text)
    if unicodedata.is_normalized("NFKC", simple) and not ODD.search(simple):
        return Normal(simple)
    return mapped(simple)


def one_for_one(text: str) -> str:
    return ONE_FOR_ONE.sub(lambda match: SAME_WIDTH.get(match.group(), "\ufffd"), text)


def mapped(text: str) -> Normal:
    pieces: list[str] = []
    origin: list[int] = []
    for match in CLUSTER.finditer(text):
        piece = folded(match.group())
        pieces.append(piece)
        origin.extend([match.start()] * len(piece))
    return Normal("".join(pieces), [*origin, len(text)])


def folded(cluster: str) -> str:
    seen = UNSEEN.sub("", cluster)
    return "".join(map(digit, one_for_one(unicodedata.normalize("NFKC", seen))))


def digit(character: str) -> str:
    """Arabic, Indian and other decimal digits as ASCII."""
    if character.isascii() or not character.isdecimal():
        return character
    return str(unicodedata.decimal(character))
