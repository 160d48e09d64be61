"""A past conversation once more: what another version would have answered from turn k on. Called by chat.admin.

Nothing is stored and nobody is told. Lines before turn k stay as they were said; from there on the new answers stand
in the thread, so that each turn is asked what it would have been asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chat import dialogue as dialogues
from chat import memory, question
from chat.dialogue import Dialogue
from chat.models import Conversation, Message, Turn
from chat.question import Thread
from chat.states import Role, TurnState
from chat.tools.acting import Acts
from chat.transcript import Line
from prompts.routing import Question

TURNS = 50


@dataclass(frozen=True, slots=True)
class Past:
    """A turn as it was: its number from 1, what the visitor said, what was answered."""

    number: int
    turn: Turn
    asked: str
    answered: str


def turns(conversation: Conversation) -> list[Past]:
    """The turns of a conversation that were answered, the oldest first, at most TURNS."""
    lines = read(conversation)
    rows = conversation.turns.filter(state=TurnState.DONE.value).select_related(
        "conversation__visitor", "conversation__inbox"
    )
    answers = {line.turn_id: line.text for line in lines if line.role == Role.BOT}
    return [
        Past(number, turn, "\n".join(asked_of(turn, lines)), answers.get(turn.pk, ""))
        for number, turn in enumerate(rows.order_by("first_seq")[:TURNS], 1)
    ]


def read(conversation: Conversation) -> list[Message]:
    return list(conversation.messages.order_by("seq"))


def asked_of(turn: Turn, lines: Sequence[Message]) -> list[str]:
    covered = range(turn.first_seq, turn.last_seq + 1)
    return [line.text for line in lines if line.role == Role.VISITOR and line.seq in covered]


def build(
    conversation: Conversation, *, number: int, answers: Mapping[UUID, str]
) -> Question | None:
    """What turn `number` would be asked, given new `answers` to turns before it; None where there is no such turn."""
    lines = read(conversation)
    dialogue = Dialogue(conversation_id=str(conversation.pk))
    for past in turns(conversation):
        thread = thread_of(past.turn, lines, answers)
        at = past.turn.started_at or past.turn.queued_at
        found = question.understand(thread, dialogue, turn=past.turn, now=at)
        after = dialogues.advance(dialogue, found.understood)
        if past.number == number:
            return question.build(past.turn, thread, after, found=found, acts=nothing(past.turn))
        dialogue = memory.advanced(after, now=at)
    return None


def nothing(turn: Turn) -> Acts:
    """No tool is called: the turn is not ours, so that nothing could be written either."""
    return Acts(turn, turn.conversation.visitor.language, lambda: False)


def thread_of(turn: Turn, lines: Sequence[Message], answers: Mapping[UUID, str]) -> Thread:
    """The thread as the turn read it, with the new answers where there are some."""
    before = [
        Line(
            line.seq,
            line.role,
            answers.get(line.turn_id, line.text) if line.turn_id else line.text,
            line.meta,
        )
        for line in lines
        if line.seq < turn.first_seq
    ]
    return Thread(before[-question.HISTORY_LINES :], asked_of(turn, lines))
