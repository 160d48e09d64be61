"""The shipped intent examples under prompts/defaults/intents: complete, storable, each said once, copied from nobody."""

import gzip
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from chat.protocol import storable

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "prompts" / "defaults" / "intents"
MULTI = FOLDER / "_multi.yaml"
# Real chats lie beside the repository on the machines that measure. The labelled set is a sample of the first.
REAL_CHATS = [REPOSITORY.parent / "shared" / "data" / name for name in ("jddc_sessions", "jddc_qa")]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

INTENTS = {
    "order_status",
    "logistics",
    "urge",
    "change_address",
    "cancel_order",
    "return",
    "exchange",
    "refund",
    "repair",
    "damaged_or_wrong",
    "invoice",
    "promotion",
    "price_protection",
    "payment",
    "product_info",
    "stock",
    "account",
    "complaint",
    "human",
    "provide_info",
    "confirm",
    "thanks_bye",
    "greeting",
    "other",
}
VARIED = {
    "product_info",
    "logistics",
    "promotion",
    "refund",
    "repair",
    "other",
    "confirm",
    "provide_info",
}
LANGUAGES = ("zh", "en")
MOODS = {"neutral", "negative", "positive"}
FEWEST = {"zh": 140, "en": 50}
FEWEST_VARIED_ZH = 200
FEWEST_MULTI = {"zh": 120, "en": 40}
TEXT_CHARS = range(1, 201)
# Shorter ones are what everybody says; nobody can have copied them.
COPIED_CHARS = 10

NOT_A_LETTER = re.compile(r"[\W_]+")
HAN = re.compile("[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"<[^<>]*>")
KNOWN_PLACEHOLDER = re.compile(r"<[A-Z]+_[1-9]>|<br>")


@cache
def load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - a safe one


def intent_files() -> list[Path]:
    return sorted(path for path in FOLDER.glob("*.yaml") if path != MULTI)


def texts_of(path: Path, language: str) -> list[Any]:
    return [text for texts in load(path)[language].values() for text in texts]


def multi(language: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(MULTI)[language]
    return found


def every_text() -> list[Any]:
    single = [
        text
        for path in intent_files()
        for language in LANGUAGES
        for text in texts_of(path, language)
    ]
    return single + [entry["text"] for language in LANGUAGES for entry in multi(language)]


def folded(text: str) -> str:
    """Two texts that differ in width, case or punctuation only are one; one of signs alone stays itself."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return NOT_A_LETTER.sub("", plain) or "".join(plain.split())


def real_words(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                yield from (turn["text"] for turn in row.get("turns", []))
                yield from (row[name] for name in ("context", "reply") if name in row)


def test_files_are_named_for_exactly_the_known_intents() -> None:
    assert {path.stem for path in intent_files()} == INTENTS


@pytest.mark.parametrize("path", intent_files(), ids=lambda path: path.stem)
def test_file_has_titles_and_known_moods(path: Path) -> None:
    content = load(path)

    assert set(content) == {"title_zh", "title_en", *LANGUAGES}
    assert HAN.search(content["title_zh"])
    assert content["title_en"].isascii()
    assert [set(content[language]) for language in LANGUAGES] == [MOODS, MOODS]


@pytest.mark.parametrize("path", intent_files(), ids=lambda path: path.stem)
def test_file_opens_with_its_meaning_in_both_languages(path: Path) -> None:
    chinese, english = path.read_text(encoding="utf-8").splitlines()[:2]

    assert chinese.startswith("# ")
    assert HAN.search(chinese)
    assert english.startswith("# ")
    assert not HAN.search(english)


@pytest.mark.parametrize("path", intent_files(), ids=lambda path: path.stem)
def test_file_has_enough_examples(path: Path) -> None:
    counted = {language: len(texts_of(path, language)) for language in LANGUAGES}
    fewest = FEWEST | ({"zh": FEWEST_VARIED_ZH} if path.stem in VARIED else {})

    assert {name: n for name, n in counted.items() if n < fewest[name]} == {}


@pytest.mark.parametrize("path", intent_files(), ids=lambda path: path.stem)
def test_every_intent_is_also_said_in_displeasure_and_in_warmth(path: Path) -> None:
    said = {
        (language, mood): load(path)[language][mood] for language in LANGUAGES for mood in MOODS
    }

    assert [where for where, texts in said.items() if not texts] == []


@pytest.mark.parametrize("path", intent_files(), ids=lambda path: path.stem)
def test_english_examples_hold_no_chinese(path: Path) -> None:
    assert [text for text in texts_of(path, "en") if HAN.search(text)] == []


def test_texts_are_storable_and_of_chat_length() -> None:
    odd = [
        text
        for text in every_text()
        if not isinstance(text, str)
        or text != text.strip()
        or len(text) not in TEXT_CHARS
        or not storable(text)
    ]

    assert odd == []


def test_placeholders_are_those_of_the_redaction() -> None:
    found = {mark for text in every_text() for mark in PLACEHOLDER.findall(text)}

    assert {mark for mark in found if not KNOWN_PLACEHOLDER.fullmatch(mark)} == set()


def test_no_text_is_said_twice() -> None:
    said = Counter(map(folded, every_text()))

    assert [text for text in every_text() if said[folded(text)] > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_of_several_intents_are_well_formed(language: str) -> None:
    odd = [
        entry
        for entry in multi(language)
        if set(entry) != {"text", "intents", "emotion"}
        or not 2 <= len(entry["intents"]) <= 4
        or len(set(entry["intents"])) < len(entry["intents"])
        or not set(entry["intents"]) <= INTENTS
        or entry["emotion"] not in MOODS
    ]

    assert odd == []
    assert len(multi(language)) >= FEWEST_MULTI[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_intent_is_also_said_among_others(language: str) -> None:
    together = {name for entry in multi(language) for name in entry["intents"]}

    assert INTENTS - together <= {"other"}


@pytest.mark.parametrize("folder", REAL_CHATS, ids=lambda folder: folder.name)
def test_no_example_is_copied_from_real_chats(folder: Path) -> None:
    if not folder.is_dir():
        pytest.skip(f"shared data set {folder.name} is not on this machine")
    said = "\n".join(map(folded, real_words(folder)))

    copied = [
        text for text in every_text() if len(key := folded(text)) >= COPIED_CHARS and key in said
    ]

    assert said
    assert copied == []
