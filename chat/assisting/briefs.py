"""A model's brief of a hand-over, in the place of the template's where it comes in time and holds. Called by tasks.

Facts stay facts: reasons, slots, order, steps and mood are the rows', whatever a customer's line says. A model adds the
need in a line, what was tried in words, team and priority within bounds, and a first reply.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from pydantic import BaseModel, Field

from chat import briefing, intake, push, serving, transcript
from chat.assisting import PLACES, threads
from chat.models import Brief, Conversation, Team
from chat.states import Grade, Owner, Writing
from prompts import assistance, rendering
from prompts.assistance import NotWritten, Written
from prompts.llm.types import JsonShape, Line, Request
from prompts.routing import Question

PURPOSE = "brief"
SECONDS = 20.0
OUTPUT_TOKENS = 480
NEED_CHARS, TRIED_CHARS, TRIED_MOST, REPLY_CHARS = 120, 80, 4, 400
FACTS = {
    "zh": ("转人工原因", "订单", "已经试过", "可选团队", "—"),
    "en": ("Reasons", "Order", "Tried", "Teams", "—"),
}


UNVERIFIED = {"zh": "（页面所说，未核实）", "en": "(as the page says, unverified)"}


class Said(BaseModel):
    """The brief as a model gives it."""

    need: str = Field(min_length=2)
    tried: list[str] = []
    team: str = ""
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    reply: str = ""


def run(conversation_id: UUID, epoch: int) -> bool:
    """Writes the brief of the hand-over at `epoch`; False when the template's stays. Safe to run twice."""
    conversation = find(conversation_id, epoch)
    row = begin(conversation, epoch) if conversation else None
    if conversation is None or row is None:
        return False
    try:
        content, endpoint = write(conversation, row)
    except NotWritten as error:
        return give_up(row, error.why)
    except BaseException:
        # Whoever looks at it must not see it being written for ever.
        give_up(row, "failed")
        raise
    return commit(row, content, endpoint)


def find(conversation_id: UUID, epoch: int) -> Conversation | None:
    """The conversation, if this is still its hand-over."""
    rows = Conversation.objects.select_related("visitor", "inbox", "team", "agent")
    still = rows.filter(pk=conversation_id, handover_epoch=epoch, resolved_at=None)
    return still.exclude(owner=Owner.BOT.value).first()


def begin(conversation: Conversation, epoch: int) -> Brief | None:
    """The row, claimed for this attempt; None where another is at it, or it is written."""
    row, _ = Brief.objects.get_or_create(conversation=conversation, epoch=epoch)
    now = timezone.now()
    silent = Q(state=Writing.RUNNING.value, started_at__lt=now - timedelta(seconds=2 * SECONDS))
    free = Brief.objects.filter(Q(state=Writing.QUEUED.value) | silent, pk=row.pk)
    if not free.update(state=Writing.RUNNING.value, started_at=now):
        return None
    row.state, row.started_at = Writing.RUNNING.value, now
    tell(row)
    return row


def write(conversation: Conversation, row: Brief) -> tuple[dict[str, Any], str]:
    """What the model says, checked, and its endpoint. Raises NotWritten."""
    if not PLACES.acquire(blocking=False):
        raise NotWritten("busy")
    try:
        language = readers_language(conversation)
        facts = briefing.template(conversation, language=language)
        teams = list(Team.objects.order_by("pk").values_list("pk", "name")[:30])
        names = [name for _, name in teams]
        asked, request = request_of(conversation, row, facts, language=language, teams=names)
        said = assistance.ask(asked, request, Said, seconds=SECONDS)
        return checked(conversation, said, facts, language=language, teams=teams), said.endpoint
    finally:
        PLACES.release()


def readers_language(conversation: Conversation) -> str:
    """What whoever has the conversation reads, or most of those online who may get it; the inbox's where nobody knows."""
    if conversation.agent is not None:
        readers = [conversation.agent.language]
    else:
        there = serving.agents_of(intake.online(), conversation.inbox_id)
        readers = list(there.order_by("pk").values_list("language", flat=True))
    spoken = Counter(filter(None, readers)).most_common(2)
    is_even = len(spoken) == 2 and spoken[0][1] == spoken[1][1]
    if spoken and not is_even:
        return spoken[0][0]
    return "zh" if conversation.inbox.locale.lower().startswith("zh") else "en"


