"""What agents see: the list, the queue in its order, one conversation with its context and brief. Reads only.

Everything holds placeholders where a customer gave personal data. Called by consumers and api.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import (
    OuterRef,
    Prefetch,
    QuerySet,
    Subquery,
    Value,
    prefetch_related_objects,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from chat import briefing, protocol, push, ranking, serving, transcript
from chat.dialogue import Dialogue, moods_of, read_dialogue, trend
from chat.dialogue.titles import title_for
from chat.models import Agent, Conversation, Escalation, Mention, Message, Note, Ring, Team
from chat.states import Owner, Role

LISTED = 200
# What people have or wait for is listed whatever the bot talks about, up to far more than anybody works through.
LISTED_PEOPLE = 1000
PREVIEW_CHARS = 80
EARLIER = 10
STEPS = 8
NOTES = 200
MENTIONS = 50
# How a note calls an agent begins: <@id>.
CALLS = "<@"


def listed(agent: Agent | None = None) -> list[dict[str, Any]]:
    """The open conversations in which something was said: agents' and waiting ones, then the bot's latest up to LISTED.

    Like everything here of the inboxes that `agent` serves; None: of all.
    """
    rows = serving.scoped(said().filter(resolved_at=None, last_seq__gt=0), agent)
    people = rows.filter(owner__in=[Owner.AGENT.value, Owner.QUEUE.value])
    # Agents' first, then whoever waits longest.
    found = as_entries(people.order_by("owner", "waiting_since")[:LISTED_PEOPLE])
    bots = rows.filter(owner=Owner.BOT.value).order_by("-last_activity_at")
    return found + as_entries(bots[: max(0, LISTED - len(found))])


def entries(ids: Iterable[UUID], *, agent: Agent | None = None) -> list[dict[str, Any]]:
    """The list's entries of these conversations."""
    return as_entries(serving.scoped(said().filter(pk__in=list(ids)), agent))


def said() -> QuerySet[Conversation]:
    """Conversations with what a list shows of their lines."""
    lines = Message.objects.filter(conversation=OuterRef("pk"))
    latest = lines.exclude(role=Role.SYSTEM.value).order_by("-seq")
    answered = lines.filter(role__in=[Role.AGENT.value, Role.BOT.value]).order_by("-seq")
    unanswered = lines.filter(role=Role.VISITOR.value, seq__gt=OuterRef("answered_seq"))
    waiting = Prefetch(
        "escalations", queryset=Escalation.objects.order_by("-opened_at"), to_attr="waits"
    )
    return (
        Conversation.objects.select_related("visitor", "inbox", "agent", "team")
        .prefetch_related(waiting)
        .annotate(
            latest_id=Subquery(latest.values("pk")[:1]),
            answered_seq=Coalesce(Subquery(answered.values("seq")[:1]), Value(0)),
        )
        .annotate(unanswered_at=Subquery(unanswered.order_by("seq").values("at")[:1]))
    )


def as_entries(rows: QuerySet[Conversation]) -> list[dict[str, Any]]:
    found: list[Any] = list(rows)
    latest = Message.objects.in_bulk([row.latest_id for row in found if row.latest_id])
    return [as_entry(row, latest.get(row.latest_id)) for row in found]


def as_entry(row: Any, latest: Message | None) -> dict[str, Any]:
    mood = read_dialogue(row.dialogue).moods[-1:]
    return {
        "conversation_id": str(row.pk),
        "inbox": row.inbox.name,
        "inbox_id": row.inbox_id,
        "visitor": visitor_fields(row),
        "owner": row.owner,
        "resolved": row.resolved_at is not None,
        "agent": agent_fields(row.agent) if row.owner == Owner.AGENT else None,
        "team": row.team.name if row.team else "",
        "epoch": row.epoch,
        "seq": row.last_seq,
        "read_seq": row.agent_read_seq,
        "at": protocol.iso(row.last_activity_at),
        "waiting_since": row.waiting_since and protocol.iso(row.waiting_since),
        "unanswered_since": row.unanswered_at and protocol.iso(row.unanswered_at),
        "latest": latest and {"role": latest.role, "text": latest.text[:PREVIEW_CHARS]},
        "reasons": [reason["code"] for reason in row.waits[0].reasons] if row.waits else [],
        "mood": {"label": mood[0][0], "score": mood[0][1]} if mood else None,
        "tags": row.tags,
        "snoozed": row.snoozed,
        "snoozed_until": row.snoozed_until and protocol.iso(row.snoozed_until),
    }


