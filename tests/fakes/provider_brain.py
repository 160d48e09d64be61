"""The mind of the provider fake: reads a conversation, gives a short soothing answer, always the same one.

Rules by keyword in Chinese and English; knowledge found in the system prompt is preferred. Pure functions.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from tests.fakes.provider_decide import decide
from tests.fakes.provider_schema import Facts, fill_text, last_words
from tests.fakes.provider_topics import (
    ANGRY_WORDS,
    ANXIOUS_WORDS,
    FILLER_CHINESE,
    FILLER_ENGLISH,
    HAPPY_WORDS,
    HUMAN,
    OTHER,
    SHOP_TOPICS,
    Topic,
)
from tests.fakes.provider_types import Answer, Ask, Finish, Tool

_HAN = re.compile(r"[\u3400-\u9fff]")
_KNOWLEDGE = (
    re.compile(
        r"(?:问题|问|用户|Q|Question)\s*[:：]\s*(.{2,200}?)[\s|;；]*(?:回答|答案|答|话术|A|Answer)\s*[:：]\s*(.+)"
    ),
    re.compile(
        r"^\s*(?:[-*•]|\[[^\]\n]+\]|【[^】\n]+】)\s*(.{2,120}?)\s*(?:[:：]\s*|→|=>)\s*(.+)$",
        re.M,
    ),
)
_SENTENCE_END = re.compile(r"(?<=[。!?！？~])|(?<=\.)\s")
_KNOWLEDGE_CHARS = 60
_NEAR = 0.5
_ORDER = re.compile(
    r"<?\bORDER[_A-Z]*_\d+>?|(?<![\dA-Za-z])(?:[A-Za-z]{1,4}[-_]?)?\d{8,24}(?![\dA-Za-z])", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the brain understood: the topic, the language ("zh" or "en") and the mood."""

    topic: Topic
    language: str
    mood: str


def think(ask: Ask, *, seed: int, tokens: int = 0, scripted: str | None = None) -> Answer:
    """Answer `ask`, the same for the same ask and seed. `tokens` > 0 fixes the number of pieces of plain text."""
    draw = Random(fingerprint(ask, seed=seed))
    if scripted is not None:
        return _limited(ask, cut(scripted, draw=draw, tokens=tokens))
    reading = read(ask.question)
    if ask.questions:
        known = facts(ask, reading, reply="")
        return Answer((), odds=tuple(decide(question, known) for question in ask.questions))
    tool = _wanted_tool(ask, reading)
    if tool is not None:
        arguments = fill_text(tool.schema, facts(ask, reading, reply=ask.question))
        return Answer(cut(arguments, draw=draw), Finish.TOOL_CALLS, tool.name)
    reply = _reply(ask, reading, draw)
    if ask.schema is not None and "lines" in ask.schema.get("properties", {}):
        return _limited(ask, cut(_translated(ask.question), draw=draw))
    if ask.schema is not None:
        return _limited(
            ask, cut(fill_text(ask.schema, facts(ask, reading, reply=reply)), draw=draw)
        )
    return _limited(ask, cut(reply, draw=draw, tokens=tokens, language=reading.language))


def fingerprint(ask: Ask, *, seed: int) -> int:
    """A number that stands for the words of the request: equal asks, equal answers."""
    words = "\x1f".join((str(seed), ask.model, ask.system, *(text for _, text in ask.turns)))
    return zlib.crc32(words.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=4096)
def read(question: str) -> Reading:
    """Topic by the longest matching keywords, language by script, mood by a few words."""
    lowered = question.lower()
    language = "zh" if _HAN.search(question) or not re.search("[A-Za-z]{2}", question) else "en"
    best = max(SHOP_TOPICS, key=lambda topic: _weight(topic, lowered))
    return Reading(best if _weight(best, lowered) else OTHER, language, _mood(lowered))


def cut(text: str, *, draw: Random, tokens: int = 0, language: str = "zh") -> tuple[str, ...]:
    """Split `text` into pieces of 1-4 characters; exactly `tokens` pieces when that is positive, padded or cut."""
    if tokens <= 0:
        return _pieces(text, draw.choices((1, 2, 2, 3, 4), k=len(text)))
    filler = FILLER_CHINESE if language == "zh" else FILLER_ENGLISH
    while len(text) < 2 * tokens:
        text += filler
    text = text[: 4 * tokens]
    size, longer = divmod(len(text), tokens)
    return _pieces(text, [size + 1] * longer + [size] * (tokens - longer))


def facts(ask: Ask, reading: Reading, *, reply: str) -> Facts:
    """What a schema may be filled with, taken from what the customer wrote in the whole conversation."""
    said = "\n".join(text for role, text in ask.turns if role == "user")
    orders = _ORDER.findall(said)
    return Facts(
        said=said,
        reply=reply,
        language=reading.language,
        mood=reading.mood,
        wants_human=reading.topic is HUMAN,
        topic_names=(reading.topic.name, *reading.topic.aliases),
        order_number=orders[-1] if orders else None,
    )


