"""English personal names: runs of capitalised words that are no common words, and what follows "my name is".

Without a language model only context and shape speak, so a lone capitalised word needs a title, an introduction or a
familiar given name beside it. Called by prompts.redaction.presidio; takes normalised text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from prompts.redaction.spans import Span, resolved
from prompts.redaction.words_en import COMMON, FAMILY_NAMES, GIVEN_NAMES, ORGANISATIONS, REGIONS

LETTER = r"[^\W\d_]"
WORD = rf"{LETTER}+(?:['’-]{LETTER}+){{0,3}}"
PARTICLES_TEXT = "af al av ben bin da de del della den der des di do dos du e el ibn la le st ten ter van von y zu"
PARTICLES = frozenset(PARTICLES_TEXT.split())
TOKEN = re.compile(rf"{WORD}\.?")
GAP = re.compile(r"[ \t]{1,2}|(?<=\.)")
DOTTED = frozenset({"mr", "mrs", "ms", "dr", "prof", "jr", "sr", "st"})
TITLES_TEXT = (
    "captain dr judge lady lord madam madame miss mr mrs ms mx prof professor rev reverend sir"
)
TITLES = frozenset(TITLES_TEXT.split())
INTRODUCED = re.compile(
    r"(?:\b(?:(?:my|his|her|their|your|the|last|first|full|sur|maiden) ?names?(?: is|'s| was|:|\?)(?: it is)?|name:|i am|i'm|i’m|im|this is|"
    r"called|named|signed|regards,?|sincerely,?|cheers,?|attn:?|recipient:?|consignee:?|contact:?|ship to:?|deliver(?:ed)? to|"
    r"dear|hi|hello|hey|(?:my|our|his|her) (?:\w+ )?(?:kid|son|daughter|wife|husband|brother|sister|friend|mother|father|mom|mum|"
    r"dad|uncle|aunt|boss|colleague|partner|neighbou?r|child|girlfriend|boyfriend|cousin|roommate)))[ ,:]*\s?$",
    re.IGNORECASE,
)
# Only these announce a name even when it is typed in small letters.
SMALL = re.compile(
    rf"\b(?:(?:my|full|last|first) name(?: is|'s|:)|name:|recipient:|i(?:'|’)m called) *(?P<name>{WORD}(?: {WORD}){{0,2}})",
    re.IGNORECASE,
)
SMALL_LINE = re.compile(r"^ *(?P<name>[a-z]{2,}(?: [a-z]{1,12}){1,2})\s*$", re.MULTILINE)
PLACE_BEFORE = re.compile(r"\b(?:in|at|for|of|the|via|near|to|visit|on)\s$", re.IGNORECASE)
PERSON_AFTER = re.compile(
    r"\s(?:said|says|wrote|told me|asked me|lives|was born|is from|thinks|moved|joined|works|began|arrived|had given|gave)\b"
)
SAID_BEFORE = re.compile(
    r"\b(?:said|says|asked|told|named (?:him|her)|thanks,?|thank you,?)\s$", re.IGNORECASE
)
# What a clause is headed with, "Disputed: hand over", is told from who speaks by endings that names have not.
HEADING = re.compile(
    r"(?:[ai]ble|[st]ion|(?<!cle)ment|ness|less|(?:[ac]t|ck|et|pp|pt|ut|rn|ll|nd|rm|ss?|[cgu]|[eiu]r|i[sz]|[io]v)ed)$"
)
# "Mark as returned", "Mark for review." begin with a verb.
VERB_NAMES = frozenset({"mark", "grant", "sue"})
OBJECT = re.compile(
    r" (?:(?:as|it|this|that|these|those|them|the|each|every|any|an?|your) |for [a-z-]+\s*(?:[.,;:!]|$))",
    re.MULTILINE,
)
# Names in a row: one that is familiar vouches for the others.
ROW = re.compile(rf"{WORD}(?:, {WORD}){{2,20}}(?:,? and {WORD})?")
CONTEXT_CHARS = 40
TOKENS_MAX = 6
TRIGGER = re.compile(
    r"[^\W\d_a-z][^\W\d_]|\bname|\bi['’]?m\b|^ *[a-z]+ [a-z]+(?: [a-z]+)?\s*$|, [a-z]+, ",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Token:
    start: int
    end: int
    text: str

    @property
    def key(self) -> str:
        return self.text.rstrip(".").lower().replace("’", "'")

    @property
    def base(self) -> str:
        return self.key.removesuffix("'s")


def find(text: str) -> list[Span]:
    """Names in normalised `text`, without their titles."""
    if TRIGGER.search(text) is None:
        return []
    found = [span for run in runs(text) if (span := judged(run, text)) is not None]
    found = resolved([*found, *small(text), *rows(text)])
    return resolved([*found, *mentioned_again(found, text)])


def runs(text: str) -> Iterator[list[Token]]:
    """Capitalised words in a row that may be a name, particles between them and initials included."""
    run: list[Token] = []
    for match in TOKEN.finditer(text):
        token = token_of(match)
        if run and not GAP.fullmatch(text, run[-1].end, token.start):
            yield run
            run = []
        if run and run[-1].key.endswith("'s"):
            yield run
            run = []
        if belongs(token, run):
            run.append(token)
            continue
        # "Aunt Bertha Inc" is a firm; whatever led to its last word is no person.
        if run and not (token.text[0].isupper() and token.base in ORGANISATIONS):
            yield run
        run = []
    if run:
        yield run


def token_of(match: re.Match[str]) -> Token:
    """A full stop belongs to initials and short titles, not to the end of a sentence."""
    text = match.group()
    if text.endswith(".") and len(text) > 2 and text[:-1].lower() not in DOTTED:
        text = text[:-1]
    return Token(match.start(), match.start() + len(text), text)


def belongs(token: Token, run: list[Token]) -> bool:
    if not token.text[0].isupper():
        return bool(run) and token.text in PARTICLES
    if run and len(token.key) == 1:
        return True
    if token.base in ORGANISATIONS or token.base in REGIONS:
        return False
    if not is_common(token) or token.key in TITLES:
        return True
    # Mark White, Alice Young: common words make surnames too.
    return bool(run) and run[-1].key in GIVEN_NAMES and len(token.key) > 3


def is_common(token: Token) -> bool:
    """ "E-mail" and "Check-in" are as common as their parts."""
    return token.base in COMMON or all(
        len(part) == 1 or part in COMMON for part in token.base.split("-")
    )


def judged(run: list[Token], text: str) -> Span | None:
    titled = any(token.key in TITLES for token in run)
    run = trimmed(run)
    if not run:
        return None
    start, end = run[0].start, run[-1].end
    if run[-1].key.endswith("'s"):
        end -= 2
    score = weigh(run, text, titled=titled)
    return Span(start, end, "NAME", score) if score else None


def is_speaker(text: str, start: int, end: int) -> bool:
    """A line of a dialogue: "Nicole: …"."""
    begins = text[end : end + 2] == ": " and text[:start].rpartition("\n")[2].strip() == ""
    return begins and HEADING.search(text[start:end].lower()) is None


def is_verb(token: Token, text: str) -> bool:
    """A familiar name that is told to somebody: "Mark it as urgent"."""
    if token.key not in VERB_NAMES or OBJECT.match(text, token.end) is None:
        return False
    before = text[max(0, token.start - CONTEXT_CHARS) : token.start].rstrip(" ")
    return not before or before[-1] in ".!?:;\n"


def trimmed(run: list[Token]) -> list[Token]:
    """Without titles in front and particles at the end."""
    while run and (run[0].key in TITLES or run[0].key in PARTICLES):
        run = run[1:]
    while run and run[-1].text in PARTICLES:
        run = run[:-1]
    return run


def weigh(run: list[Token], text: str, *, titled: bool) -> float:
    """0 where nothing says that this is a person."""
    start, end = run[0].start, run[-1].end
    before = text[max(0, start - CONTEXT_CHARS) : start]
    if titled or INTRODUCED.search(before):
        return 0.8
    given = any(token.base in GIVEN_NAMES for token in run)
    sure = given or any(len(token.key) == 1 or not token.text.isascii() for token in run)
    if PLACE_BEFORE.search(before) and not (sure and len(run) > 1):
        return 0.0
    if len(run) == 1 and is_verb(run[0], text):
        return 0.0
    shouted = any(len(token.key) > 3 and token.text.isupper() for token in run)
    if sum(len(token.key) > 1 for token in run) > 1:
        return 0.75 if given else 0.0 if shouted else 0.6
    accented = not run[0].text.isascii() and not shouted
    said = (
        PERSON_AFTER.match(text, end) or SAID_BEFORE.search(before) or is_speaker(text, start, end)
    )
    familiar = given or any(token.base in FAMILY_NAMES for token in run)
    return 0.55 if familiar or accented or said else 0.0


def small(text: str) -> Iterator[Span]:
    """Names typed without capitals: after "my name is", or a line of its own that begins with a given name."""
    for match in SMALL.finditer(text):
        if length := len(name_at_the_start(match["name"])):
            yield Span(match.start("name"), match.start("name") + length, "NAME", 0.7)
    for match in SMALL_LINE.finditer(text):
        first, *others = match["name"].split()
        if first in GIVEN_NAMES and COMMON.isdisjoint(others):
            yield Span(*match.span("name"), "NAME", 0.6)


def rows(text: str) -> Iterator[Span]:
    for row in ROW.finditer(text):
        names = [match for match in TOKEN.finditer(text, *row.span()) if match.group() != "and"]
        familiar = [match for match in names if token_of(match).key in GIVEN_NAMES]
        if len(familiar) > 1 and not any(is_common(token_of(match)) for match in names):
            yield from (Span(*match.span(), "NAME", 0.65) for match in names)


def name_at_the_start(words: str) -> str:
    return " ".join(takewhile(lambda word: word.lower() not in COMMON, words.split()))


def mentioned_again(found: list[Span], text: str) -> Iterator[Span]:
    """Further on, people go by one part of their name."""
    parts = {part for span in found for part in text[span.start : span.end].split()}
    for match in TOKEN.finditer(text):
        token = token_of(match)
        name = token.text.removesuffix("'s")
        if len(name) > 2 and name in parts and name[0].isupper() and token.base not in COMMON:
            yield Span(token.start, token.start + len(name), "NAME", 0.5)
