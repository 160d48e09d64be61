"""Chinese personal names: every place where a surname may begin is weighed by a small linear model.

The weights come from a logistic regression on chat turns with names put in (prompts/redaction has none of them);
context words are weighed by hand. Called by prompts.redaction.presidio; takes normalised text.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import rjieba

from prompts.redaction import surnames
from prompts.redaction.regions import PROVINCE_OF
from prompts.redaction.spans import Span, resolved

SURNAMES = surnames.COMMON_SURNAMES | surnames.RARE_SURNAMES | surnames.EVERYDAY_SURNAMES
HAN = "\u4e00-\u9fff"
RUN = re.compile(f"[{HAN}]{{2,}}")
TRIGGER = re.compile(f"[{''.join(sorted(SURNAMES))}][{HAN}]")
# What stands before a name on a form or in an introduction, and after one in a greeting.
BEFORE = re.compile(
    r"(?:收[件货]人|联系人|姓名|开户名|户名|名字|我叫|名叫|叫做|[寄发]件人|发货人|配送员|快递员|经办人|持卡人|法人)"
    r"\s*(?:改成|改为|换成|[:：是为叫])?\s*$"
)
AFTER = re.compile(r"\s?(?:先生|女士|小姐|老师|师傅|同学|阿姨|叔叔|大姐|大哥|收\b)")
ADDRESSED = re.compile(
    rf"(?<![{HAN}])(?:[请找是]|我姓|叫)?([{''.join(sorted(SURNAMES))}])(?=先生|女士|小姐)"
)
# Words of one character that like to stand beside a name.
FUNCTION_LEFT = frozenset("的是叫找请给和说有让与了到我帮呢哦好")
FUNCTION_RIGHT = frozenset("好可呢亲是在的了请您我你这就和吗也都有说把给要会不没还吧啊哦与一已祝")
HONORIFICS = ("先生", "女士", "小姐", "师傅", "老师", "经理")
# Where the dictionary sees a word in the candidate.
WITH_WORDS = frozenset({"given is a word", "surname begins a word", "is a word"})
THRESHOLD = -0.9
BEFORE_CHARS = 10

# Natural-log odds. Keys: length of the given name and where its characters belong, the surname's kind, how the name
# sits between other characters (edge of the run, edge of a word, inside a word), what the dictionary sees in it.
WEIGHTS = {
    "given1": -3.69,
    "given2": -1.37,
    "common surname": 0.19,
    "rare surname": -1.81,
    "everyday surname": -3.31,
    "double surname": -0.14,
    "1 given": 1.82,
    "1 everyday given": -0.55,
    "1 everyday": -3.62,
    "1 unknown": -1.34,
    "2 given": 1.60,
    "2 everyday given": 0.63,
    "2 everyday": -3.66,
    "2 unknown": -1.31,
    "doubled given": -1.36,
    "both given": 0.55,
    "longer name fits": -2.07,
    "left edge": 0.69,
    "left word": -0.64,
    "left inside": -5.12,
    "right edge": 0.30,
    "right word": -1.16,
    "right inside": -4.20,
    "left function word": 0.46,
    "right function word": 0.64,
    "both edges 1": 0.79,
    "both edges 2": 0.97,
    "an edge, everyday surname": 0.20,
    "an edge": -0.97,
    "single characters": 1.07,
    "given is a name": 0.70,
    "given is a word": -0.02,
    "surname begins a word": -1.32,
    "is a known name": -2.88,
    "is a word": -2.61,
    "guessed name 1": 2.99,
    "guessed name 2": 2.30,
    "part of a guessed name": 0.50,
    # By hand: turns filled at random places have no forms, greetings and instructions to learn from.
    "verb and its object": -2.5,
    "before": 2.0,
    "after": 1.5,
}


@dataclass(frozen=True, slots=True)
class Words:
    """How the dictionary cuts a text: start of each word → (end, tag); start → end of the names it guesses."""

    known: dict[int, tuple[int, str]]
    guessed: dict[int, int]
    in_guessed: frozenset[int]
    """Every position inside one of those names."""


def find(text: str) -> list[Span]:
    """Full names, and the surname before 先生, 女士, 小姐, in normalised `text`."""
    if TRIGGER.search(text) is None:
        return []
    words = cut(text)
    found = [
        Span(start, end, "NAME", probability(weight))
        for run in RUN.finditer(text)
        for start, end, given in candidates(text, *run.span())
        if not is_something_else(text[start:end])
        and (weight := weigh(text, start, end, given=given, run=run.span(), words=words))
        > THRESHOLD
    ]
    addressed = [Span(*match.span(1), "NAME", 0.5) for match in ADDRESSED.finditer(text)]
    return resolved(found + addressed)


def cut(text: str) -> Words:
    known: dict[int, tuple[int, str]] = {}
    guessed: dict[int, int] = {}
    at = 0
    for word, tag in rjieba.tag(text, hmm=False):
        known[at] = (at + len(word), tag)
        at += len(word)
    at = 0
    for word, tag in rjieba.tag(text, hmm=True):
        if tag.startswith("nr"):
            guessed[at] = at + len(word)
        at += len(word)
    inside = frozenset(at for start, end in guessed.items() for at in range(start, end))
    return Words(known=known, guessed=guessed, in_guessed=inside)


def candidates(text: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(start, end, where the given name starts) of everything in the run that begins with a surname."""
    for at in range(start, end - 1):
        if text[at : at + 2] in surnames.DOUBLE_SURNAMES:
            yield from ((at, stop, at + 2) for stop in (at + 3, at + 4) if stop <= end)
        elif text[at] in SURNAMES:
            yield from ((at, stop, at + 1) for stop in (at + 2, at + 3) if stop <= end)


