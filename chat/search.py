"""Finds conversations by what was said, order numbers and tags. Called by consumers, api and tasks.

Lines are cut into words by rjieba here, not by Postgres: its parsers leave Chinese whole, and the embedded one has no
pg_trgm. One vector holds a conversation, so that words of different lines find it together.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from chat import desk, serving
from chat.models import Agent, Conversation, Message
from prompts.nlu import segment

log = structlog.get_logger(__name__)

QUERY_CHARS = 100
FOUND_MOST = 30
HIT_CHARS = 120
INDEXED_AT_ONCE = 500
# A number is also found by so many of its last digits.
TAIL_DIGITS = range(4, 9)
LEXEME_CHARS = 40
PLACEHOLDER = re.compile(r"<[A-Z_]+_\d+>")
# A tsvector holds 1 MB: twice this many of the longest lexemes of Chinese just fit. Later ones of a conversation are not kept.
LEXEMES_MOST = 4000
# Classes of SQLSTATE. What the database will say of these lines every time: a bad value, and more than it can hold.
NEVER = ("22", "54")
# It is away, or about to be; whatever else it says may pass: a deadlock, a lock that is held, a statement too slow.
AWAY = ("08", "53", "57P")
STORE = """
    INSERT INTO chat_searchentry (conversation_id, at, words) VALUES (%s, %s, array_to_tsvector(%s))
    ON CONFLICT (conversation_id) DO UPDATE
    SET at = EXCLUDED.at, words = CASE WHEN length(chat_searchentry.words) >= %s THEN chat_searchentry.words
                                       ELSE chat_searchentry.words || EXCLUDED.words END
"""
BY_WORDS = """
    SELECT conversation_id FROM chat_searchentry WHERE words @@ %s::tsquery ORDER BY at DESC LIMIT %s
"""
# Nobody has statistics of numbers: left to itself, Postgres goes through all conversations by time until it has enough.
BY_NUMBER = """
    WITH found AS MATERIALIZED (SELECT conversation_id, at FROM chat_searchentry WHERE words @@ %s::tsquery)
    SELECT conversation_id FROM found ORDER BY at DESC LIMIT %s
"""
# The same for agents who serve some inboxes only.
BY_WORDS_OF = """
    SELECT entry.conversation_id FROM chat_searchentry entry JOIN chat_conversation talk ON talk.id = entry.conversation_id
    WHERE entry.words @@ %s::tsquery AND talk.inbox_id = ANY(%s) ORDER BY entry.at DESC LIMIT %s
"""
BY_TAGS = """
    SELECT id FROM chat_conversation WHERE tags @> %s::jsonb AND last_seq > 0 AND (%s::bigint[] IS NULL OR inbox_id = ANY(%s))
    ORDER BY last_activity_at DESC LIMIT %s
"""
BY_BOTH = """
    SELECT entry.conversation_id FROM chat_searchentry entry JOIN chat_conversation talk ON talk.id = entry.conversation_id
    WHERE entry.words @@ %s::tsquery AND talk.tags @> %s::jsonb AND (%s::bigint[] IS NULL OR talk.inbox_id = ANY(%s))
    ORDER BY entry.at DESC LIMIT %s
"""
HITS = """
    SELECT DISTINCT ON (conversation_id) conversation_id, seq, text FROM chat_message
    WHERE conversation_id = ANY(%s) AND role <> 'system' AND text ILIKE ANY(%s) ORDER BY conversation_id, seq DESC
