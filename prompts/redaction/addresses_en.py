"""Addresses as they are written outside China: a street with its number, then flat, town, code and country.

A street needs a number and either a word such as "Street", a flat, or a word such as "address" before it; the lines
after it belong to it as long as they look like parts of an address. Called by prompts.redaction.presidio; takes
normalised text.
"""

import re
from collections.abc import Iterator

from prompts.redaction.spans import Span, resolved
from prompts.redaction.words_en import COMMON

# A full stop belongs to an abbreviation; after a longer word it ends the sentence.
CAPITAL = r"(?:(?-i:[^\W\d_a-z][\w'’-]*(?:(?<![^\W\d_]{3})\.)?))"
SUFFIX = (
    r"(?:street|st|avenue|ave|av|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|way|place|pl|square|sq|terrace|ter|trail|"
    r"parkway|pkwy|highway|hwy|close|crescent|cres|gardens?|grove|row|alley|circle|cir|loop|path|quay|wharf|mews|heights|"
    r"hill|park|plaza|expressway|turnpike|crossing|crossroad|bypass)"
)
# Languages that put the kind of street first.
PREFIX = r"(?:rue|avenue|av\.|boulevard|via|viale|piazza|calle|avenida|rua|plaza|ul\.|ulica|paseo|carrera|place|chemin)"
FLAT = r"(?:(?:apt|apartment|suite|ste|unit|flat|room|rm|floor|fl|building|bldg|block|#)\.? ?#?\d{1,5}[a-z]?\b)"
NO_FLAT = r"(?!(?:apt|apartment|suite|ste|unit|flat)\b)"
NUMBER = r"\d{1,5}(?:[-/]\d{1,4})?[a-z]?"
NAMES = r"[^\W\d_][\w'’.-]*(?: [^\W\d_][\w'’.-]*){0,3}?"
STREET = re.compile(
    rf"(?<![\w.])(?:{NUMBER},? ){{1,2}}{NAMES} {SUFFIX}\b\.?(?: {NUMBER}\b)?"
    rf"|(?<![\w.])(?:{NUMBER} ){{1,2}}{PREFIX} (?:(?:d[aeiu]s?|del|la|le|el|van|von|y|e|st) |{NO_FLAT}{CAPITAL} ){{0,4}}(?:{NO_FLAT}{CAPITAL}|{NUMBER})(?: {NUMBER}\b)?",
    re.IGNORECASE,
)
NUMBERED = re.compile(
    rf"(?<![\w.])(?P<first>\d{{1,5}} )?(?P<names>{NAMES}) \d{{1,5}}\b(?![.:/-]?\d)\.?",
    re.IGNORECASE,
)
HOUSE = re.compile(rf"(?<![\w.])\d{{1,5}}(?: \d{{1,5}})? {CAPITAL}(?: {CAPITAL}){{0,3}}")
CUE = re.compile(
    r"(?:\baddress(?:es)?\b[^.\n]{0,40}?(?::|\bis\b|\bto\b|\bwith\b)|\b(?:live|lives|living|reside|meet you|ship|sent?|deliver|enter|stay|return|back|is|are|it[\'’]s|come)\b"
    r"[^.\n]{0,12}? (?:at|on|to|in)|\bcorner of)[ \n]*(?:it is |the corner of )?$",
    re.IGNORECASE,
)
CORNER = re.compile(
    rf"\b(?:the )?corner of (?:[\w'’.-]+ ){{1,6}}?and (?:{CAPITAL} ?){{1,4}}(?:\d{{1,5}})?",
    re.IGNORECASE,
)
BOX = re.compile(
    r"\b(?:(?:psc|unit|cmr) \d{1,5},? box \d{1,5}|p\.? ?o\.? box \d{1,6}|us(?:ns|nv|s|cgc) [a-z'-]+(?= *\n? *[afd]po))",
    re.IGNORECASE,
)
CODE = (
    r"(?:\d{2,3}-\d{3}|\d{4,6}(?:-\d{4})?|[a-z]\d[a-z] ?\d[a-z]\d|[a-z]{1,2}\d[a-z\d]? \d[a-z]{2})"
)
WORD = re.compile(r"\w+")
# Mail programs begin each line of a quotation with a mark.
LINE = r"(?:[ ,]*\n[ >|?*#]{0,8}|[ ,]+|(?<=\n))"
FLAT_NEXT = re.compile(rf"{LINE}{FLAT}", re.IGNORECASE)
NEXT = re.compile(rf"{LINE}{CAPITAL}|\s*$")
MORE = re.compile(
    rf"{LINE}(?:, ?)?(?:{FLAT}|(?:[a-z]{{2,3}}|nan),? {CODE}\b|{CODE}\b|[afd]po [a-z]{{2}}\b|(?P<town>{CAPITAL})(?: (?:{CAPITAL}|nad|de|di|la|upon|am|an der)){{0,3}}(?: ?\([\w ]+\))?)",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"\s*,?\s*(?:mobile|desk|fax|phone|tel|office|e-?mail|cell|home|work|after|before)\b",
    re.IGNORECASE,
)
ZIP = re.compile(rf"\b(?:zip|postal|post) ?code:?(?: is)? ({CODE})\b", re.IGNORECASE)
RESIDENCE = re.compile(
    rf"\b(?:lives?|lived|living|resid(?:e|es|ed|ing)|born|grew up) in ({CAPITAL}(?: {CAPITAL}){{0,2}}|[a-z]{{4,}}$)",
    re.IGNORECASE,
)
TRIGGER = re.compile(r"\d|corner of|\b(?:liv|resid|born|grew)", re.IGNORECASE)
# "2 at olive garden", "8 on the way".
FUNCTION_WORDS = frozenset(
    {"at", "on", "in", "to", "for", "is", "my", "your", "this", "with", "from"}
)
CONTEXT_CHARS = 60
MORE_MAX = 6


