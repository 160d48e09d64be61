"""Who else has a conversation open. Each console says so to the others itself, so nobody keeps a list that could be wrong."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Viewers:
    """The other agents at the conversation that is open, as far as they were heard of. `stale_seconds` without a word: gone."""

    me: int
    stale_seconds: float
    # Agent: (name, when heard of last, in monotonic seconds).
    heard: dict[int, tuple[str, float]] = field(default_factory=dict)

    def hear(self, agent: int, name: str, *, on: bool, now: float) -> bool:
        """Takes note of an agent who looks, or looks no more; whether that changes anything."""
        before = set(self.heard)
        if on and agent != self.me:
            self.heard[agent] = (name, now)
        elif not on:
            self.heard.pop(agent, None)
        return set(self.heard) != before

    def expire(self, *, now: float) -> bool:
        """Strikes off who has not been heard of for long; whether anybody was."""
        gone = [pk for pk, (_, at) in self.heard.items() if now - at > self.stale_seconds]
        for pk in gone:
            del self.heard[pk]
        return bool(gone)

    def frame(self, conversation_id: Any) -> dict[str, Any]:
        """The `viewers` frame."""
        agents = [{"id": pk, "name": name} for pk, (name, _) in sorted(self.heard.items())]
        return {"type": "viewers", "conversation_id": str(conversation_id), "agents": agents}
