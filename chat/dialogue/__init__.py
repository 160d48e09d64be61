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
from chat.dialogue.views import (
    doubtful_names,
    moods_of,
    settled,
    solved,
    sure_slots,
    titled,
    trend,
    wishes,
)

__all__ = [
    "Dialogue",
    "Topic",
    "Understood",
    "advance",
    "doubtful_names",
    "find_topic",
    "moods_of",
    "offer",
    "open_topics",
    "read_dialogue",
    "settled",
    "solved",
    "state_block",
    "summarise",
    "sure_slots",
    "taken_up",
    "titled",
    "trend",
    "wishes",
]