def visitor_fields(conversation: Conversation) -> dict[str, Any]:
    visitor = conversation.visitor
    return {
        "number": visitor.pk.hex[:4].upper(),
        "name": visitor.profile.get("name") or conversation.form.get("name") or "",
        "tier": visitor.tier,
        "verified": visitor.verified,
        "locale": visitor.locale,
    }


def agent_fields(agent: Agent | None) -> dict[str, Any] | None:
    if agent is None:
        return None
    return {"id": agent.pk, "name": agent.name, "presence": agent.presence}


def own_fields(agent: Agent) -> dict[str, Any]:
    """The agent of a console, with what customers read, by their language."""
    called = {"zh": agent.called("zh"), "en": agent.called("en")}
    return {**(agent_fields(agent) or {}), "called": called}


def agents() -> list[dict[str, Any]]:
    """Everybody a conversation may be passed to; `inboxes` are those of whose conversations, null: of all."""
    staff = Agent.objects.filter(user__is_active=True, user__is_staff=True).order_by("name")
    chosen = serving.chosen()
    return [
        {**(agent_fields(agent) or {}), "inboxes": sorted(chosen.get(agent.pk, ())) or None}
        for agent in staff
    ]


def teams() -> list[dict[str, Any]]:
    """Whom a conversation may be passed to as a group."""
    return [{"id": team.pk, "name": team.name} for team in Team.objects.order_by("name")]


def rings(agent: Agent) -> list[dict[str, Any]]:
    """What the agent is asked to take, the oldest first."""
    mine = Ring.objects.filter(agent=agent, ended_at=None).order_by("at")
    return [
        {"conversation_id": str(ring.conversation_id), "until": protocol.iso(ring.until)}
        for ring in mine
    ]


def queue(agent: Agent | None = None) -> list[dict[str, Any]]:
    """Who waits, whose turn it is first, each with its score and what it is made of."""
    waiting = Conversation.objects.filter(
        owner=Owner.QUEUE.value, resolved_at=None, waiting_since__isnull=False
    )
    waits = Prefetch(
        "escalations", queryset=Escalation.objects.filter(ended_at=None), to_attr="waits"
    )
    waiting = serving.scoped(waiting, agent)
    rows: list[Any] = list(waiting.select_related("visitor").prefetch_related(waits))
    places = ranking.ordered(map(as_waiting, rows), now=timezone.now().timestamp())
    return [
        {
            "conversation_id": place.id,
            "score": place.score,
            "because": [{"code": code, "points": points} for code, points in place.because],
        }
        for place in places
    ]


def as_waiting(row: Any) -> ranking.Waiting:
    reasons = tuple(reason["code"] for wait in row.waits for reason in wait.reasons)
    since = row.waiting_since.timestamp()
    return briefing.as_waiting(row, read_dialogue(row.dialogue), reasons, since=since)


def thread(conversation_id: UUID, *, after_seq: int, language: str) -> dict[str, Any]:
    """One conversation: the lines after `after_seq`, notes, who the customer is, and the brief.

    Raises Conversation.DoesNotExist.
    """
    turn = transcript.open_turn(conversation_id)
    entry = next(iter(entries([conversation_id])), None)
    if entry is None:
        raise Conversation.DoesNotExist
    conversation = Conversation.objects.select_related("visitor", "inbox", "team").get(
        pk=conversation_id
    )
    messages = transcript.since(conversation_id, after_seq=after_seq)
    frame = {
        "type": "thread",
        "conversation_id": str(conversation_id),
        "after_seq": after_seq,
        "entry": entry,
        "messages": [transcript.as_frame(message) for message in messages],
        "notes": [as_note(note) for note in notes_of(conversation)],
        "context": context(conversation, language=language),
        "brief": briefing.brief(conversation, language=language),
    }
    partial = push.find_partial(turn.pk) if turn is not None else None
    if turn is not None and not any(
        message.turn_id == turn.pk and message.role == Role.BOT for message in messages
    ):
        text = partial.text if partial else ""
        frame["partial"] = {"turn_id": str(turn.pk), "offset": 0, "text": text}
    return frame