def estimate_tokens(text: str) -> int:
    """Roughly 0.75 per Han character and 0.3 per ASCII character, by byte lengths alone, so it costs nothing."""
    size = len(text.encode("utf-8", "surrogatepass"))
    wide = (size - len(text)) // 2
    return int(0.75 * wide + 0.3 * (len(text) - wide)) + 1


def _reply(ask: Ask, reading: Reading, draw: Random) -> str:
    if ask.tool_result is not None:
        return _report(ask.tool_result, reading.language)
    # What agents have written: their own words anew, a summary of a thread.
    if ask.system.startswith(("改写", "Rewrite", "把", "Translate")):
        return ask.question
    if "会话小结" in ask.system[:60] or "write the summary" in ask.system[:60]:
        said = last_words(ask.question)
        return (
            f"顾客：{said} 未解决。" if reading.language == "zh" else f"Customer: {said} Unsolved."
        )
    known = find_knowledge(ask.system, ask.question, topic=reading.topic)
    if known:
        return known
    replies = (
        reading.topic.replies_chinese if reading.language == "zh" else reading.topic.replies_english
    )
    return draw.choice(replies)


def find_knowledge(system: str, question: str, *, topic: Topic) -> str:
    """The start of the entry in the system prompt that is nearest to the question; empty when none is near.

    Entries read `- title: answer` or `Q: ... A: ...`, one on a line.
    """
    lowered = question.lower()
    pairs = {lowered[at : at + 2] for at in range(len(lowered) - 1)}
    words = [word for word in (*topic.chinese, *topic.english) if word in lowered]
    best_nearness, best = 0.0, ""
    for entry, opening in _knowledge(system):
        nearness = sum(pair in entry for pair in pairs) / max(len(pairs), 1)
        nearness += 0.5 * any(word in entry for word in words)
        if nearness > best_nearness:
            best_nearness, best = nearness, opening
    return best if best_nearness >= _NEAR else ""


@lru_cache(maxsize=256)
def _knowledge(system: str) -> tuple[tuple[str, str], ...]:
    found = [match for pattern in _KNOWLEDGE for match in pattern.findall(system)]
    return tuple((f"{title} {answer}".lower(), _opening(answer)) for title, answer in found)


def _opening(text: str) -> str:
    opening = ""
    for sentence in _SENTENCE_END.split(text.strip()):
        if opening and len(opening) + len(sentence) > _KNOWLEDGE_CHARS:
            break
        opening += sentence
    return opening[: 2 * _KNOWLEDGE_CHARS]


def _translated(asked: str) -> str:
    """Each line of a JSON array as its own translation: it is plain whose words they are."""
    lines = [{**each, "text": f"[译] {each['text']}"} for each in json.loads(asked)]
    return json.dumps({"lines": lines}, ensure_ascii=False)


def _report(result: str, language: str) -> str:
    shown = " ".join(result.translate(str.maketrans('{}[]"', "     ")).split())[:_KNOWLEDGE_CHARS]
    return (
        f"帮您查到了：{shown}，请放心~" if language == "zh" else f"Here is what I found: {shown}."
    )


def _wanted_tool(ask: Ask, reading: Reading) -> Tool | None:
    if not ask.tools or ask.tool_choice == "none" or ask.tool_result is not None:
        return None
    named = next((tool for tool in ask.tools if tool.name == ask.tool_choice), None)
    if named is not None:
        return named
    fitting = (
        tool for alias in reading.topic.aliases for tool in ask.tools if _is_about(tool, alias)
    )
    wanted = next(fitting, None)
    if ask.tool_choice == "required":
        return wanted or ask.tools[0]
    return wanted if wanted is not None and _is_complete(ask, reading, wanted) else None


def _is_complete(ask: Ask, reading: Reading, tool: Tool) -> bool:
    """A tool that needs an order number waits until the customer has given one; the reply asks for it."""
    needs_order = any("order" in name.lower() for name in tool.schema.get("required", ()))
    return not needs_order or facts(ask, reading, reply="").order_number is not None


def _is_about(tool: Tool, alias: str) -> bool:
    return alias in tool.name.lower() or alias in tool.description.lower()


def _limited(ask: Ask, pieces: tuple[str, ...]) -> Answer:
    if ask.max_tokens is not None and len(pieces) > ask.max_tokens:
        return Answer(pieces[: ask.max_tokens], Finish.LENGTH)
    return Answer(pieces)


def _pieces(text: str, sizes: list[int]) -> tuple[str, ...]:
    pieces, at = [], 0
    for size in sizes:
        if at >= len(text):
            break
        pieces.append(text[at : at + size])
        at += size
    return tuple(pieces)


def _weight(topic: Topic, lowered: str) -> int:
    chinese = sum(2 * len(word) for word in topic.chinese if word in lowered)
    return chinese + sum(len(word) for word in topic.english if re.search(rf"\b{word}", lowered))


def _mood(lowered: str) -> str:
    for mood, words in (("angry", ANGRY_WORDS), ("anxious", ANXIOUS_WORDS), ("happy", HAPPY_WORDS)):
        if any(word in lowered for word in words):
            return mood
    return "calm"
