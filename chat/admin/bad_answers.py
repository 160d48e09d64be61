"""Answers that customers or agents were unhappy with, taken into an evaluation set. Called by the admin of messages."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import Q

from chat import vault
from chat.models import Message
from chat.states import Role
from prompts.admin.wording import both
from prompts.evaluation import collecting
from prompts.evaluation.collecting import Asked
from prompts.models import ModelCall
from prompts.nlu import segment

HISTORY_LINES = 12
# How far behind an answer the agent's word is looked for.
AFTER_LINES = 20
RATED_BADLY = 2
SPEAKERS = {Role.VISITOR.value: "visitor", Role.BOT.value: "bot", Role.AGENT.value: "bot"}


WORDS = {
    "title": both("差评回答", "Bad answer"),
    "why": both(
        "顾客或坐席对这条回答不满意。加入评测集后，补上检查项并启用。",
        "A customer or an agent was unhappy with this answer. As a case it is switched on once somebody says what is checked.",
    ),
    "agent": both(
        "坐席随后这样回答，将作为参考回答：",
        "An agent answered this instead; it becomes the reference:",
    ),
    "keep": both("加入评测集", "Add to the evaluation set"),
    "set": both("打开评测集", "Open the set"),
}


def context(answer: Message) -> dict[str, Any]:
    """What a message's page shows above it; nothing where it is no bad answer."""
    corrected = corrections([answer])
    if not bad_ones([answer], corrected):
        return {}
    return {"t": WORDS, "is_bad": True, "correction": corrected.get(answer.pk, "")}


def keep(chosen: Iterable[Message]) -> tuple[int, int]:
    """Makes cases of the bad answers among the messages: how many are new, and how many were passed over."""
    rows = list(chosen)
    corrected = corrections(rows)
    bad = bad_ones(rows, corrected)
    asked = [
        replace(found, reference=corrected.get(row.pk, ""))
        for row in bad
        if (found := asked_of(row)) is not None
    ]
    return collecting.keep(asked) if asked else 0, len(rows) - len(asked)


def corrections(rows: Sequence[Message]) -> dict[UUID, str]:
    """What an agent said right after a bot's answer, by the answer's id: the first lines of theirs before another answer."""
    found = {}
    for row in rows:
        if row.role == Role.BOT.value and row.turn_id and (said := said_by_agent(row)):
            found[row.pk] = said
    return found


def said_by_agent(answer: Message) -> str:
    """The agent's first lines after the answer, up to the visitor's or the bot's next word; "" where there are none.

    The visitor may have spoken before the agent came; lines that nobody may see are nobody's correction.
    """
    after = Message.objects.filter(conversation_id=answer.conversation_id, seq__gt=answer.seq)
    said: list[str] = []
    for role, text in after.order_by("seq").values_list("role", "text")[:AFTER_LINES]:
        if role == Role.BOT or (said and role == Role.VISITOR):
            break
        if role == Role.AGENT and text:
            said.append(text)
    return "\n".join(said) if all(map(vault.is_readable, said)) else ""


def bad_ones(rows: Sequence[Message], corrected: Container[UUID]) -> list[Message]:
    """The bot's answers with a thumb down, in a conversation rated badly, or after which a person took over or spoke."""
    answers = {row.pk: row for row in rows if row.role == Role.BOT.value and row.turn_id}
    traces = [str(row.turn_id) for row in answers.values()]
    taken = set(
        ModelCall.objects.filter(trace_id__in=traces, taken_over=True).values_list(
            "trace_id", flat=True
        )
    )
    disliked = Q(meta__feedback="down") | Q(conversation__rating__score__lte=RATED_BADLY)
    found = set(Message.objects.filter(disliked, pk__in=answers).values_list("pk", flat=True))
    return [
        row
        for row in answers.values()
        if row.pk in found or row.pk in corrected or str(row.turn_id) in taken
    ]


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