def notes_of(conversation: Conversation) -> list[Note]:
    rows = Note.objects.filter(conversation=conversation).select_related("agent")
    notes = list(rows.order_by("at")[:NOTES])
    called = Prefetch("mentions", Mention.objects.select_related("agent"))
    prefetch_related_objects([note for note in notes if CALLS in note.text], called)
    return notes


def as_note(note: Note) -> dict[str, Any]:
    """The `note` frame of a line among agents."""
    return {
        "type": "note",
        "id": str(note.pk),
        "conversation_id": str(note.conversation_id),
        "client_id": str(note.client_id),
        "author": {"id": note.agent_id, "name": note.agent.name},
        "text": note.text,
        "mentions": called_in(note) if CALLS in note.text else [],
        "after_seq": note.after_seq,
        "at": protocol.iso(note.at),
    }


def called_in(note: Note) -> list[dict[str, Any]]:
    """Whom a note calls, by the names they have now."""
    called = [mention.agent for mention in note.mentions.all()]
    return [{"id": agent.pk, "name": agent.name} for agent in called]


def mentions(agent: Agent) -> list[dict[str, Any]]:
    """The notes that call the agent and were not read, the latest first."""
    unread = Mention.objects.filter(agent=agent, read_at=None).order_by("-note__at")
    unread = serving.scoped(unread, agent, inbox="note__conversation__inbox")
    rows = unread.select_related("note__agent", "note__conversation__visitor")[:MENTIONS]
    return [
        {
            "conversation_id": str(row.note.conversation_id),
            "note_id": str(row.note_id),
            "visitor": visitor_fields(row.note.conversation),
            "by": row.note.agent.name,
            "text": row.note.text[:PREVIEW_CHARS],
            "at": protocol.iso(row.note.at),
        }
        for row in rows
    ]


def context(conversation: Conversation, *, language: str) -> dict[str, Any]:
    """Who the customer is, what the page says, what was wanted, how the mood went, and what was before."""
    visitor = conversation.visitor
    dialogue = read_dialogue(conversation.dialogue)
    waits = Escalation.objects.filter(conversation=conversation).order_by("-opened_at")
    return {
        "customer_id": visitor.customer_id,
        "since": protocol.iso(visitor.created_at),
        "profile": visitor.profile,
        "attributes": visitor.attributes,
        "form": conversation.form,
        "page": conversation.context,
        "topics": topics(dialogue, language=language),
        "moods": [{"label": mood.label, "score": mood.score} for mood in moods_of(dialogue)],
        "trend": trend(dialogue),
        "escalations": [
            {"at": protocol.iso(wait.opened_at), "end": wait.end, "reasons": wait.reasons}
            for wait in waits[:STEPS]
        ],
        "earlier": earlier(conversation),
        "summary": conversation.summary,
        "tags": conversation.tags,
    }


def topics(dialogue: Dialogue, *, language: str) -> list[dict[str, Any]]:
    return [
        {
            "title": title_for(topic.intent, called=topic.title, language=language),
            "state": topic.state,
            "slots": topic.slots,
        }
        for topic in dialogue.topics
    ]


def earlier(conversation: Conversation) -> list[dict[str, Any]]:
    """The visitor's conversations before this one, the latest first."""
    before = Conversation.objects.filter(
        visitor_id=conversation.visitor_id, created_at__lt=conversation.created_at, last_seq__gt=0
    )
    return [
        {
            "conversation_id": str(row.pk),
            "at": protocol.iso(row.created_at),
            "topic": read_dialogue(row.dialogue).summary,
            "summary": row.summary,
            "tags": row.tags,
        }
        for row in before.order_by("-created_at")[:EARLIER]
    ]