"""


@dataclass(frozen=True, slots=True)
class Query:
    """`lexemes` as a tsquery, empty for none; `tags` all of which are wanted; `said` as it was typed, in pieces."""

    lexemes: str
    tags: tuple[str, ...]
    said: tuple[str, ...]


def find(text: str, *, agent: Agent | None = None) -> dict[str, Any]:
    """The conversations that have every word, number and #tag of `text`, the latest first, each with a line that shows why.

    Of the inboxes that the agent serves; None: of all.
    """
    query = read(text)
    ids = find_ids(query, serving.inboxes_of(agent))
    shown = ids[:FOUND_MOST]
    hits = hits_of(shown, query)
    entries = {entry["conversation_id"]: entry for entry in desk.entries(shown, agent=agent)}
    found = [{**entries[str(pk)], "hit": hits.get(pk)} for pk in shown if str(pk) in entries]
    return {"query": text, "entries": found, "more": len(ids) > FOUND_MOST}


def read(text: str) -> Query:
    words = text[:QUERY_CHARS].split()
    tags = tuple(word[1:] for word in words if word.startswith("#") and len(word) > 1)
    said = tuple(word for word in words if not word.startswith("#"))
    wanted = [piece for word in said for run in runs(word) for piece in wanted_by(run)]
    return Query(" & ".join(dict.fromkeys(wanted)), tags, said)


def find_ids(query: Query, inboxes: list[int] | None) -> list[UUID]:
    """One more than FOUND_MOST where there are more; of these inboxes, None: of all."""
    most = FOUND_MOST + 1
    tags = to_json(query.tags)
    if query.lexemes and query.tags:
        return column(BY_BOTH, [query.lexemes, tags, inboxes, inboxes, most])
    if query.lexemes and inboxes is not None:
        return column(BY_WORDS_OF, [query.lexemes, inboxes, most])
    if query.lexemes:
        by = BY_NUMBER if any(map(str.isdigit, query.lexemes)) else BY_WORDS
        return column(by, [query.lexemes, most])
    return column(BY_TAGS, [tags, inboxes, inboxes, most]) if query.tags else []


def hits_of(ids: list[UUID], query: Query) -> dict[UUID, dict[str, Any]]:
    """The latest line of each conversation that has a word as it was typed."""
    patterns = [f"%{escaped(word)}%" for word in query.said]
    if not ids or not patterns:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(HITS, [ids, patterns])
        rows = cursor.fetchall()
    return {pk: {"seq": seq, "text": around(text, query.said)} for pk, seq, text in rows}


def around(text: str, said: tuple[str, ...]) -> str:
    """As much of a long line as shows the first word found."""
    places = [at for word in said if (at := text.lower().find(word.lower())) >= 0]
    begin = max(0, min(places, default=0) - HIT_CHARS // 3)
    cut = text[begin : begin + HIT_CHARS]
    return f"…{cut}" if begin else cut


def runs(text: str) -> Iterator[str]:
    """Stretches of Chinese characters, or of other letters and digits; placeholders are none."""
    for match in segment.RUN.finditer(segment.normalise(PLACEHOLDER.sub(" ", text))):
        yield match.group()


def wanted_by(run: str) -> Iterator[str]:
    """The parts of a tsquery that a stretch of the query stands for."""
    if segment.is_han(run):
        yield from map(quoted, segment.cut(run))
        return
    run = run[:LEXEME_CHARS]
    is_tail = run.isdigit() and len(run) in TAIL_DIGITS
    yield f"({quoted(run)}:* | {quoted('~' + run)})" if is_tail else f"{quoted(run)}:*"


def lexemes(text: str) -> set[str]:
    """What a line is found by."""
    found: set[str] = set()
    for run in runs(text):
        if segment.is_han(run):
            found.update(segment.cut(run), run)
            found.update(set(run))
            continue
        run = run[:LEXEME_CHARS]
        found.add(run)
        found.update("~" + run[-n:] for n in TAIL_DIGITS if len(run) > n and run[-n:].isdigit())
    return {each[:LEXEME_CHARS] for each in found}


def index_due() -> int:
    """Cuts the lines that came since the last time; of how many conversations. Safe to run beside itself.

    Raises DatabaseError when the database is away.
    """
    due = Conversation.objects.filter(searched_seq__lt=F("last_seq")).order_by("last_activity_at")
    rows = list(
        due.values_list("pk", "searched_seq", "last_seq", "last_activity_at")[:INDEXED_AT_ONCE]
    )
    return sum(try_to_index(pk, searched, last, at) for pk, searched, last, at in rows)


def try_to_index(pk: UUID, searched: int, last: int, at: Any) -> bool:
    """False where the next round has to try again."""
    try:
        index(pk, searched=searched, last=last, at=at)
    except DatabaseError as error:
        state = getattr(error.__cause__, "sqlstate", None) or ""
        if not state or state.startswith(AWAY):
            raise
        is_lost = state.startswith(NEVER)
        event = "unsearchable" if is_lost else "searchable_later"
        log.error(event, conversation_id=str(pk), error=type(error).__name__, state=state)
        if is_lost:
            # It must not stand before all others for ever.
            Conversation.objects.filter(pk=pk, searched_seq=searched).update(searched_seq=last)
        return is_lost
    return True


def index(conversation_id: UUID, *, searched: int, last: int, at: Any) -> None:
    lines = Message.objects.filter(
        conversation_id=conversation_id, seq__gt=searched, seq__lte=last
    ).exclude(role="system")
    words = set().union(*map(lexemes, lines.values_list("text", flat=True)))
    with transaction.atomic():
        mine = Conversation.objects.filter(pk=conversation_id, searched_seq=searched)
        if not mine.update(searched_seq=last):
            return
        with connection.cursor() as cursor:
            cursor.execute(STORE, [conversation_id, at, kept(words), LEXEMES_MOST])


def kept(words: set[str]) -> list[str]:
    """As many as are stored at once. The shortest say most: the longest are whole stretches of Chinese."""
    return sorted(words, key=lambda word: (len(word), word))[:LEXEMES_MOST]


def column(query: str, values: list[Any]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return [row[0] for row in cursor.fetchall()]


def quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def escaped(word: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", word)


def to_json(tags: tuple[str, ...]) -> str:
    return json.dumps(tags, ensure_ascii=False)
