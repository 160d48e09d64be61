"""How Chinese sounds: syllables without tones, so that 快低, 快弟 and kuaidi are near 快递.

Used by prompts.nlu.features. Readings come from the data file of pypinyin, which itself is not imported: that would
load 60 MB of phrases.
"""

import json
import sys
import unicodedata
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

# Sounds that speakers and input methods mix up.
MERGED = (("zh", "z"), ("ch", "c"), ("sh", "s"))
FINALS = (("ing", "in"), ("eng", "en"), ("ang", "an"))
SHORTEST_RUN = 4


def sounds(symbols: list[str]) -> list[str]:
    """Merged syllables of Chinese characters and of words spelt in pinyin; anything else stands for itself."""
    readings = table()
    found: list[str] = []
    chinese = any(symbol in readings for symbol in symbols)
    if not chinese:
        return found
    for symbol in symbols:
        reading = readings.get(symbol)
        if reading is not None:
            found.append(reading)
        elif len(symbol) >= SHORTEST_RUN:
            found += spelt(symbol) or (symbol,)
        else:
            found.append(symbol)
    return found


@lru_cache(maxsize=4096)
def spelt(run: str) -> tuple[str, ...]:
    """The syllables of kuaidi: ("kuai", "di"); empty when it is no pinyin."""
    if not run:
        return ()
    known = syllables()
    for size in range(min(6, len(run)), 0, -1):
        head = run[:size]
        if head in known:
            rest = spelt(run[size:])
            if rest or size == len(run):
                return (merge(head), *rest)
    return ()


def merge(syllable: str) -> str:
    for sound, other in MERGED:
        if syllable.startswith(sound):
            syllable = other + syllable[2:]
    for sound, other in FINALS:
        if syllable.endswith(sound):
            syllable = syllable[: -len(sound)] + other
    return syllable


@cache
def table() -> dict[str, str]:
    """The merged first reading of each of the 21,000 characters of the main block."""
    return {character: sys.intern(merge(reading)) for character, reading in readings().items()}


@cache
def syllables() -> frozenset[str]:
    return frozenset(reading for reading in readings().values() if len(reading) > 1)


def readings() -> dict[str, str]:
    spec = find_spec("pypinyin")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pypinyin")
    path = Path(spec.origin).with_name("pinyin_dict.json")
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {
        chr(int(code)): bare(row.split(",")[0])
        for code, row in rows.items()
        if 0x4E00 <= int(code) <= 0x9FFF
    }


def bare(reading: str) -> str:
    decomposed = unicodedata.normalize("NFD", reading.replace("ü", "v"))
    return "".join(letter for letter in decomposed if letter.isascii())
