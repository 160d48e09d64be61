"""Conversations whose questions the bot did not answer."""

from typing import Any

from django.utils import timezone

from chat.models import Conversation, Escalation, Message, Rating, Turn
from tests.factories import ConversationFactory


def unanswered(
    asked: str,
    *,
    answer: str = "",
    at: int = 1,
    conversation: Conversation | None = None,
    intent: str = "unknown",
    **meta: Any,
) -> Message:
    """A visitor's line, the bot's answer that is none, and, where there is one, a person's."""
    talk = conversation or ConversationFactory.create()
    Message.objects.create(conversation=talk, seq=at, role="visitor", text=asked)
    turn = Turn.objects.create(
        conversation=talk, first_seq=at, last_seq=at, epoch=0, state="done",
        decision={"features": {"intent": intent}},
    )  # fmt: skip
    line = Message.objects.create(
        conversation=talk, seq=at + 1, role="bot", text="不清楚", turn=turn, meta=meta or {"unanswered": True}
    )  # fmt: skip
    if answer:
        Escalation.objects.create(conversation=talk, end="claimed", ended_at=timezone.now())
        Message.objects.create(conversation=talk, seq=at + 2, role="agent", text=answer)
    return line


def rated(line: Message, score: int) -> None:
    Rating.objects.create(conversation=line.conversation, score=score, resolved=score > 3)
