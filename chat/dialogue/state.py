"""What is remembered of a dialogue, and what a message was understood to say. Plain Python.

Names topics, slots and moods, never a customer's words; personal data only as placeholders. Used by chat.memory,
which stores it, and by chat.dialogue's other modules.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from prompts.nlu.references import NOTHING, Resolution

OPEN, SETTLED, WITHDRAWN = "open", "settled", "withdrawn"
OFFERED = ("topic", "intent", "slots", "summary")


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing the visitor wants, with what was given for it."""

    id: str
    intent: str
    # What an SOP calls it; else it goes by its intent's title.
    title: str = ""
    slots: dict[str, str] = field(default_factory=dict)
    # The turn in which this topic came to have each slot.
    given: dict[str, int] = field(default_factory=dict)
    # Slots taken over from the topic before, not said for this one.
    inherited: tuple[str, ...] = ()
    # Slots to be confirmed before anything is done with them; one without a value is to be asked for.
    doubtful: tuple[str, ...] = ()
    # Slots the visitor cannot or will not give.
    skipped: tuple[str, ...] = ()
    # Values the visitor said are not meant.
    rejected: tuple[str, ...] = ()
    state: str = OPEN
    opened: int = 0
    touched: int = 0


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The state after `rev` updates."""

    rev: int = 0
    conversation_id: str = ""
    # The current topic's title, intent and slots. Without a current topic: the slots at hand for the next one.
    topic: str = ""
    intent: str = ""
    slots: dict[str, str] = field(default_factory=dict)
    # Of the slots at hand for the next topic: those to be confirmed.
    doubtful: tuple[str, ...] = ()
    # Every order number that was given and not taken back, in the order said.
    orders: tuple[str, ...] = ()
    # The titles of the topics in their order, as the visitor may see them.
    summary: str = ""
    turns: int = 0
    at_seconds: float = 0.0
    # The topic and slots of an expired dialogue, offered once: "reply 1 to go on".
    earlier: dict[str, Any] = field(default_factory=dict)
    # The stack: the latest touched first, closed ones included.
    topics: tuple[Topic, ...] = ()
    current: str = ""
    # (label, score) of the latest turns, the newest last.
    moods: tuple[tuple[str, float], ...] = ()
    # The last analysis: intents, unknown_p, emotion, score, reason, wants_human.
    last: dict[str, Any] = field(default_factory=dict)
    # What kind of turn the last one was beside giving and asking; see REPAIRS.
    repair: str = ""
    # Turns in a row that were not understood.
    confused: int = 0


@dataclass(frozen=True, slots=True)
class Understood:
    """What the analysis makes of the visitor's lines."""

    # (name, probability) in the order said; none where the classifier says "unknown".
    intents: tuple[tuple[str, float], ...] = ()
    unknown_p: float = 0.0
    emotion: str = "neutral"
    emotion_score: float = 0.0
    said: Resolution = NOTHING
    language: str = "zh"
    wants_human: bool = False


DIALOGUE_FIELDS = frozenset(each.name for each in fields(Dialogue))
TOPIC_FIELDS = frozenset(each.name for each in fields(Topic))
LISTED = ("inherited", "doubtful", "skipped", "rejected")


def read_dialogue(stored: Mapping[str, Any]) -> Dialogue:
    """A stored state; fields that another release wrote are left out."""
    known = {name: stored[name] for name in DIALOGUE_FIELDS & stored.keys()}
    if "topics" in known:
        known["topics"] = read_topics(known["topics"])
    if "moods" in known:
        known["moods"] = tuple((str(label), float(score)) for label, score in known["moods"])
    known |= {name: tuple(known[name]) for name in ("doubtful", "orders") if name in known}
    return Dialogue(**known)


def read_topics(stored: Any) -> tuple[Topic, ...]:
    return tuple(read_topic(each) for each in stored if {"id", "intent"} <= each.keys())


def read_topic(stored: Mapping[str, Any]) -> Topic:
    known: dict[str, Any] = {name: stored[name] for name in TOPIC_FIELDS & stored.keys()}
    return Topic(**known | {name: tuple(known[name]) for name in LISTED if name in known})


def offer(dialogue: Dialogue) -> dict[str, Any]:
    """What "reply 1 to go on" brings back, as JSON has it."""
    known = asdict(dialogue)
    names = (*OFFERED, "topics", "current") if dialogue.topics else OFFERED
    offered: dict[str, Any] = json.loads(json.dumps({name: known[name] for name in names}))
    return offered


def taken_up(earlier: Mapping[str, Any]) -> dict[str, Any]:
    """An offer as fields of a Dialogue."""
    known = {name: earlier[name] for name in (*OFFERED, "topics", "current") if name in earlier}
    return {**known, "topics": read_topics(known["topics"])} if "topics" in known else known


def find_topic(dialogue: Dialogue, topic_id: str) -> Topic | None:
    return next((topic for topic in dialogue.topics if topic.id == topic_id), None)


def open_topics(dialogue: Dialogue) -> tuple[Topic, ...]:
    """What the visitor still wants, the latest touched first."""
    return tuple(topic for topic in dialogue.topics if topic.state == OPEN)
