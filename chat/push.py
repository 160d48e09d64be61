"""Sends frames to browsers through the channel layer. Called by actions, turn and escalation only, after commit.

Frames may be lost: rows and `sync` heal that, so a Redis that is away costs a log line and nothing else.
A plain PUBLISH in the layer's own format costs 0.1 ms from a worker thread, `async_to_sync(group_send)` 4 ms.
"""

import json
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from redis import RedisError

from chat import protocol, transcript
from chat.models import Conversation
from prompts.redis import connection

log = structlog.get_logger(__name__)

PARTIAL_SECONDS = 120


def frames(conversation: Conversation, *sent: dict[str, Any]) -> None:
    """Sends frames of a conversation, in order, to every socket of its visitor."""
    to = channel(conversation.visitor_id)
    try:
        pipeline = connection().pipeline(transaction=False)
        for frame in sent:
            pipeline.publish(to, packed(frame, conversation.pk))
        pipeline.execute()
    except RedisError as error:
        log.warning("push_failed", conversation_id=str(conversation.pk), error=type(error).__name__)


def delta(conversation: Conversation, partial: protocol.Partial, *, text: str) -> bool:
    """Sends the last `text` of `partial` and keeps the whole for `sync`, in one round trip.

    Returns False when the turn has been cancelled.
    """
    offset = len(partial.text) - len(text)
    frame = protocol.delta(partial.turn_id, n=partial.n, offset=offset, text=text)
    kept = json.dumps({"n": partial.n, "text": partial.text})
    try:
        pipeline = connection().pipeline(transaction=False)
        pipeline.set(partial_key(partial.turn_id), kept, ex=PARTIAL_SECONDS)
        pipeline.publish(channel(conversation.visitor_id), packed(frame, conversation.pk))
        pipeline.exists(cancel_key(partial.turn_id))
        return not pipeline.execute()[-1]
    except RedisError as error:
        log.warning("push_failed", conversation_id=str(conversation.pk), error=type(error).__name__)
        return True


def find_partial(turn_id: UUID) -> protocol.Partial | None:
    """The text so far of a turn in flight, if Redis has it."""
    try:
        kept: Any = connection().get(partial_key(str(turn_id)))
    except RedisError:
        return None
    if kept is None:
        return None
    fields = json.loads(kept)
    return protocol.Partial(turn_id=str(turn_id), n=fields["n"], text=fields["text"])


def cancel(turn_id: UUID) -> None:
    """Asks the worker of a turn to stop early. The epoch fence holds without it."""
    try:
        connection().set(cancel_key(str(turn_id)), 1, ex=PARTIAL_SECONDS)
    except RedisError as error:
        log.warning("cancel_failed", turn_id=str(turn_id), error=type(error).__name__)


def partial_key(turn_id: str) -> str:
    return f"partial:{turn_id}"


def cancel_key(turn_id: str) -> str:
    return f"cancel:{turn_id}"


def channel(visitor_id: UUID) -> str:
    """The Redis channel behind the group, as channels_redis.pubsub names it; a test holds us to it."""
    return f"{settings.CHANNEL_PREFIX}__group__{transcript.group(visitor_id)}"


def packed(frame: dict[str, Any], conversation_id: UUID) -> bytes:
    """The frame as the layer's message. JSON is made once here, not once per socket."""
    event = {
        "type": "push.frame",
        "conversation_id": conversation_id.hex,
        "seq": frame["seq"] if frame["type"] == "message" else 0,
        "text": protocol.dumps(frame),
    }
    return bytes(layer().serialize(event))


@cache
def layer() -> Any:
    return get_channel_layer()
