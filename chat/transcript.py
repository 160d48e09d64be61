"""Reads and appends the lines of a conversation. Every append holds the conversation's row lock.

Called by actions and turn for writing, by consumers and api for reading.
"""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import nh3
from django.db import connection
from django.utils import timezone
from django.utils.html import escape
from markdown_it import MarkdownIt

from chat import media, outbox, protocol, showing, waiting
from chat.models import Agent, Conversation, Message, Turn, Visitor
from chat.states import TURN_OPEN, Event, Owner, Role, shown_state

SYNC_LIMIT = 500
# The channel-layer group of all consoles.
STAFF = "staff"
# Not the ORM's: once a turn a dozen rows are read, and building the query and the objects costs 3 ms.
LATEST = """
    SELECT seq, role, text, meta::text FROM chat_message WHERE conversation_id = %s
    ORDER BY seq DESC LIMIT %s
"""
HTML_TAGS = {"p", "br", "strong", "em", "ul", "ol", "li", "a", "code"}
HTML_ATTRIBUTES = {"a": {"href"}}
URL_SCHEMES = {"https", "http", "mailto", "tel"}
MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable("image")
MARKDOWN_SIGNS = frozenset("*_`[]#<>&|\\-+1234567890")


def lock(conversation_id: UUID) -> Conversation:
    """The conversation, its row locked until the transaction ends. Raises Conversation.DoesNotExist."""
    return Conversation.objects.select_for_update(no_key=True).get(pk=conversation_id)


def append(
    conversation: Conversation,
    *,
    role: Role,
    text: str,
    client_id: UUID | None = None,
    visitor: Visitor | None = None,
    turn: Turn | None = None,
    author: dict[str, Any] | None = None,
    ai: bool = False,
    meta: dict[str, Any] | None = None,
    also: tuple[str, ...] = (),
) -> Message:
    """Adds a line with the next seq. The caller holds `lock(conversation)` in a transaction.

    `also` names further fields of the conversation to save with it.
    """
    conversation.last_seq += 1
    conversation.last_activity_at = timezone.now()
    woken = wake(conversation) if role is Role.VISITOR else ()
    message = Message.objects.create(
        conversation=conversation,
        seq=conversation.last_seq,
        role=role.value,
        text=text,
        html=to_html(text, role=role),
        at=conversation.last_activity_at,
        author=author,
        visitor=visitor,
        client_id=client_id,
        turn=turn,
        epoch=conversation.epoch,
        ai=ai,
        meta=meta or {},
    )
    conversation.save(update_fields=["last_seq", "last_activity_at", *also, *woken])
    outbox.note(conversation, Event.MESSAGE, lambda: told(message))
    return message


def wake(conversation: Conversation) -> tuple[str, ...]:
    """Ends that the locked conversation was put aside; the fields to save with it."""
    if not conversation.snoozed:
        return ()
    conversation.snoozed, conversation.snoozed_until = False, None
    return ("snoozed", "snoozed_until")


def told(message: Message) -> dict[str, Any]:
    """What other systems are told of a line; placeholders stand for personal data."""
    return {
        "seq": message.seq,
        "id": str(message.pk),
        "role": message.role,
        "text": message.text,
        "at": protocol.iso(message.at),
        "ai": message.ai,
        "author": message.author,
    }


