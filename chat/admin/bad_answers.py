"""Answers that customers or agents were unhappy with, taken into an evaluation set. Called by the admin of messages."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from chat import vault
from chat.models import Message
from chat.states import Role
from prompts.evaluation import collecting
from prompts.evaluation.collecting import Asked
from prompts.models import ModelCall
from prompts.nlu import segment

HISTORY_LINES = 12
RATED_BADLY = 2
SPEAKERS = {Role.VISITOR.value: "visitor", Role.BOT.value: "bot", Role.AGENT.value: "bot"}


def keep(chosen: Iterable[Message]) -> tuple[int, int]:
    """Makes cases of the bad answers among the messages: how many are new, and how many were passed over."""
    rows = list(chosen)
    bad = bad_ones(rows)
    asked = [found for found in map(asked_of, bad) if found is not None]
    return collecting.keep(asked) if asked else 0, len(rows) - len(asked)


def bad_ones(rows: list[Message]) -> list[Message]:
    """The bot's answers with a thumb down, in a conversation rated badly, or after which a person took over."""
    answers = {row.pk: row for row in rows if row.role == Role.BOT.value and row.turn_id}
    traces = [str(row.turn_id) for row in answers.values()]
    taken = set(
        ModelCall.objects.filter(trace_id__in=traces, taken_over=True).values_list(
            "trace_id", flat=True
        )
    )
    disliked = Q(meta__feedback="down") | Q(conversation__rating__score__lte=RATED_BADLY)
    found = set(Message.objects.filter(disliked, pk__in=answers).values_list("pk", flat=True))
    return [row for row in answers.values() if row.pk in found or str(row.turn_id) in taken]


def asked_of(answer: Message) -> Asked | None:
    """What the answer was to; None when a line of it cannot be shown."""
    turn: Any = answer.turn
    lines = Message.objects.filter(conversation_id=answer.conversation_id, seq__lte=turn.last_seq)
    latest = list(lines.order_by("-seq")[: HISTORY_LINES + turn.last_seq - turn.first_seq + 1])[
        ::-1
    ]
    spoken = [line for line in latest if line.role in SPEAKERS and line.text]
    if not all(vault.is_readable(line.text) for line in spoken):
        return None
    mine = [line for line in spoken if line.seq >= turn.first_seq and line.role == Role.VISITOR]
    before = [line for line in spoken if line.seq < turn.first_seq]
    text = "\n".join(line.text for line in mine)
    if not text:
        return None
    return Asked(
        trace_id=str(turn.pk),
        language=segment.language_of(text),
        history=[(SPEAKERS[line.role], line.text) for line in before],
        text=text,
    )