def find(text: str) -> list[Span]:
    """Streets with what follows them, post-office boxes, corners and zip codes in normalised `text`."""
    if TRIGGER.search(text) is None:
        return []
    found = [Span(*match.span(1), "ADDRESS", 0.85) for match in ZIP.finditer(text)]
    found += [whole(match, text, score=0.9) for match in BOX.finditer(text)]
    found += [whole(match, text, score=0.9) for match in CORNER.finditer(text)]
    found += [
        whole(match, text, score=0.9)
        for match in STREET.finditer(text)
        if FUNCTION_WORDS.isdisjoint(match.group().lower().split()[1:-1])
    ]
    found += numbered(text)
    found += [Span(*match.span(1), "ADDRESS", 0.5) for match in RESIDENCE.finditer(text)]
    return resolved(found)


def whole(match: re.Match[str], text: str, *, score: float) -> Span:
    """The match and the flat, town, region, code and country after it."""
    end = match.end()
    for _ in range(MORE_MAX):
        more = None if LABEL.match(text, end) else MORE.match(text, end)
        if more is None or (more["town"] or "").lower() in COMMON:
            break
        end = more.end()
    return Span(match.start(), end, "ADDRESS", score)


def numbered(text: str) -> Iterator[Span]:
    """Streets without a word for street: "28245 Puruntie 82 Apt. 595", or any "Puruntie 82" after "address:"."""
    at = 0
    while (match := NUMBERED.search(text, at)) is not None:
        first_word = WORD.match(text, match.start())
        at = match.end() if first_word is None else first_word.end()
        cued = CUE.search(text, max(0, match.start() - CONTEXT_CHARS), match.start()) is not None
        # "Růžena and Király u. 15" is a corner, where an address is expected.
        names = set(match["names"].lower().split()) - ({"and"} if cued else set())
        if not COMMON.isdisjoint(names):
            continue
        if (
            cued
            or FLAT_NEXT.match(text, match.end())
            or (match["first"] and match["names"].istitle() and NEXT.match(text, match.end()))
        ):
            yield whole(match, text, score=0.85)
            at = match.end()
    for match in HOUSE.finditer(text):
        if CUE.search(text, max(0, match.start() - CONTEXT_CHARS), match.start()):
            yield whole(match, text, score=0.85)
