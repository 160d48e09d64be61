"""Plays dialogues through the public door of a running server, as its visitors would.

`manage.py replay` calls `play`; the bench and the fault suites drive `Visitor`. Nothing here touches rows.
"""

from chat.replay.dialogues import Dialogue, Summary, load, play
from chat.replay.outcomes import Outcome
from chat.replay.visitor import ReplayError, Visitor

__all__ = ["Dialogue", "Outcome", "ReplayError", "Summary", "Visitor", "load", "play"]
