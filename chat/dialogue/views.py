"""What others ask of a dialogue, and the little they may change in it. Pure; called by chat.turn and chat.analysis."""

from collections.abc import Iterable
from dataclasses import replace

from chat.dialogue.advance import NO_TOPIC, closed, summarise
from chat.dialogue.state import SETTLED, Dialogue, find_topic
from prompts.nlu import emotion
from prompts.nlu.emotion import LABELS, Mood

# The mood moves by more than this, of at most 2, or it is steady.
STEADY = 0.25


def moods_of(dialogue: Dialogue) -> tuple[Mood, ...]:
    """The latest moods, the newest last, as prompts.nlu.emotion takes them."""
    known = ((label, score) for label, score in dialogue.moods if label in LABELS)
    return tuple(Mood(label, score) for label, score in known)


def trend(dialogue: Dialogue) -> str:
    """Where the mood goes: "worse", "better" or "steady"."""
    change = emotion.trend(moods_of(dialogue))
    return "worse" if change < -STEADY else "better" if change > STEADY else "steady"


def solved(dialogue: Dialogue) -> bool:
    """True when the visitor's last words were thanks that were meant: the same words now are no sarcasm."""
    names = {name for name, _ in dialogue.last.get("intents", [])}
    return "thanks_bye" in names and dialogue.last.get("emotion") != "negative"


def sure_slots(dialogue: Dialogue) -> dict[str, str]:
    """The slots at hand that nobody has to confirm first."""
    doubtful = doubtful_names(dialogue)
    return {name: value for name, value in dialogue.slots.items() if name not in doubtful}


def doubtful_names(dialogue: Dialogue) -> tuple[str, ...]:
    topic = find_topic(dialogue, dialogue.current)
    return topic.doubtful if topic else dialogue.doubtful


def wishes(dialogue: Dialogue) -> tuple[str, ...]:
    """What the last message wanted, beside data, small talk and a yes."""
    heard = (name for name, _ in dialogue.last.get("intents", []))
    return tuple(name for name in heard if name not in NO_TOPIC)


def settled(dialogue: Dialogue, topic_ids: Iterable[str]) -> Dialogue:
    """The dialogue with these topics done: a tool or a person saw to them."""
    after = closed(dialogue, topic_ids, state=SETTLED, turn=dialogue.turns)
    return current_shown(after) if after.current != dialogue.current else after


def current_shown(dialogue: Dialogue) -> Dialogue:
    topic = find_topic(dialogue, dialogue.current)
    if topic is None:
        return dialogue
    title = topic.title or topic.intent
    return replace(dialogue, topic=title, intent=topic.intent, slots=dict(topic.slots))


def titled(dialogue: Dialogue, title: str) -> Dialogue:
    """The dialogue with its current topic called as the SOP that answers it."""
    topic = find_topic(dialogue, dialogue.current)
    if topic is None or not title or topic.title == title:
        return dialogue
    topics = tuple(replace(t, title=title) if t.id == topic.id else t for t in dialogue.topics)
    summary = summarise(dialogue.summary.removesuffix(dialogue.topic).rstrip(" →"), title)
    return replace(dialogue, topics=topics, topic=title, summary=summary)
