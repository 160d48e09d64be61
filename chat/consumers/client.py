"""Sockets: parse a frame, check who sends it, call one action. Never waits for a model.

Frames pushed by actions and turns arrive through the channel layer as `push.frame` events.
"""

import asyncio
import json
import time
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import Q

from chat import auth, protocol, transcript, vault
from chat.actions import attending, choosing, ending, leaving
from chat.actions import visitor as actions
from chat.consumers import acting
from chat.consumers.own_values import OwnValues
from chat.consumers.pace import in_database
from chat.consumers.socket import Socket
from chat.models import Conversation, Message, Visitor
from chat.protocol import ProtocolError
from prompts import admission

log = structlog.get_logger(__name__)


class ClientConsumer(Socket):
    """A visitor's socket."""

    visitor: Visitor | None = None
    conversation_id: UUID | None = None
    sent_seq = 0
    asked_seq = 0
    joined = False
    own: OwnValues
    watch: "asyncio.Task[None] | None" = None

    async def connect(self) -> None:
        if await self.accept_spoken():
            self.watch = asyncio.create_task(self.expect_hello())

    async def disconnect(self, code: int) -> None:
        if self.watch is not None:
            self.watch.cancel()
        if self.visitor is not None:
            await self.leave(self.visitor)

    def parse(self, text: str) -> protocol.ClientFrame:
        return protocol.parse(text)

    async def handle(self, frame: protocol.ClientFrame) -> None:
        """One frame, one action."""
        if isinstance(frame, protocol.Hello):
            await self.hello(frame)
            return
        if isinstance(frame, protocol.Ping):
            await self.send_frame({"type": "pong"})
            return
        visitor = self.visitor
        if visitor is None:
            raise ProtocolError("unauthorized")
        await self.handle_known(frame, visitor)

    async def handle_known(self, frame: protocol.VisitorFrame, visitor: Visitor) -> None:
        match frame:
            case protocol.MessageSend():
                await self.post(visitor, frame)
            case protocol.Choice():
                await self.choose(visitor, frame)
            case protocol.MessageLeave():
                await self.leave_message(visitor, frame)
            case protocol.ConversationStart():
                await in_database(ending.start, visitor)
                await self.follow(again=True)
            case protocol.Sync():
                await self.send_ready(after_seq=frame.after_seq)
            case protocol.Typing():
                await self.tell_typing(on=frame.on)
            case _:
                await in_database(acting.act, visitor, frame)

    async def tell_typing(self, *, on: bool) -> None:
        if self.conversation_id is not None:
            await in_database(attending.tell_visitor_types, self.conversation_id, on=on)

    async def hello(self, frame: protocol.Hello) -> None:
        """Signs the visitor in. The clock for it stops while the database is asked."""
        if self.watch is not None:
            self.watch.cancel()
        try:
            await self.sign_in(frame)
        finally:
            known = self.visitor is not None
            self.watch = asyncio.create_task(self.beat() if known else self.expect_hello())

    async def sign_in(self, frame: protocol.Hello) -> None:
        """Subscribe first, then read, so that nothing falls between."""
        try:
            visitor = await in_database(auth.visitor, frame.token)
        except auth.NotAllowed:
            raise ProtocolError("unauthorized") from None
        if not auth.origin_allowed(self.header(b"origin"), host=self.host(), inbox=visitor.inbox):
            raise ProtocolError("forbidden_origin")
        self.locale = visitor.locale
        conversation = await in_database(actions.enter, visitor)
        if frame.conversation_id not in {None, str(conversation.pk)}:
            raise ProtocolError("not_found")
        if self.visitor is not None:
            await self.leave(self.visitor)
        await self.join(visitor)
        self.visitor, self.conversation_id = visitor, conversation.pk
        self.own = OwnValues(visitor.pk)
        renewed = auth.issue(visitor).text if auth.half_spent(frame.token) else None
        await self.send_ready(after_seq=frame.after_seq, token=renewed, greet=True)

    async def post(self, visitor: Visitor, frame: protocol.MessageSend) -> None:
        self.count_arrival(visitor, frame.client_id)
        posted = await in_database(
            actions.post_message,
            visitor,
            client_id=frame.client_id,
            text=frame.text,
            address=self.address(),
            context=frame.context,
            attachments=frame.attachments,
        )
        await self.acknowledge(frame.client_id, posted)

    async def choose(self, visitor: Visitor, frame: protocol.Choice) -> None:
        self.count_arrival(visitor, frame.client_id)
        posted = await in_database(choosing.choose, visitor, frame, address=self.address())
        await self.acknowledge(frame.client_id, posted)

    async def leave_message(self, visitor: Visitor, frame: protocol.MessageLeave) -> None:
        self.count_arrival(visitor, frame.client_id)
        posted = await in_database(leaving.leave_message, visitor, frame, address=self.address())
        await self.acknowledge(frame.client_id, posted)

    def count_arrival(self, visitor: Visitor, client_id: UUID) -> None:
        admission.ARRIVALS.add(client_id, visitor=visitor.pk.hex, address=self.address())

    async def acknowledge(self, client_id: UUID, posted: actions.Posted) -> None:
        await self.send_frame(protocol.ack(client_id, seq=posted.seq, turn_id=posted.turn_id))
        self.asked_seq = posted.seq if posted.turn_id else 0
        if posted.conversation_id != self.conversation_id:
            await self.follow()

    async def send_ready(
        self, *, after_seq: int, token: str | None = None, greet: bool = False
    ) -> None:
        frame = await in_database(self.read_ready, after_seq, greet)
        if token is not None:
            frame["token"] = token
        # Short of the conversation's seq where more was missed than one frame takes: the client asks on.
        self.sent_seq = frame["messages"][-1]["seq"] if frame["messages"] else frame["seq"]
        await self.send_frame(frame)

    def read_ready(self, after_seq: int, greet: bool) -> dict[str, Any]:  # noqa: FBT001
        conversation = self.read_conversation()
        frame = actions.ready(conversation, after_seq=after_seq)
        prompt = actions.resume_prompt(conversation) if greet else None
        shown = self.own.shown(frame)
        return {**shown, "resume_prompt": self.own.text(prompt)} if prompt else shown

    def read_conversation(self) -> Conversation:
        related = Conversation.objects.select_related("visitor", "inbox", "agent")
        return related.get(Q(pk=self.conversation_id) & Q(visitor=self.visitor))

    async def join(self, visitor: Visitor) -> None:
        """Subscribes to the visitor's frames. Without Redis the socket lives on heartbeats and `sync`."""
        self.joined = await self.join_group(transcript.group(visitor.pk))

    async def leave(self, visitor: Visitor) -> None:
        await self.leave_group(transcript.group(visitor.pk))

    async def push_frame(self, event: dict[str, Any]) -> None:
        """A frame from the channel layer. What cannot be read now is healed by the next heartbeat."""
        try:
            await self.pass_on(event)
        except (OperationalError, InterfaceError) as error:
            log.warning("push_unread", error=type(error).__name__)

    async def pass_on(self, event: dict[str, Any]) -> None:
        """Sends a frame; a `message` that leaves a gap is preceded by the missing lines."""
        if UUID(event["conversation_id"]) != self.conversation_id:
            await self.follow()
            return
        seq = event["seq"]
        if not seq:
            await self.send_pushed(event["text"])
        elif seq == self.sent_seq + 1:
            self.sent_seq = seq
            await self.send_pushed(event["text"])
        elif seq > self.sent_seq:
            await self.send_missing()

    async def send_pushed(self, text: str) -> None:
        """Sends a frame as it was pushed, unless there is something in it that only its owner may see."""
        if self.own.shifts or vault.holds_placeholders(text):
            text = protocol.dumps(await in_database(self.own.shown, json.loads(text)))
        await self.send_text(text)

    async def follow(self, *, again: bool = False) -> None:
        """Turns to the visitor's next conversation, if the one before was resolved; `again` says so anyhow."""
        if self.visitor is None:
            return
        opened = await in_database(actions.enter, self.visitor)
        if again or opened.pk != self.conversation_id:
            self.conversation_id = opened.pk
            await self.send_ready(after_seq=0)

    async def send_missing(self) -> None:
        for message, frame in await in_database(self.read_missing):
            if message.seq > self.sent_seq:  # a push may have been faster
                self.sent_seq = message.seq
                await self.send_frame(frame)

    def read_missing(self) -> list[tuple[Message, dict[str, Any]]]:
        lines = transcript.since(self.read_conversation().pk, after_seq=self.sent_seq)
        return [(line, self.own.shown(transcript.as_frame(line))) for line in lines]

    async def expect_hello(self) -> None:
        await asyncio.sleep(settings.HELLO_SECONDS)
        await self.close(protocol.CLOSE_UNAUTHORIZED)

    async def beat(self) -> None:
        """Tells the last seq now and then, so that a frame lost before a silence is found missing.

        Whoever waits for the bot is sent an answer whose push was lost sooner than that.
        """
        told_at = time.monotonic()
        while True:
            await asyncio.sleep(min(settings.CATCH_UP_SECONDS, settings.HEARTBEAT_SECONDS))
            if self.visitor is not None and not self.joined:
                await self.join(self.visitor)
            try:
                if 0 < self.asked_seq >= self.sent_seq:
                    await self.send_missing()
                if time.monotonic() - told_at >= settings.HEARTBEAT_SECONDS:
                    told_at = time.monotonic()
                    await self.follow()
                    conversation = await in_database(self.read_conversation)
                    if self.is_voided(conversation):
                        await self.close(protocol.CLOSE_UNAUTHORIZED)
                        return
                    await self.send_frame(protocol.heartbeat(conversation.last_seq))
            except (OperationalError, InterfaceError):
                continue

    def is_voided(self, conversation: Conversation) -> bool:
        """True once the visitor logged in or out elsewhere: the token of this socket opens nothing any more."""
        known = self.visitor
        return known is not None and conversation.visitor.token_epoch != known.token_epoch
