"""The brief of a hand-over: what an agent should know before the first word. Reads only.

Everything here is taken from rows by template; what a model wrote of it beside that is laid over it where there is any.
Called by desk, which shows it, and by assisting, which gives a model the same facts.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from chat import protocol, ranking
from chat.dialogue import Dialogue, moods_of, open_topics, read_dialogue, trend
from chat.dialogue.titles import title_for
from chat.models import Brief, Conversation, Escalation, Message, Skill, Team, ToolCall
from chat.states import CallState, Owner, Role, Tier, Writing
from prompts import completion
from prompts.nlu.emotion import NEGATIVE

NEED_CHARS, NEED_CHARS_LEAST, NEED_LINES = 140, 6, 6
STEPS = 8
# The worst of so many latest moods counts: who has just said 转人工 calmly was angry a line before.
MOODS_COUNTED = 3
# Points of the queue's order, without the wait, from which a conversation is urgent or high.
URGENT_POINTS, HIGH_POINTS = 8, 3
PRIORITIES = ("low", "normal", "high", "urgent")
MESSAGE_LEFT = "message_left"
# Longer than any model is waited for.
PENDING = timedelta(seconds=45)


def brief(conversation: Conversation, *, language: str) -> dict[str, Any]:
    """The `brief` of a thread: the template's facts, and over them what a model wrote of this hand-over."""
    row = current(conversation)
    return {**template(conversation, language=language), **shown(row)}


def current(conversation: Conversation) -> Brief | None:
    """The row of the conversation's hand-over; none while the bot has it."""
    if conversation.owner == Owner.BOT or not conversation.handover_epoch:
        return None
    rows = Brief.objects.filter(conversation=conversation, epoch=conversation.handover_epoch)
    return rows.select_related("graded_by").first()


def shown(row: Brief | None) -> dict[str, Any]:
    """What a row adds to the template's facts: who wrote it, its grade, and a model's words."""
    if row is None:
        return {"source": "template", "why": "", "pending": False, "epoch": 0, "grade": None}
    graded = row.grade and {
        "value": row.grade,
        "word": row.grade_word,
        "by": row.graded_by.name if row.graded_by else "",
        "at": row.graded_at and protocol.iso(row.graded_at),
    }
    return {
        "source": row.source,
        "why": row.why,
        "pending": is_pending(row),
        "epoch": row.epoch,
        "grade": graded or None,
        **(row.content if row.source == "model" else {}),
    }


def is_pending(row: Brief) -> bool:
    """Whether a model is at it: not once its worker must have died."""
    since = row.started_at or row.at
    return row.state in {Writing.QUEUED, Writing.RUNNING} and timezone.now() - since < PENDING


def template(conversation: Conversation, *, language: str) -> dict[str, Any]:
    """The facts, in the agent's language: reasons, need, slots, order, what was tried, mood, team, priority, first reply."""
    dialogue = read_dialogue(conversation.dialogue)
    wanted = [
        title_for(topic.intent, called=topic.title, language=language)
        for topic in open_topics(dialogue)
    ]
    said = last_said(conversation)
    reasons = reasons_of(conversation)
    return {
        "topics": wanted[:3],
        "said": said,
        "need": " · ".join(wanted[:3]) or said,
        "reasons": reasons,
        "slots": dialogue.slots,
        "order": order_of(conversation, language=language),
        "steps": [*answers_tried(conversation), *calls_tried(conversation, language=language)],
        "tried": [],
        "mood": mood_of(dialogue),
        "team": team_of(conversation, dialogue),
        "priority": priority_of(conversation, dialogue, [each["code"] for each in reasons]),
        "draft": first_reply(conversation, dialogue),
        "doubts": [],
    }


def last_said(conversation: Conversation) -> str:
    """The line that tells the need: 转人工 and its like say nothing of it; the line before does."""
    lines = Message.objects.filter(conversation=conversation, role=Role.VISITOR.value)
    latest = list(lines.order_by("-seq").values_list("text", flat=True)[:NEED_LINES])
    telling = (text for text in latest if len(text) >= NEED_CHARS_LEAST)
    return next(telling, latest[0] if latest else "")[:NEED_CHARS]


def reasons_of(conversation: Conversation) -> list[dict[str, Any]]:
    """Why a person was called last."""
    waits = Escalation.objects.filter(conversation=conversation).order_by("-opened_at")
    latest = waits.values_list("reasons", flat=True).first()
    return list(latest or [])


