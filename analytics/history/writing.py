"""Writes stories as rows, with COPY: whole batches, each in a transaction, so that a stop leaves nothing half."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, models, transaction

from analytics.history import scenes
from analytics.history.plan import Called, Ran, Shop, Story
from chat.models import Agent, Conversation, Escalation, Inbox, Message, Rating, Turn, Visitor
from prompts.models import ModelCall

NULL = r"\N"
FILLED_IN = ("id",)


def open_shop() -> list[Shop]:
    """The inboxes and agents of the made-up past, made where they are missing."""
    users = get_user_model()
    agents = []
    for number, name in enumerate(scenes.AGENTS):
        user, _ = users.objects.get_or_create(
            username=f"history-agent-{number}", defaults={"is_active": False}
        )
        agents.append(Agent.objects.get_or_create(user=user, defaults={"name": name})[0])
    shops = []
    for number, (name, share) in enumerate(scenes.SHOPS):
        inbox, _ = Inbox.objects.get_or_create(
            key=f"history-{number}", defaults={"name": name, "shop_name": name, "enabled": False}
        )
        shops.append(
            Shop(inbox.pk, inbox.key, share, [a.pk for a in agents], [a.name for a in agents])
        )
    return shops


def write(stories: Sequence[Story]) -> int:
    """The stories as rows; how many lines."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        copy(cursor, Visitor, VISITOR, (visitor(each) for each in stories if each.new_visitor))
        copy(cursor, Conversation, CONVERSATION, map(conversation, stories))
        copy(cursor, Turn, TURN, (turn(s, t) for s in stories for t in s.turns))
        copy(cursor, Message, MESSAGE, (row for s in stories for row in messages(s)))
        copy(cursor, Escalation, ESCALATION, (escalation(s) for s in stories if s.opened_at))
        copy(cursor, Rating, RATING, (rating(s) for s in stories if s.score))
        copy(
            cursor,
            ModelCall,
            CALL,
            (call(s, t, c, n) for s in stories for t in s.turns for n, c in enumerate(t.calls, 1)),
        )
    return sum(len(each.lines) for each in stories)


def copy(
    cursor: Any, model: type[models.Model], columns: Sequence[str], rows: Iterable[str]
) -> None:
    """Copies rows of these columns; every other column gets its field's default, whatever was added since."""
    others = [
        field
        for field in model._meta.concrete_fields
        if field.column not in columns and not (field.primary_key and field.column in FILLED_IN)
    ]
    rest = "".join(f"\t{as_text(field, field.get_default())}" for field in others)
    names = ", ".join(f'"{name}"' for name in [*columns, *(field.column for field in others)])
    table = model._meta.db_table
    with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as out:
        out.write("".join(f"{row}{rest}\n" for row in rows))


def as_text(field: "models.Field[Any, Any]", value: Any) -> str:
    """A default as COPY reads it."""
    if value is None:
        return NULL
    if isinstance(field, models.JSONField):
        return json.dumps(value)
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


VISITOR = ("id", "inbox_id", "tier", "created_at")


def visitor(story: Story) -> str:
    return f"{story.visitor}\t{story.shop.inbox_id}\t{story.tier}\t{moment(story.at)}"


CONVERSATION = (
    "id", "visitor_id", "inbox_id", "owner", "agent_id", "last_seq", "created_at", "last_activity_at", "waiting_since",
    "resolved_at", "tags",
)  # fmt: skip


def conversation(story: Story) -> str:
    owner = "agent" if story.agent >= 0 else "queue" if story.end == "resolved" else "bot"
    agent = str(story.shop.agent_ids[story.agent]) if story.agent >= 0 else NULL
    last = moment(story.last_at)
    return "\t".join(
        (
            story.id, story.visitor, str(story.shop.inbox_id), owner, agent, str(len(story.lines)), moment(story.at), last,
            moment(story.opened_at) if owner == "queue" else NULL, last if story.resolved else NULL,
            json.dumps(story.tags, ensure_ascii=False),
        )
    )  # fmt: skip