def is_something_else(candidate: str) -> bool:
    """A brand, a town, or a word said twice: 康康."""
    return (
        candidate in surnames.NOBODY
        or candidate[:2] in PROVINCE_OF
        or candidate in PROVINCE_OF
        or candidate.endswith(HONORIFICS)
        or (len(candidate) == 2 and candidate[0] == candidate[1])
    )


def weigh(
    text: str, start: int, end: int, *, given: int, run: tuple[int, int], words: Words
) -> float:
    length = end - given
    surname = kind_of_surname(text[start:given])
    total = WEIGHTS[f"given{length}"] + WEIGHTS[surname] + given_name(text[given:end])
    if length == 1 and end < run[1] and text[end] in surnames.GIVEN:
        total += WEIGHTS["longer name fits"]
    total += neighbours(text, start, end)
    total += edges(start, end, length=length, surname=surname, run=run, words=words)
    seen = inner(start, end, given=given, words=words)
    total += WEIGHTS[seen]
    if text[start] in surnames.VERB_SURNAMES and seen in WITH_WORDS:
        total += WEIGHTS["verb and its object"]
    total += guess(start, end, length=length, words=words)
    if BEFORE.search(text, max(0, start - BEFORE_CHARS), start):
        total += WEIGHTS["before"]
    return total + (WEIGHTS["after"] if AFTER.match(text, end) else 0.0)


def kind_of_surname(surname: str) -> str:
    if len(surname) == 2:
        return "double surname"
    if surname in surnames.COMMON_SURNAMES:
        return "common surname"
    return "rare surname" if surname in surnames.RARE_SURNAMES else "everyday surname"


def given_name(given: str) -> float:
    kinds = [kind_of_given(character) for character in given]
    total = sum(WEIGHTS[f"{len(given)} {kind}"] for kind in kinds)
    if len(given) == 2 and given[0] == given[1]:
        total += WEIGHTS["doubled given"]
    return total + (WEIGHTS["both given"] if kinds == ["given", "given"] else 0.0)


def kind_of_given(character: str) -> str:
    if character in surnames.GIVEN:
        return "given"
    if character in surnames.EVERYDAY_GIVEN:
        return "everyday given"
    return "everyday" if character in surnames.EVERYDAY else "unknown"


def neighbours(text: str, start: int, end: int) -> float:
    total = WEIGHTS["left function word"] if text[start - 1 : start] in FUNCTION_LEFT else 0.0
    return total + (
        WEIGHTS["right function word"] if text[end : end + 1] in FUNCTION_RIGHT else 0.0
    )


def edges(
    start: int, end: int, *, length: int, surname: str, run: tuple[int, int], words: Words
) -> float:
    left, right = start == run[0], end == run[1]
    total = WEIGHTS["left edge" if left else "left word" if start in words.known else "left inside"]
    total += WEIGHTS[
        "right edge" if right else "right word" if end in words.known else "right inside"
    ]
    if left and right:
        total += WEIGHTS[f"both edges {length}"]
    if left or right:
        everyday = surname == "everyday surname"
        total += WEIGHTS["an edge, everyday surname" if everyday else "an edge"]
    return total


def inner(start: int, end: int, *, given: int, words: Words) -> str:
    """What the dictionary sees in the candidate."""
    whole = words.known.get(start)
    if whole is not None and whole[0] == end:
        return "is a known name" if whole[1].startswith("nr") else "is a word"
    for at in range(start, end):
        stop, tag = words.known.get(at, (at, ""))
        if 1 < stop - at <= end - at:
            if at < given:
                return "surname begins a word"
            return "given is a name" if tag.startswith("nr") else "given is a word"
    return "single characters"


def guess(start: int, end: int, *, length: int, words: Words) -> float:
    if words.guessed.get(start) == end:
        return WEIGHTS[f"guessed name {length}"]
    overlaps = not words.in_guessed.isdisjoint(range(start, end))
    return WEIGHTS["part of a guessed name"] if overlaps else 0.0


def probability(weight: float) -> float:
    """Between 0.45 and 0.69: a number or an address found in the same place wins."""
    return round(0.45 + 0.24 / (1 + math.exp(-weight)), 3)