def answers_tried(conversation: Conversation) -> list[dict[str, Any]]:
    """What the bot has answered from: the titles of its SOPs, or that it answered by itself."""
    lines = Message.objects.filter(conversation=conversation, role=Role.BOT.value).order_by("seq")
    cited: list[dict[str, Any]] = list(lines.values_list("meta", flat=True))
    # The first is what the answer rests on; the others were found beside it.
    titles = [meta["citations"][0]["title"] for meta in cited if meta.get("citations")]
    return [{"kind": "sop", "title": title} for title in list(dict.fromkeys(titles))[-STEPS:]]


def calls_tried(conversation: Conversation, *, language: str) -> list[dict[str, Any]]:
    # What a model made up was tried by nobody.
    calls = ToolCall.objects.filter(conversation=conversation).exclude(error="not_offered")
    latest = calls.order_by("-at")
    known = latest.values_list("name", f"tool__title_{language}", "state")[:STEPS]
    return [
        {"kind": "tool", "title": title or name, "state": state}
        for name, title, state in reversed(list(known))
    ]


def order_of(conversation: Conversation, *, language: str) -> dict[str, Any] | None:
    """The order as the shop's system last said it; else as the page says, unverified. `label` is a text or a slot's name."""
    calls = ToolCall.objects.filter(
        conversation=conversation, state=CallState.DONE.value, tool__effect="read"
    )
    told = calls.exclude(result={}).select_related("tool").order_by("-at").first()
    if told is not None and told.tool is not None:
        lines = [
            {"label": each[language], "value": told.result[each["path"]]}
            for each in told.tool.shown
            if each["path"] in told.result
        ]
        return {"source": "tool", "at": protocol.iso(told.at), "lines": lines}
    page = conversation.context.get("order") or {}
    lines = [{"label": name, "value": str(value)} for name, value in page.items() if name != "url"]
    return {"source": "page", "at": None, "lines": lines} if lines else None


def mood_of(dialogue: Dialogue) -> dict[str, Any] | None:
    moods = moods_of(dialogue)
    if not moods:
        return None
    return {"label": moods[-1].label, "score": moods[-1].score, "trend": trend(dialogue)}


def team_of(conversation: Conversation, dialogue: Dialogue) -> dict[str, Any] | None:
    """The team most of whose agents have a skill that the inbox and the open topics call for."""
    if conversation.team is not None:
        return {"id": conversation.team.pk, "name": conversation.team.name}
    intents = {topic.intent for topic in open_topics(dialogue)}
    wanted = [
        pk
        for pk, inbox, about in Skill.objects.values_list("pk", "inbox_id", "intents")
        if about and intents.intersection(about) and inbox in {None, conversation.inbox_id}
    ]
    if not wanted:
        return None
    skilled = Team.objects.filter(agents__skills__in=wanted).values_list("pk", "name")
    counts: dict[tuple[int, str], int] = {}
    for team in skilled:
        counts[team] = counts.get(team, 0) + 1
    if not counts:
        return None
    pk, name = max(counts, key=lambda team: (counts[team], -team[0]))
    return {"id": pk, "name": name}


def priority_of(conversation: Conversation, dialogue: Dialogue, reasons: Iterable[str]) -> str:
    """One of PRIORITIES, by what brings the conversation forward in the queue beside its wait."""
    codes = tuple(reasons)
    waiting = as_waiting(conversation, dialogue, codes)
    points = sum(each for code, each in ranking.because(waiting, now=0.0) if code != "wait")
    if points >= HIGH_POINTS:
        return "urgent" if points >= URGENT_POINTS else "high"
    return "low" if codes == (MESSAGE_LEFT,) and not points else "normal"


def as_waiting(
    conversation: Conversation, dialogue: Dialogue, reasons: tuple[str, ...], *, since: float = 0.0
) -> ranking.Waiting:
    """The conversation as the queue's order sees it; `since` in seconds."""
    bad = [score for label, score in dialogue.moods[-MOODS_COUNTED:] if label == NEGATIVE]
    return ranking.Waiting(
        id=str(conversation.pk),
        since=since,
        mood=NEGATIVE if bad else "neutral",
        mood_score=max(bad, default=0.0),
        vip=conversation.visitor.tier == Tier.VIP,
        reasons=reasons,
    )


def first_reply(conversation: Conversation, dialogue: Dialogue) -> str:
    """A first sentence in the customer's language; `{{agent}}` is filled in by whoever sends it."""
    language = conversation.visitor.language
    topics = [
        title_for(topic.intent, called=topic.title, language=language)
        for topic in open_topics(dialogue)
    ]
    purpose = "first_reply" if topics else "first_reply_open"
    return completion.text(
        purpose, language=language, agent="{{agent}}", topic=" · ".join(topics[:2])
    )