TURN = (
    "id", "conversation_id", "first_seq", "last_seq", "epoch", "state", "queued_at", "started_at", "finished_at", "decision",
)  # fmt: skip


def turn(story: Story, ran: Ran) -> str:
    queued = moment(ran.at)
    release = f'"release":"{ran.release}",' if ran.release else ""
    decision = (
        f'{{"analysis":{{"intents":[["{ran.intent}",0.9]],"emotion":["{ran.mood}",0.8]}},"answered_by":"{ran.endpoint}",'
        f'{release}"cause":"{ran.cause}","est_saving":{ran.saving:.8f}}}'
    )
    finished = moment(ran.at + ran.took_ms / 1000)
    return f"{ran.id}\t{story.id}\t{ran.seq}\t{ran.seq}\t0\t{ran.state}\t{queued}\t{queued}\t{finished}\t{decision}"


MESSAGE = (
    "id",
    "conversation_id",
    "seq",
    "role",
    "text",
    "html",
    "at",
    "author",
    "visitor_id",
    "client_id",
    "turn_id",
    "ai",
    "meta",
)


def messages(story: Story) -> Iterable[str]:
    # Ids that follow from the conversation's: they need no drawing, and stand together in the index.
    head = story.id[:24]
    for seq, said in enumerate(story.lines, 1):
        pk = f"{head}{seq:04x}{story.id[28:]}"
        author = f'{{"name":"{said.author}","avatar":""}}' if said.author else NULL
        mine = said.role == "visitor"
        yield (
            f"{pk}\t{story.id}\t{seq}\t{said.role}\t{said.text}\t<p>{said.text.replace('<', '&lt;')}</p>\t{moment(said.at)}"
            f"\t{author}\t{story.visitor if mine else NULL}\t{pk if mine else NULL}\t{said.turn or NULL}"
            f"\t{'t' if said.role == 'bot' else 'f'}\t{said.meta}"
        )


ESCALATION = ("conversation_id", "opened_at", "reasons", "ended_at", "end", "agent_id")


def escalation(story: Story) -> str:
    reasons = json.dumps([{"code": code, "points": 1.0} for code in story.reasons])
    agent = str(story.shop.agent_ids[story.agent]) if story.agent >= 0 else NULL
    return f"{story.id}\t{moment(story.opened_at)}\t{reasons}\t{moment(story.claimed_at)}\t{story.end}\t{agent}"


RATING = ("conversation_id", "score", "resolved", "tags", "at")


def rating(story: Story) -> str:
    tags = json.dumps(story.rating_tags, ensure_ascii=False)
    return f"{story.id}\t{story.score}\t{'t' if story.said_resolved else 'f'}\t{tags}\t{moment(story.last_at)}"


CALL = (
    "id", "trace_id", "purpose", "inbox", "endpoint", "attempt", "error_class", "first_token_ms", "total_ms", "input_tokens",
    "output_tokens", "cost", "currency", "decision", "intent", "emotion", "release", "taken_over", "at",
)  # fmt: skip


def call(story: Story, ran: Ran, made: Called, attempt: int) -> str:
    first = f"{made.first_token_ms:.1f}" if made.first_token_ms else NULL
    plan = f'{{"cause":"{ran.cause}","plan":["{ran.calls[0].endpoint}"]}}'
    taken = "t" if story.opened_at and ran is story.turns[-1] else "f"
    return (
        f"{ran.id[:-2]}{attempt:02x}\t{ran.id}\tanswer\t{story.shop.key}\t{made.endpoint}\t{attempt}\t{made.failed}\t{first}"
        f"\t{made.total_ms:.1f}\t{made.tokens_in}\t{made.tokens_out}\t{made.cost:.8f}\tCNY\t{plan}\t{ran.intent}\t{ran.mood}"
        f"\t{ran.release}\t{taken}\t{moment(ran.at + ran.took_ms / 1000)}"
    )
