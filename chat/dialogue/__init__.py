"""The dialogue state and how a turn changes it: topics, slots, moods, repairs. Plain Python.

Called by chat.turn and chat.analysis; chat.memory keeps the state.
"""

from chat.dialogue.advance import advance, summarise
from chat.dialogue.block import state_block
from chat.dialogue.state import (
    Dialogue,
    Topic,
    Understood,
    find_topic,
    offer,
    open_topics,
    read_dialogue,
    taken_up,
)
from chat.dialogue.views import moods_of, settled, solved, titled, trend

__all__ = [
    "Dialogue",
    "Topic",
    "Understood",
    "advance",
    "find_topic",
    "moods_of",
    "offer",
    "open_topics",
    "read_dialogue",
    "settled",
    "solved",
    "state_block",
    "summarise",
    "taken_up",
    "titled",
    "trend",
]
