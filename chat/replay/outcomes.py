"""What is known of a message that a visitor sent, and of the answer to it. Values for chat.replay.visitor."""

import asyncio
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message. Times run from its sending; None where the thing never came."""

    client_id: str
    seq: int | None
    turn_id: str | None
    ttft_ms: float | None
    final_ms: float | None
    text: str | None
    error: str | None

    @property
    def acked(self) -> bool:
        return self.seq is not None

    @property
    def answered(self) -> bool:
        return self.text is not None

    @property
    def with_person(self) -> bool:
        """Accepted while the conversation belonged to the queue or an agent: no turn will answer."""
        return self.acked and self.turn_id is None and self.error is None


@dataclass(slots=True)
class Line:
    """A message on its way."""

    client_id: str
    text: str
    sent_at: float
    seq: int | None = None
    turn_id: str | None = None
    error: str | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Answer:
    """What is known of a turn's answer, by the clock of this process."""

    first_at: float | None = None
    final_at: float | None = None
    text: str | None = None
    length_chars: int = 0
