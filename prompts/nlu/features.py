"""What a message is made of, for the linear models: its spelling, its words and their pairs, its sound, its tone.

Used by prompts.nlu.train and prompts.nlu.intents: what is learned is what is scored. Plain Python, no state.
"""

import re
from functools import lru_cache

import rjieba

from prompts.nlu.concepts import concepts
from prompts.nlu.segment import SYNONYMS, stem
from prompts.nlu.sound import sounds
from prompts.nlu.synonyms import STOP_WORDS_EN
from prompts.nlu.tone import tones

HAN = "\u3400-\u4dbf\u4e00-\u9fff"
SYMBOL = re.compile(rf"[{HAN}]|[a-z_]+|\S")
RUN = re.compile(rf"[{HAN}]+|[a-z_]+|\S")

SEQUENCE_MOST, WORDS_MOST, SOUND_SIZES = 3, 2, (2, 3)
LETTER_SIZES = (2, 3, 4, 5)
PAIR_WINDOW = 8
LONGEST_WORD = 20
FIRST_HAN = "\u3400"
START, END = "^", "$"

SEQUENCE, WORD, LETTERS, SOUND, PAIR, TONE, CONCEPT, PLACE = "s", "w", "l", "p", "o", "m", "k", "c"
GROUPS = (SEQUENCE, WORD, LETTERS, SOUND, PAIR, TONE, CONCEPT, PLACE)
"""Runs of symbols (a Chinese character, a word of letters, a sign); words; parts of words of letters;
runs of syllables; two words that say something, in any order; tones of voice and length; concepts and their pairs;
Chinese words of the first clause, of the last, and after 但是."""

CONTRAST = frozenset({"但", "但是", "就是", "不过", "只是", "可惜", "可是", "然而"})
CLAUSE_MOST = 12

Features = dict[str, list[str]]


def features(text: str) -> Features:
    """The features of a normalised text by group, as often as they occur, each with its group in front."""
    symbols = SYMBOL.findall(text)
    said = words(text)
    return {
        SEQUENCE: grams([START, *symbols, END], prefix=SEQUENCE, most=SEQUENCE_MOST),
        WORD: grams([START, *said, END], prefix=WORD, most=WORDS_MOST),
        LETTERS: [part for symbol in symbols if symbol.isascii() for part in letters(symbol)],
        SOUND: heard(sounds(symbols)),
        PAIR: pairs(said),
        TONE: [TONE + tone for tone in (*tones(text), length(symbols))],
        CONCEPT: meant(concepts(symbols)),
        PLACE: places(said),
    }


def words(text: str) -> list[str]:
    """Words in order, each replaced by the first of its synonyms; signs stay."""
    found: list[str] = []
    for run in RUN.findall(text):
        if run.isascii():
            found.append(meaning(run[:LONGEST_WORD]))
        else:
            found += [SYNONYMS.get(word, word) for word in rjieba.cut(run)]
    return found


def grams(units: list[str], *, prefix: str, most: int) -> list[str]:
    """Runs of one to `most` units; the frame at both ends is never alone."""
    found = [prefix + unit for unit in units[1:-1]]
    for size in range(2, most + 1):
        found += [prefix + " ".join(units[i : i + size]) for i in range(len(units) - size + 1)]
    return found


def heard(syllables: list[str]) -> list[str]:
    return [
        SOUND + " ".join(syllables[i : i + size])
        for size in SOUND_SIZES
        for i in range(len(syllables) - size + 1)
    ]


def pairs(said: list[str]) -> list[str]:
    # Of Chinese words only the neighbours, as WORD, have been worth their place.
    telling = [
        word for word in said if word.isascii() and word.islower() and word not in STOP_WORDS_EN
    ]
    return [
        f"{PAIR}{min(one, other)} {max(one, other)}"
        for i, one in enumerate(telling)
        for other in telling[i + 1 : i + 1 + PAIR_WINDOW]
    ]


def places(said: list[str]) -> list[str]:
    """Where words stand in a Chinese text of several clauses: "好看,但是贵" is less content than "贵,但是好看"."""
    clauses = parted(said)
    if len(clauses) < 2 or not any(word >= FIRST_HAN for word in said):
        return []
    found = [f"{PLACE}first {word}" for word in clauses[0][:CLAUSE_MOST]]
    found += [f"{PLACE}last {word}" for word in clauses[-1][:CLAUSE_MOST]]
    for clause in clauses[1:]:
        if clause[0] in CONTRAST:
            found += [f"{PLACE}but {word}" for word in clause[:CLAUSE_MOST]]
    return found


def parted(said: list[str]) -> list[list[str]]:
    """The words between signs, and from each word of contrast on."""
    clauses: list[list[str]] = [[]]
    for word in said:
        if not word.isalpha():
            clauses.append([])
        elif word in CONTRAST:
            clauses.append([word])
        else:
            clauses[-1].append(word)
    return [clause for clause in clauses if clause]


def length(symbols: list[str]) -> str:
    """How much is said, apart from classes and signs, in steps that double."""
    said = sum(symbol.islower() or symbol >= FIRST_HAN for symbol in symbols)
    return f"length{said.bit_length()}"


def meant(found: list[str]) -> list[str]:
    ordered = sorted(found)
    both = [
        f"{CONCEPT}{one} {other}" for i, one in enumerate(ordered) for other in ordered[i + 1 :]
    ]
    return [CONCEPT + one for one in found] + both


@lru_cache(maxsize=16384)
def meaning(word: str) -> str:
    if not word.islower():
        return word
    root = stem(word)
    return SYNONYMS.get(root, root)


@lru_cache(maxsize=16384)
def letters(word: str) -> tuple[str, ...]:
    if len(word) < 2:
        return ()
    framed = f"{START}{word[:LONGEST_WORD]}{END}"
    return tuple(
        LETTERS + framed[i : i + size]
        for size in LETTER_SIZES
        for i in range(len(framed) - size + 1)
    )
