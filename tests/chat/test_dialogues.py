"""Scripted dialogues on the dialogue state alone: what classifiers would find is taken from the script.

So nothing here depends on how well they are trained; test_dialogue_turns has the same through whole turns.
"""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chat import analysis, dialogue, memory
from chat.dialogue import Dialogue, Understood
from chat.models import Conversation
from prompts.nlu import references, slots
from prompts.redis import connection
from tests.chat.scripts import GAPS, SCRIPTS, START, lines_of, read
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripted_dialogue(path: Path) -> None:
    script = read(path)
    conversation = ConversationFactory.create()
    now = START
    for turn in script["turns"]:
        now += GAPS[turn.get("gap", "")]
        if "gap" in turn:
            # Its time to live runs by the real clock.
            connection().delete(memory.key(conversation.visitor_id, now=now))
        before = memory.load(conversation, now=now)
        after = say(turn, before, language=turn.get("language", script["language"]), now=now)
        check(turn["expect"], before, after, language=turn.get("language", script["language"]))
        keep(conversation, after, before=before, now=now)


def test_there_are_enough_scripts_in_both_languages() -> None:
    languages = [read(path)["language"] for path in SCRIPTS]
    assert len(languages) >= 44
    assert min(languages.count("zh"), languages.count("en")) >= 15


def say(turn: dict[str, Any], before: Dialogue, *, language: str, now: datetime) -> Dialogue:
    """The state after the turn, as chat.turn makes it."""
    lines = lines_of(turn.get("masked", turn["says"]))
    today = datetime.fromisoformat(memory.day(now)).date()
    found = analysis.analyse(lines, language=language, dialogue=before, today=today)
    if found.takes_up_earlier and before.earlier:
        assert turn["expect"].get("resumes") is True
        return memory.advanced(memory.resumed(before), now=now)
    understood = understand("\n".join(lines), turn, before, language=language, now=now)
    return memory.advanced(dialogue.advance(before, understood), now=now)


def understand(
    text: str, turn: dict[str, Any], before: Dialogue, *, language: str, now: datetime
) -> Understood:
    found = slots.find(text, now=datetime.fromisoformat(memory.day(now)).date())
    classified = {**turn["expect"], **turn.get("understood", {})}
    emotion = classified.get("emotion", "neutral")
    return Understood(
        intents=tuple((name, 0.9) for name in classified.get("intents", [])),
        unknown_p=classified.get("unknown_p", 0.0),
        emotion=emotion,
        emotion_score=0.0 if emotion == "neutral" else 0.8,
        said=references.resolve(text, found, before),
        language=language,
        wants_human=classified.get("wants_human", False),
    )


def check(expected: dict[str, Any], before: Dialogue, after: Dialogue, *, language: str) -> None:
    topic = dialogue.find_topic(after, after.current)
    block = dialogue.state_block(after, language=language)
    seen = {
        "topic": after.intent,
        "open_topics": [each.intent for each in dialogue.open_topics(after)],
        "repair": after.repair,
        "doubtful": list(topic.doubtful) if topic else [],
        "confused": after.confused,
        "offered": bool(before.earlier),
        "resumes": bool(before.earlier),
        "solved_before": dialogue.solved(before),
        "slots": {name: after.slots.get(name) for name in expected.get("slots", {})},
        "wants_human": after.last.get("wants_human"),
        "asks_for_nothing_known": all(value in block for value in after.slots.values()),
    }
    wanted = {name: expected[name] for name in expected if name in seen}
    assert {name: seen[name] for name in wanted} == wanted
    assert [s for s in expected.get("state_has", []) if s not in block] == [], block
    assert [s for s in expected.get("state_lacks", []) if s in block] == [], block


def keep(conversation: Conversation, after: Dialogue, *, before: Dialogue, now: datetime) -> None:
    """Stores the state as chat.turn does: in the row and in Redis."""
    conversation.dialogue = asdict(after)
    conversation.save(update_fields=["dialogue"])
    conversation.refresh_from_db()
    assert memory.store(conversation.visitor_id, after, expected_rev=before.rev, now=now)
    assert memory.load(conversation, now=now) == after
