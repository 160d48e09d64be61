"""The shipped texts under prompts/defaults: well formed, complete in both languages, without personal data."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from prompts import versions
from prompts.models import Prompt, PromptVersion
from prompts.redaction import engine

DEFAULTS = Path(__file__).resolve().parents[2] / "prompts" / "defaults"
LANGUAGES = ("zh", "en")
FEWEST_SOPS = {"zh": 60, "en": 40}
FEWEST_PER_CATEGORY = {"zh": 3, "en": 2}
# Characters of a Chinese answer, words of an English one.
ANSWER_LENGTH = {"zh": range(30, 91), "en": range(20, 61)}
QUESTIONS = range(6, 13)
STEPS = range(2, 6)
TITLE_CHARS = 100
QUESTION_CHARS = 80
FILE_LINES = 400
BOT_LINE_CHARS = 30
BOT_LINE_WORDS = 25

CATEGORIES = {
    "order_status",
    "logistics",
    "urge",
    "change_address",
    "cancel_order",
    "return",
    "exchange",
    "refund",
    "invoice",
    "coupon",
    "price_protection",
    "payment",
    "warranty",
    "damaged_goods",
    "wrong_goods",
    "account",
    "membership",
    "complaint",
    "human",
    "product_info",
}
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
    "other",
}
SLOTS = {"order_number", "phone", "address", "product", "amount", "date", "courier_number"}
TOOLS = {
    None,
    "get_order",
    "get_logistics",
    "change_address",
    "urge_delivery",
    "create_return",
    "cancel_order",
}
PURPOSES = {
    "answer",
    "resume",
    "resumed",
    "apology",
    "unknown",
    "handoff_notice",
    "offline_notice",
    "agent_joined",
    "handed_back",
    "queue_left",
    "message_left",
    "no_people",
    "conversation_resolved",
    "greeting",
    "busy",
    "dispatch",
    "analyse",
    "summary",
    "brief",
    "draft",
    "rewrite",
    "translate",
    "translate_reply",
    "first_reply",
    "first_reply_open",
    "judge",
    "soothe",
    "offer_human",
    "noted",
    "noted_for",
    "check",
}
SOP_FIELDS = {
    "key",
    "title",
    "category",
    "intent",
    "questions",
    "answer",
    "steps",
    "required_slots",
    "tool",
}

VARIABLE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
NOT_A_LETTER = re.compile(r"[\W_]+")
PERSONAL = {
    "phone": re.compile(r"(?<!\d)1[3-9](?:[ -]?\d){9}(?!\d)|(?<!\d)0\d{2,3}[ -]?\d{7,8}(?!\d)"),
    "long number": re.compile(r"\d(?:[ -]?\d){6,}"),
    "identity card": re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)"),
    "mail address": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "web address": re.compile(r"https?://|www\."),
}


@cache
def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def sop_files(language: str) -> list[Path]:
    return sorted((DEFAULTS / "sops" / language).glob("*.yaml"))


def sops(language: str) -> list[dict[str, Any]]:
    return [sop for path in sop_files(language) for sop in load(path)]


def purposes(language: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(DEFAULTS / f"persona.{language}.yaml")["purposes"]
    return found


def examples(language: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(DEFAULTS / f"examples.{language}.yaml")
    return found


def written_files() -> list[Path]:
    return sorted([*DEFAULTS.glob("*.yaml"), *DEFAULTS.glob("sops/*/*.yaml")])


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def folded(text: str) -> str:
    """Without punctuation, spaces and case: two questions that differ only there are one."""
    return NOT_A_LETTER.sub("", text).lower()


def repeated(values: list[str]) -> list[str]:
    return [value for value, times in Counter(values).items() if times > 1]


@pytest.mark.parametrize("path", written_files(), ids=lambda path: path.stem)
def test_file_parses_and_stays_short(path: Path) -> None:
    assert load(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", written_files(), ids=lambda path: path.stem)
def test_file_holds_no_personal_data(path: Path) -> None:
    found = [
        (kind, text)
        for text in strings(load(path))
        for kind, pattern in PERSONAL.items()
        if pattern.search(text)
    ]

    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_redaction_leaves_shipped_sops_as_they_are(language: engine.Language) -> None:
    said = {text for sop in sops(language) for text in strings(sop)}
    found = {text: engine.find(text, language=language, timeout_seconds=60) for text in said}

    assert {text: spans for text, spans in found.items() if spans} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_sops_cover_every_category(language: str) -> None:
    counted = Counter(sop["category"] for sop in sops(language))

    assert {path.stem for path in sop_files(language)} == CATEGORIES
    assert set(counted) == CATEGORIES
    assert min(counted.values()) >= FEWEST_PER_CATEGORY[language]
    assert counted.total() >= FEWEST_SOPS[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_sops_cover_every_intent(language: str) -> None:
    assert {sop["intent"] for sop in sops(language)} == INTENTS


@pytest.mark.parametrize("language", LANGUAGES)
def test_sop_stands_in_the_file_of_its_category(language: str) -> None:
    misplaced = [
        sop["key"]
        for path in sop_files(language)
        for sop in load(path)
        if sop["category"] != path.stem
    ]

    assert misplaced == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_sop_keys_are_unique(language: str) -> None:
    assert repeated([sop["key"] for sop in sops(language)]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_sop_titles_are_unique(language: str) -> None:
    assert repeated([folded(sop["title"]) for sop in sops(language)]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_questions_are_unique_titles_included(language: str) -> None:
    asked = [folded(text) for sop in sops(language) for text in (sop["title"], *sop["questions"])]

    assert repeated(asked) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_sop_fields_are_well_formed(language: str) -> None:
    assert [sop["key"] for sop in sops(language) if not is_well_formed(sop)] == []


def is_well_formed(sop: dict[str, Any]) -> bool:
    return (
        set(sop) == SOP_FIELDS
        and sop["intent"] in INTENTS
        and sop["tool"] in TOOLS
        and set(sop["required_slots"]) <= SLOTS
        and len(sop["title"]) <= TITLE_CHARS
        and len(sop["questions"]) in QUESTIONS
        and len(sop["steps"]) in STEPS
        and all(isinstance(text, str) and text.strip() == text != "" for text in texts_of(sop))
        and all(len(question) <= QUESTION_CHARS for question in sop["questions"])
    )


def texts_of(sop: dict[str, Any]) -> list[Any]:
    return [sop["title"], sop["answer"], *sop["questions"], *sop["steps"]]


def test_chinese_answers_have_their_length() -> None:
    odd = {s["key"]: n for s in sops("zh") if (n := len(s["answer"])) not in ANSWER_LENGTH["zh"]}

    assert odd == {}


def test_english_answers_have_their_length() -> None:
    counted = {sop["key"]: len(sop["answer"].split()) for sop in sops("en")}

    assert {key: n for key, n in counted.items() if n not in ANSWER_LENGTH["en"]} == {}


def test_translated_sops_agree_with_their_originals() -> None:
    chinese = {sop["key"]: sop for sop in sops("zh")}
    shared = ("category", "intent", "required_slots", "tool")

    differing = [
        (sop["key"], name)
        for sop in sops("en")
        for name in shared
        if sop[name] != chinese[sop["key"]][name]
    ]

    assert differing == []


def test_late_order_is_asked_under_logistics() -> None:
    owners = {folded(text): sop for sop in sops("zh") for text in sop["questions"]}

    assert owners[folded("我的订单怎么还没到?")]["key"] == "order-not-arrived"
    assert owners[folded("我的订单怎么还没到?")]["intent"] == "logistics"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_purpose_has_a_text(language: str) -> None:
    found = purposes(language)

    assert set(found) == PURPOSES
    assert all(set(purpose) >= {"title", "text", "variables"} for purpose in found.values())
    assert all(purpose["title"] and purpose["text"].strip() for purpose in found.values())


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_wording_could_be_published(language: str) -> None:
    refused = {
        purpose: found
        for purpose, raw in purposes(language).items()
        if (
            found := versions.problems(
                PromptVersion(**{k: v for k, v in raw.items() if k != "title"}),
                Prompt(purpose=purpose, language=language),
            )
        )
    }

    assert refused == {}


@pytest.mark.parametrize("path", written_files(), ids=lambda path: path.stem)
def test_braces_are_variables_only(path: Path) -> None:
    left_over = [VARIABLE.sub("", text) for text in strings(load(path))]

    assert [text for text in left_over if re.search(r"[{}]", text)] == []


def test_both_languages_use_the_same_variables() -> None:
    variables = [
        {name: set(purpose["variables"]) for name, purpose in purposes(language).items()}
        for language in LANGUAGES
    ]

    assert variables[0] == variables[1]


def test_chinese_resume_offers_to_reply_one() -> None:
    assert "如需继续上次查询,请回复1" in purposes("zh")["resume"]["text"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_examples_are_well_formed(language: str) -> None:
    found = examples(language)

    assert len(found) == 3
    assert repeated([example["key"] for example in found]) == []
    for example in found:
        assert set(example) == {"key", "intent", "emotion", "language", "tags", "messages"}
        assert example["language"] == language
        assert example["intent"] in INTENTS
        assert example["emotion"] in {"negative", "neutral", "positive"}
        assert [m["role"] for m in example["messages"]] == ["visitor", "bot"]
        assert all(isinstance(tag, str) for tag in example["tags"])


def test_examples_are_paired_by_key() -> None:
    paired = [
        [(example["key"], example["intent"], example["emotion"]) for example in examples(language)]
        for language in LANGUAGES
    ]

    assert paired[0] == paired[1]


def test_chinese_bot_lines_keep_the_limit() -> None:
    assert [line for line in bot_lines("zh") if len(line) > BOT_LINE_CHARS] == []


def test_english_bot_lines_keep_the_limit() -> None:
    assert [line for line in bot_lines("en") if len(line.split()) > BOT_LINE_WORDS] == []


def bot_lines(language: str) -> list[str]:
    return [
        message["text"]
        for example in examples(language)
        for message in example["messages"]
        if message["role"] == "bot"
    ]