def request_of(
    conversation: Conversation,
    row: Brief,
    facts: dict[str, Any],
    *,
    language: str,
    teams: list[str],
) -> tuple[Question, Request]:
    """Instructions, and as data of its own the facts and the thread."""
    lines = threads.read(conversation)
    asked = threads.ask(conversation, trace_id=str(row.pk), text="", language=language)
    thread = threads.fenced(lines, language=language)
    mood = facts["mood"]
    system = assistance.instructions(
        PURPOSE,
        language=language,
        shop_name=asked.shop_name,
        topic=asked.topic or "—",
        mood=f"{mood['label']} {mood['score']:.2f}, {mood['trend']}" if mood else "—",
        slots=rendering.slots_text(asked.slots, language=language) or "—",
        thread=threads.BELOW[language],
    )
    shown = f"{facts_text(facts, language=language, teams=teams)}\n\n{thread}"
    request = Request(
        PURPOSE,
        (Line("system", system), Line("user", shown)),
        max_output_tokens=OUTPUT_TOKENS,
        user=asked.user,
        json=JsonShape(PURPOSE, schema_of(teams)),
    )
    return asked, request


def facts_text(facts: dict[str, Any], *, language: str, teams: list[str]) -> str:
    reasons, order, tried, team, nothing = FACTS[language]
    codes = ", ".join(each["code"] for each in facts["reasons"])
    lines = facts["order"]["lines"] if facts["order"] else []
    known = "; ".join(f"{line['label']} {line['value']}" for line in lines)
    if facts["order"] and facts["order"]["source"] == "page":
        # What a visitor's page says is no fact of ours, and has no lines of its own.
        known = f"{UNVERIFIED[language]} {threads.flat(known)}"
    steps = "; ".join(f"{s['title']} {s.get('state', '')}".strip() for s in facts["steps"])
    said = {reasons: codes, order: known, tried: steps, team: ", ".join(teams)}
    return "\n".join(f"{name}：{text or nothing}" for name, text in said.items())


def schema_of(teams: list[str]) -> dict[str, Any]:
    """Said, with the teams that there are."""
    text = {"type": "string"}
    return {
        "type": "object",
        "properties": {
            "need": text,
            "tried": {"type": "array", "items": text},
            "team": {"type": "string", "enum": ["", *teams]},
            "priority": {"type": "string", "enum": ["normal", "low", "high", "urgent"]},
            "reply": text,
        },
        "required": ["need", "tried", "team", "priority", "reply"],
        "additionalProperties": False,
    }


def checked(
    conversation: Conversation,
    said: Written[Said],
    facts: dict[str, Any],
    *,
    language: str,
    teams: list[tuple[int, str]],
) -> dict[str, Any]:
    """What of it is kept. Personal data is hidden; what claims too much is marked. Raises NotWritten."""
    value = said.value
    tried = [text[:TRIED_CHARS] for text in value.tried[:TRIED_MOST] if text.strip()]
    need, reply, *tried = assistance.screened(
        [value.need[:NEED_CHARS], value.reply[:REPLY_CHARS], *tried], language=language
    )
    if not need:
        raise NotWritten("failed")
    known = {name: {"id": pk, "name": name} for pk, name in teams}
    told = "\n".join([need, *tried, reply])
    return {
        "need": need,
        "tried": tried,
        "team": known.get(value.team, facts["team"]),
        "priority": near(value.priority, to=facts["priority"]),
        "draft": reply or facts["draft"],
        "doubts": threads.doubts(conversation, told),
    }


def near(wanted: str, *, to: str) -> str:
    """The priority that is wanted, but no more than a step from what the rules say: no customer talks a model into more."""
    places = briefing.PRIORITIES
    at = places.index(to)
    return places[max(at - 1, min(at + 1, places.index(wanted)))]


def give_up(row: Brief, why: str) -> bool:
    mine = running(row.pk, row.started_at)
    if mine.update(state=Writing.FAILED.value, why=why):
        row.state, row.why = Writing.FAILED.value, why
        tell(row)
    return False


def commit(row: Brief, content: dict[str, Any], endpoint: str) -> bool:
    """Keeps the brief, unless the conversation has moved on or its template was graded: that is what was read then."""
    with transaction.atomic():
        conversation = transcript.lock(row.conversation_id)
        mine = running(row.pk, row.started_at)
        late = conversation.handover_epoch != row.epoch or conversation.owner == Owner.BOT
        if late or conversation.resolved_at is not None:
            mine.update(state=Writing.CANCELLED.value, why="late")
            return False
        kept = {"state": Writing.DONE.value, "content": content, "endpoint": endpoint, "why": ""}
        if not mine.filter(grade=Grade.NONE.value).update(**kept):
            mine.update(state=Writing.CANCELLED.value)
            return False
    row.state, row.content, row.why = Writing.DONE.value, content, ""
    tell(row)
    return True


def running(pk: UUID, started_at: datetime | None) -> Any:
    """The row while this very attempt has it."""
    return Brief.objects.filter(pk=pk, state=Writing.RUNNING.value, started_at=started_at)


def tell(row: Brief) -> None:
    """Whoever has the conversation open sees what became of its brief."""
    pk = str(row.conversation_id)
    frame = {"type": "brief", "conversation_id": pk, **briefing.shown(row)}
    push.to_agents(row.conversation_id, frame)
