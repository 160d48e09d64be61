"""Shows a streaming answer to the visitor, as long as the turn may still give one. Called by turn."""

import time

from django.conf import settings

from chat import lease, protocol, push
from chat.models import Turn


class Abandoned(Exception):
    """The turn is no longer ours: the lease was lost or an owner with a newer epoch took over."""


class Delivery:
    """Shows a streaming answer to the visitor: the first piece at once, then one delta each DELTA_SECONDS."""

    def __init__(self, turn: Turn, held: lease.Held) -> None:
        self.turn = turn
        self.held = held
        self.restart()

    def restart(self) -> None:
        """The next delta starts the turn's text over."""
        self.text = self.pending = ""
        self.count = 0
        self.flushed_at = 0.0

    def write(self, piece: str) -> None:
        """Takes the next piece. Raises Abandoned when the turn is no longer ours."""
        self.text += piece
        self.pending += piece
        now = time.monotonic()
        if now - self.flushed_at >= settings.DELTA_SECONDS:
            self.flush(now)

    def flush(self, now: float) -> None:
        partial = protocol.Partial(turn_id=str(self.turn.pk), n=self.count, text=self.text)
        wanted = push.delta(self.turn.conversation, partial, text=self.pending)
        if not wanted or self.held.lost.is_set():
            raise Abandoned
        self.count += 1
        self.pending = ""
        self.flushed_at = now
