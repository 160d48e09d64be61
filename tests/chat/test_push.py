"""Frames reach a socket through the channel layer as if the layer itself had sent them; without Redis nothing breaks."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from chat import protocol, push, transcript
from chat.models import Conversation
from prompts.redis import connection

CONVERSATION = Conversation(visitor_id=UUID("0b9f6c1e-6a3e-4d52-9d6b-0a4f6b1f2c3d"))
GROUP = transcript.group(CONVERSATION.visitor_id)


class Socket:
    """A consumer's place on the layer, joined to a conversation."""

    def __init__(self, layer: Any, channel: str) -> None:
        self.layer, self.channel = layer, channel

    async def receive(self) -> dict[str, Any]:
        event: dict[str, Any] = await asyncio.wait_for(self.layer.receive(self.channel), 5)
        return event


def wait_for_a_listener(channel: str) -> None:
    """The layer sends its subscription without waiting for it to stand."""
    while not dict(connection().pubsub_numsub(channel))[channel.encode()]:  # type: ignore[arg-type]
        time.sleep(0.01)


@pytest_asyncio.fixture
async def socket() -> AsyncIterator[Socket]:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    await sync_to_async(wait_for_a_listener)(push.channel(CONVERSATION.visitor_id))
    yield Socket(layer, channel)
    await layer.flush()


async def test_frames_arrive_in_order_as_the_layer_would_send_them(socket: Socket) -> None:
    message = {"type": "message", "seq": 3, "text": "好"}
    state = {"type": "state", "state": "bot"}
    await sync_to_async(push.frames)(CONVERSATION, message, state)
    event = {
        "type": "push.frame",
        "conversation_id": CONVERSATION.pk.hex,
        "seq": 0,
        "text": '{"type":"state","state":"bot"}',
    }
    await socket.layer.group_send(GROUP, event)
    assert await socket.receive() == {
        **event,
        "seq": 3,
        "text": '{"type":"message","seq":3,"text":"好"}',
    }
    assert [await socket.receive(), await socket.receive()] == [event, event]


async def test_frames_reach_their_visitor_only(socket: Socket) -> None:
    await sync_to_async(push.frames)(Conversation(visitor_id=uuid4()), {"type": "pong"})
    await sync_to_async(push.frames)(CONVERSATION, {"type": "heartbeat", "seq": 1})
    assert json.loads((await socket.receive())["text"]) == {"type": "heartbeat", "seq": 1}


async def test_delta_sends_the_piece_and_keeps_the_whole(socket: Socket) -> None:
    turn_id = uuid4()
    partial = protocol.Partial(turn_id=str(turn_id), n=2, text="亲,别着急")
    assert await sync_to_async(push.delta)(CONVERSATION, partial, text="着急") is True
    assert json.loads((await socket.receive())["text"]) == {
        "type": "delta",
        "turn_id": str(turn_id),
        "n": 2,
        "offset": 3,
        "text": "着急",
    }
    assert push.find_partial(turn_id) == partial


def test_partial_expires_and_is_not_there_before() -> None:
    turn_id = uuid4()
    assert push.find_partial(turn_id) is None
    push.delta(CONVERSATION, protocol.Partial(str(turn_id), 0, "a"), text="a")
    assert 0 < int(connection().ttl(push.partial_key(str(turn_id)))) <= push.PARTIAL_SECONDS  # type: ignore[arg-type]


def test_cancel_is_seen_by_the_next_delta_of_that_turn_only() -> None:
    cancelled, other = uuid4(), uuid4()
    push.cancel(cancelled)
    assert push.delta(CONVERSATION, protocol.Partial(str(cancelled), 0, "a"), text="a") is False
    assert push.delta(CONVERSATION, protocol.Partial(str(other), 0, "a"), text="a") is True
    assert 0 < int(connection().ttl(push.cancel_key(str(cancelled)))) <= push.PARTIAL_SECONDS  # type: ignore[arg-type]


@pytest.mark.usefixtures("redis_down")
def test_without_redis_every_push_is_a_log_line_and_no_more() -> None:
    started = time.monotonic()
    push.frames(CONVERSATION, {"type": "pong"})
    push.cancel(uuid4())
    assert push.delta(CONVERSATION, protocol.Partial("t", 0, "a"), text="a") is True
    assert push.find_partial(uuid4()) is None
    assert time.monotonic() - started < 2