def to_html(text: str, *, role: Role) -> str:
    """Sanitised HTML of a line: Markdown for what bot and agents write, plain text for the visitor."""
    if role is Role.VISITOR or not MARKDOWN_SIGNS & set(text):
        return "<p>" + escape(text).replace("\n", "<br>") + "</p>"
    return nh3.clean(
        MARKDOWN.render(text),
        tags=HTML_TAGS,
        attributes=HTML_ATTRIBUTES,
        url_schemes=URL_SCHEMES,
        link_rel="noopener nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    ).strip()


def since(conversation_id: UUID, *, after_seq: int) -> list[Message]:
    """The next SYNC_LIMIT lines after `after_seq`, in order; from 0 the newest ones of the conversation."""
    lines = Message.objects.filter(conversation_id=conversation_id, seq__gt=after_seq)
    if after_seq:
        return list(lines.order_by("seq")[:SYNC_LIMIT])
    return list(reversed(lines.order_by("-seq")[:SYNC_LIMIT]))


@dataclass(frozen=True, slots=True)
class Line:
    """As much of a message as a turn reads."""

    seq: int
    role: str
    text: str
    meta: dict[str, Any]


def latest(conversation_id: UUID, *, limit: int) -> list[Line]:
    """The last `limit` lines, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(LATEST, [conversation_id, limit])
        rows = cursor.fetchall()
    return [Line(seq, role, text, json.loads(meta)) for seq, role, text, meta in reversed(rows)]


def as_frame(message: Message) -> dict[str, Any]:
    """The `message` frame of a line: an allow-list of fields, the same for socket and API."""
    frame: dict[str, Any] = {
        "type": "message",
        "seq": message.seq,
        "id": str(message.pk),
        "conversation_id": str(message.conversation_id),
        "role": message.role,
        "text": message.text,
        "html": message.html,
        "at": protocol.iso(message.at),
        "ai": message.ai,
    }
    optional = {
        "author": message.author,
        "turn_id": str(message.turn_id) if message.turn_id and message.role == Role.BOT else None,
        "client_id": str(message.client_id) if message.client_id else None,
        "cards": message.meta.get("cards"),
        "citations": message.meta.get("citations"),
        "feedback": message.meta.get("feedback"),
        "context": message.meta.get("context"),
    }
    frame |= {name: value for name, value in optional.items() if value}
    return with_images(frame, message) if "attachments" in message.meta else frame


def with_images(frame: dict[str, Any], message: Message) -> dict[str, Any]:
    """The frame with its images, each under an address that holds for minutes."""
    images = message.meta["attachments"]
    shown = [{**image, "url": media.url(image["id"])} for image in images]
    # Rows say "[image]" there, for whoever reads them without pictures.
    words = {"text": "", "html": ""} if message.meta.get("image_only") else {}
    return frame | words | {"attachments": shown}


def cards_frame(message: Message) -> dict[str, Any]:
    """The `cards` frame: what became of the cards of a line that was sent before."""
    return {
        "type": "cards",
        "conversation_id": str(message.conversation_id),
        "message_seq": message.seq,
        "cards": message.meta.get("cards", []),
    }


def state_fields(conversation: Conversation) -> dict[str, Any]:
    """`state`, `owner` and, where they apply, `agent` and `queue` of a conversation."""
    resolved = conversation.resolved_at is not None
    fields: dict[str, Any] = {
        "state": shown_state(Owner(conversation.owner), resolved=resolved),
        "owner": conversation.owner,
    }
    if conversation.owner == Owner.AGENT and conversation.agent:
        fields["agent"] = shown_agent(conversation.agent, conversation.visitor)
    if conversation.owner == Owner.QUEUE and not resolved:
        if not showing.is_open(conversation.inbox, timezone.now()):
            return fields | {"state": "offline"}
        fields["queue"] = waiting.place(conversation)
    return fields


def shown_agent(agent: Agent, visitor: Visitor) -> dict[str, Any]:
    """What the visitor is told of an agent."""
    return {"name": agent.called(visitor.language), "avatar": agent.avatar}


def state_frame(conversation: Conversation) -> dict[str, Any]:
    return {"type": "state", **state_fields(conversation)}


def group(visitor_id: UUID) -> str:
    """The channel-layer group of a visitor's sockets."""
    return f"visitor.{visitor_id}"


def watchers(conversation_id: UUID) -> str:
    """The channel-layer group of the agents who have a conversation open."""
    return f"watch.{conversation_id}"


def desk_of(agent_id: int) -> str:
    """The channel-layer group of one agent's consoles."""
    return f"desk.{agent_id}"


def open_turn(conversation_id: UUID) -> Turn | None:
    """The turn the visitor waits for: the running one, else the queued one."""
    turns = Turn.objects.filter(
        conversation_id=conversation_id, state__in=[state.value for state in TURN_OPEN]
    )
    return turns.order_by("-state").first()  # "running" sorts after "queued"
