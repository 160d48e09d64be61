"""Frames as the visitor sees them: with the own values, and offsets counted in what is shown."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chat import protocol, vault
from chat.states import TurnState


def typed(text: str, *, visitor_id: UUID, own: Sequence[str]) -> str:
    """A `suggestion` frame in JSON with the values that its agent typed; all other placeholders stay."""
    frame: Any = protocol.loads(text)
    return protocol.dumps({**frame, "text": vault.only(frame["text"], visitor_id, own=own)})


class OwnValues:
    """The values of a socket's visitor, and how far the shown text of each turn is ahead of the stored one."""

    def __init__(self, visitor_id: UUID) -> None:
        self.values = vault.Values(visitor_id)
        self.shifts: dict[str, int] = {}

    def shown(self, frame: dict[str, Any]) -> dict[str, Any]:
        shown = self.values.in_frame(frame)
        if "partial" in frame:
            self.keep_shift(frame["partial"], shown["partial"])
        if frame["type"] == "delta":
            self.keep_shift(frame, shown)
        elif frame["type"] == "turn" and frame["state"] != TurnState.RUNNING:
            self.shifts.pop(frame["turn_id"], None)
        return shown

    def text(self, text: str) -> str:
        return self.values.in_text(text)

    def keep_shift(self, frame: dict[str, Any], shown: dict[str, Any]) -> None:
        """By how many characters what the visitor is shown of a turn is ahead of what rows and Redis hold."""
        ahead = self.shifts.pop(frame["turn_id"], 0)
        ahead = ahead if frame["offset"] else 0  # the turn's text begins anew
        shown["offset"] = frame["offset"] + ahead
        ahead += len(shown["text"]) - len(frame["text"])
        if ahead:
            self.shifts[frame["turn_id"]] = ahead
