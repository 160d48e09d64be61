"""Cuts customers' words into search terms: words, parts of words, single characters.

Used by prompts.retrieval for questions and queries alike. Plain Python, no state.
"""

import re
import unicodedata
from collections.abc import Iterator

import rjieba

from prompts.nlu.synonyms import SIMPLIFIED, STOP_WORDS_EN, STOP_WORDS_ZH, SYNONYM_LINES

HAN = "\u3400-\u4dbf\u4e00-\u9fff"
HAN_CHARACTER = re.compile(f"[{HAN}]")
RUN = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")
APOSTROPHE = re.compile(r"(?<=\w)['’`](?=\w)")
CLAUSE_END = re.compile(rf"[,，。!！?？;；~…\n]+|\.\s|(?<=[{HAN}])\s+|\s+(?=[{HAN}])")
CLAUSE_CHARS = 3
IDENTIFIER_DIGITS = 5
LONGEST_WORD_CHARS = 40
GRAM_CHARS = 3
VOWELS = frozenset("aeiouy")

# One kind of term per first character, so that a word, a part of a word and a character never collide.
WORD, STOP_WORD, GRAM, CHARACTER = "w", "s", "g", "c"


def normalise(text: str) -> str:
    """Full-width to half-width, lower case, simplified characters, I'm → im."""
    folded = unicodedata.normalize("NFKC", text).lower().translate(SIMPLIFIED)
    return APOSTROPHE.sub("", folded)


def words(text: str) -> list[str]:
    """The words in reading order, overlapping where a long Chinese word holds shorter ones.

    No punctuation, no emoji, no long numbers: those are order numbers and phones, never part of a question.
    """
    return [word for run in runs(text) for word in cut(run)]


def grams(text: str) -> list[str]:
    """Pieces that survive a typing error: pairs of Chinese characters, triples of other letters."""
    return [gram for run in runs(text) for gram in pieces(run)]


def terms(text: str) -> tuple[str, ...]:
    """Every search term once, its kind in front: ("w退货", "s怎么", "g退货", "c退", …).

    Words are stemmed and replaced by the first of their synonyms; parts and characters stay as written.
    """
    return tuple(dict.fromkeys(term for run in runs(text) for term in terms_of(run)))


def clauses(text: str) -> list[str]:
    """The text cut at punctuation, and at spaces next to Chinese, where customers often write none."""
    return [part for part in CLAUSE_END.split(text) if len(part.strip()) >= CLAUSE_CHARS]


def language_of(text: str) -> str:
    """ "zh" when there is a Chinese character, else "en"."""
    return "zh" if HAN_CHARACTER.search(text) else "en"


def runs(text: str) -> Iterator[str]:
    """Unbroken stretches of Chinese characters or of other letters and digits."""
    for match in RUN.finditer(normalise(text)):
        run = match.group()
        if not (run.isdigit() and len(run) >= IDENTIFIER_DIGITS):
            yield run if is_han(run) else run[:LONGEST_WORD_CHARS]


def is_han(run: str) -> bool:
    return HAN_CHARACTER.match(run) is not None


def cut(run: str) -> list[str]:
    # Without the word-guessing model: a mistyped word falls apart into known ones, and is found by them.
    return list(rjieba.cut_for_search(run, hmm=False)) if is_han(run) else [run]


def pieces(run: str) -> list[str]:
    if is_han(run):
        return [run[i : i + 2] for i in range(len(run) - 1)]
    framed = f"^{run}$"
    return [framed[i : i + GRAM_CHARS] for i in range(len(framed) - GRAM_CHARS + 1)]


def terms_of(run: str) -> Iterator[str]:
    yield from map(word_term, cut(run))
    if is_han(run):
        yield from (CHARACTER + character for character in run)
    elif run in STOP_WORDS_EN:
        return
    yield from (GRAM + piece for piece in pieces(run))


def word_term(word: str) -> str:
    if word in STOP_WORDS_EN:
        return STOP_WORD + word
    stemmed = stem(word)
    meant = SYNONYMS.get(stemmed, stemmed)
    return (STOP_WORD if meant in STOP_WORDS_ZH else WORD) + meant


def stem(word: str) -> str:
    """Takes off the plural, -ing, -ed and a silent e: shipping, shipped, ships → ship."""
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if root != word and len(root) > 2 and VOWELS.intersection(root):
            return bare(single(root))
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return bare(word)


def single(root: str) -> str:
    doubled = len(root) > 3 and root[-1] == root[-2] and root[-1] not in "ls"
    return root[:-1] if doubled else root


def bare(word: str) -> str:
    if len(word) > 4 and word.endswith("ll"):
        return word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def first_words() -> dict[str, str]:
    """Each stem to the one that stands for its line; a word of two lines belongs to the first."""
    found: dict[str, str] = {}
    for line in SYNONYM_LINES.strip().splitlines():
        meant, *others = map(stem, line.split())
        for word in (meant, *others):
            found.setdefault(word, meant)
    return found


SYNONYMS = first_words()
