"""Dialogue state: what the thread is about, kept per visitor and natural day.

Redis holds it for speed, Postgres (`Conversation.dialogue`) for truth. Called by turn and actions. The state
names topics and order numbers, never a customer's words.
"""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone
from redis import RedisError

from chat.dialogue import Dialogue, offer, read_dialogue, summarise, taken_up
from chat.models import Conversation
from prompts.redis import connection

log = structlog.get_logger(__name__)

# The state itself is plain Python; other parts of chat know it by this module.
__all__ = [
    "Dialogue",
    "advanced",
    "expired",
    "find",
    "load",
    "offer",
    "read_dialogue",
    "rebuilt",
    "resumed",
    "store",
    "summarise",
]

# Writes only over the revision that was read, so that two tabs or a retry cannot interleave.
COMPARE_AND_SET = """
local kept = redis.call('GET', KEYS[1])
if kept and cjson.decode(kept)['rev'] ~= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


def load(conversation: Conversation, *, now: datetime) -> Dialogue:
    """The state of the visitor's day: from Redis, else rebuilt from Postgres.

    A state whose time is over comes back empty, with what it was about in `earlier`.
    """
    kept = find(conversation.visitor_id, now=now)
    if kept is None:
        return rebuilt(conversation, now=now)
    if kept.at_seconds < conversation.dialogue.get("at_seconds", 0.0):
        # A worker died between the answer and this, or Redis was away: the answer's row knows better.
        return replace(rebuilt(conversation, now=now), rev=kept.rev)
    return kept


def find(visitor_id: UUID, *, now: datetime) -> Dialogue | None:
    """The state Redis holds for the visitor's day, if any."""
    try:
        kept: Any = connection().get(key(visitor_id, now=now))
    except RedisError as error:
        log.warning("dialogue_unreachable", error=type(error).__name__)
        return None
    return None if kept is None else read_dialogue(json.loads(kept))


def rebuilt(conversation: Conversation, *, now: datetime) -> Dialogue:
    """The state as Postgres has it: alive when its time is not over, else only `earlier`."""
    stored = conversation.dialogue or last_stored(conversation.visitor_id)
    fresh = Dialogue(conversation_id=str(conversation.pk))
    if not stored:
        return fresh
    dialogue = replace(read_dialogue(stored), rev=0)
    if not expired(dialogue, now=now):
        return dialogue
    return replace(fresh, earlier=offer(dialogue)) if dialogue.topic else fresh


def last_stored(visitor_id: UUID) -> dict[str, Any]:
    """What the visitor's last conversation that had a state was about, or {}."""
    earlier = Conversation.objects.filter(visitor_id=visitor_id).exclude(dialogue={})
    return earlier.order_by("-created_at").values_list("dialogue", flat=True).first() or {}


def expired(dialogue: Dialogue, *, now: datetime) -> bool:
    """True when the state is from another natural day, or idle beyond its time to live."""
    last = datetime.fromtimestamp(dialogue.at_seconds, tz=UTC)
    idle = timedelta(seconds=settings.DIALOGUE_TTL_SECONDS)
    return now - last > idle or day(last) != day(now)


def advanced(dialogue: Dialogue, *, now: datetime, **changes: Any) -> Dialogue:
    """The state after one more turn."""
    return replace(
        dialogue,
        rev=dialogue.rev + 1,
        turns=dialogue.turns + 1,
        at_seconds=now.timestamp(),
        **changes,
    )


def store(visitor_id: UUID, dialogue: Dialogue, *, expected_rev: int, now: datetime) -> bool:
    """Keeps `dialogue` if Redis still holds `expected_rev`, or nothing. False when another was faster."""
    written = json.dumps(asdict(dialogue), ensure_ascii=False)
    try:
        return bool(
            compare_and_set()(
                keys=[key(visitor_id, now=now)],
                args=[expected_rev, written, settings.DIALOGUE_TTL_SECONDS],
            )
        )
    except RedisError as error:
        log.warning("dialogue_unreachable", error=type(error).__name__)
        return True


def resumed(dialogue: Dialogue) -> Dialogue:
    """The state with what was offered in `earlier` taken up again."""
    return replace(dialogue, **taken_up(dialogue.earlier), earlier={})


def key(visitor_id: UUID, *, now: datetime) -> str:
    return f"dialogue:{visitor_id}:{day(now)}"


def day(at: datetime) -> str:
    """The natural day in the shop's time zone, as 2026-01-31."""
    return timezone.localtime(at).date().isoformat()


@cache
def compare_and_set() -> Any:
    return connection().register_script(COMPARE_AND_SET)
