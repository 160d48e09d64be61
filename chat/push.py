"""Sends frames to browsers through the channel layer. Called by actions, turn and escalation only, after commit.

Frames may be lost: rows and `sync` heal that, so a Redis that is away costs a log line and nothing else.
A plain PUBLISH in the layer's own format costs 0.1 ms from a worker thread, `async_to_sync(group_send)` 4 ms.
"""

import json
from collections.abc import Iterable, Sequence
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
    """Sends frames of a conversation, in order, to every socket of its visitor and every agent who has it open.

    All consoles are told that it changed, by its id.
    """
    channels = (channel(conversation.visitor_id), named(transcript.watchers(conversation.pk)))
    publish(
        conversation.pk,
        *((to, packed(frame, conversation.pk)) for frame in sent for to in channels),
        (named(transcript.STAFF), changed(conversation.pk, *sent)),
    )


def to_visitor(conversation: Conversation, frame: dict[str, Any]) -> None:
    """Sends what agents know already, as that one of them is typing."""
    publish(conversation.pk, (channel(conversation.visitor_id), packed(frame, conversation.pk)))


def to_visitors(sent: Iterable[tuple[UUID, UUID, dict[str, Any]]]) -> None:
    """Sends each (visitor, conversation, frame) in one round trip, and nothing to agents."""
    publish(None, *((channel(visitor), packed(frame, pk)) for visitor, pk, frame in sent))


def to_agents(conversation_id: UUID, frame: dict[str, Any]) -> None:
    """Sends a frame to every agent who has the conversation open, and to nobody else."""
    to = named(transcript.watchers(conversation_id))
    publish(conversation_id, (to, packed(frame, conversation_id)))


def to_staff(frame: dict[str, Any]) -> None:
    """Sends a frame to every console."""
    event = {"type": "push.staff", "text": protocol.dumps(frame)}
    publish(None, (named(transcript.STAFF), bytes(layer().serialize(event))))


def to_desk(agent_id: int, frame: dict[str, Any]) -> None:
    """Sends a frame to every console of one agent."""
    event = {"type": "push.staff", "text": protocol.dumps(frame)}
    publish(None, (named(transcript.desk_of(agent_id)), bytes(layer().serialize(event))))


def to_agent(
    agent_id: int, frame: dict[str, Any], *, visitor_id: UUID, own: Sequence[str] = ()
) -> bool:
    """Sends a `suggestion` to every console of one agent; False when it has been cancelled.

    `own` are the placeholders whose values this agent typed: only these are values again at the edge.
    """
    event = {
        "type": "push.mine",
        "text": protocol.dumps(frame),
        "visitor_id": visitor_id.hex,
        "own": list(own),
    }
    try:
        pipeline = connection().pipeline(transaction=False)
        pipeline.publish(named(transcript.desk_of(agent_id)), bytes(layer().serialize(event)))
        pipeline.exists(cancel_key(frame["suggestion_id"]))
        return not pipeline.execute()[-1]
    except RedisError as error:
        log.warning(
            "push_failed", conversation_id=frame["conversation_id"], error=type(error).__name__
        )
        return True


def changed(conversation_id: UUID, *sent: dict[str, Any]) -> bytes:
    """The event that makes consoles read a conversation's row again, and the queue where its owner moved."""
    moved = any(frame["type"] == "state" for frame in sent)
    event = {"type": "push.changed", "conversation_id": conversation_id.hex, "moved": moved}
    return bytes(layer().serialize(event))


def publish(conversation_id: UUID | None, *messages: tuple[str, bytes]) -> None:
    """Publishes in one round trip. A Redis that is away is logged, no more."""
    try:
        pipeline = connection().pipeline(transaction=False)
        for to, message in messages:
            pipeline.publish(to, message)
        pipeline.execute()
    except RedisError as error:
        log.warning("push_failed", conversation_id=str(conversation_id), error=type(error).__name__)


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
        message = packed(frame, conversation.pk)
        pipeline.publish(channel(conversation.visitor_id), message)
        pipeline.publish(named(transcript.watchers(conversation.pk)), message)
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
    return named(transcript.group(visitor_id))


def named(group: str) -> str:
    return f"{settings.CHANNEL_PREFIX}__group__{group}"


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
