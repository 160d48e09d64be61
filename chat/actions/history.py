"""What was said before, page by page, and a conversation as a file. Reads only. Called by api."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from chat import transcript, vault
from chat.models import Conversation, Message, Visitor
from chat.protocol import ProtocolError
from chat.states import Role

PAGE_MOST = 200
TRANSCRIPT_LINES = 5000
CURSOR = re.compile(r"([0-9a-f]{32}):([1-9]\d{0,15})")
# Who speaks, in the two languages; AI must be named as such wherever its words go.
SPEAKERS = {
    Role.VISITOR: ("我", "Me"),
    Role.BOT: ("{name}（AI 生成）", "{name} (AI-generated)"),
    Role.AGENT: ("{name}（人工客服）", "{name} (agent)"),
    Role.SYSTEM: ("系统", "System"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """Frames, oldest first; `before` is the cursor of the page before, None at the very beginning."""

    messages: list[dict[str, Any]]
    before: str | None


def page(visitor: Visitor, *, before: str, limit: int) -> Page:
    """At most `limit` lines before the cursor; without one, those before the latest conversation.

    Raises ProtocolError `not_found` for a cursor that is not this visitor's.
    """
    limit = max(1, min(limit, PAGE_MOST))
    lines = Message.objects.filter(conversation__visitor=visitor).filter(
        earlier_than(visitor, before)
    )
    newest = list(lines.order_by("-conversation__created_at", "-seq")[: limit + 1])
    shown = newest[:limit]
    cursor = None
    if len(newest) > limit:
        cursor = f"{shown[-1].conversation_id.hex}:{shown[-1].seq}"
    return Page([transcript.as_frame(line) for line in reversed(shown)], cursor)


def earlier_than(visitor: Visitor, cursor: str) -> Q:
    conversations = Conversation.objects.filter(visitor=visitor)
    if not cursor:
        latest = conversations.order_by("-created_at").first()
        return Q(conversation__created_at__lt=latest.created_at) if latest else Q(pk=None)
    parts = CURSOR.fullmatch(cursor)
    known = conversations.filter(pk=UUID(parts[1])).first() if parts else None
    if parts is None or known is None:
        raise ProtocolError("not_found")
    older = Q(conversation__created_at__lt=known.created_at)
    return older | Q(conversation=known, seq__lt=int(parts[2]))


def as_text(visitor: Visitor) -> str:
    """The latest conversation line by line, with the visitor's own values. Raises ProtocolError `not_found`."""
    latest = Conversation.objects.filter(visitor=visitor).order_by("-created_at").first()
    if latest is None:
        raise ProtocolError("not_found")
    values = vault.Values(visitor.pk)
    lines = Message.objects.filter(conversation=latest).order_by("seq")[:TRANSCRIPT_LINES]
    said = [spoken(line, visitor=visitor, text=values.in_text(line.text)) for line in lines]
    return "\n\n".join([heading(latest, visitor), *said]) + "\n"


def heading(conversation: Conversation, visitor: Visitor) -> str:
    began = f"{timezone.localtime(conversation.created_at):%Y-%m-%d %H:%M} ({timezone.get_current_timezone_name()})"
    name = visitor.inbox.name
    return f"{name} · 会话记录 · {began}" if visitor.language == "zh" else f"{name} · {began}"


def spoken(line: Message, *, visitor: Visitor, text: str) -> str:
    chinese, english = SPEAKERS[Role(line.role)]
    speaker = chinese if visitor.language == "zh" else english
    name = (line.author or {}).get("name", "")
    at = f"{timezone.localtime(line.at):%Y-%m-%d %H:%M:%S}"
    return f"[{at}] {speaker.replace('{name}', name)}\n{text}"
