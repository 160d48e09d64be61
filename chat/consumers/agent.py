"""A console's socket, docs/protocol.md §4: signed in by the session's cookie, on pages of our own only.

What changes is pushed: events name conversations, whose entries are read and sent together a moment later.
"""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from chat import auth, board, desk, protocol, search, serving, transcript
from chat.actions import agent as actions
from chat.actions import attending
from chat.consumers import own_values
from chat.consumers.agent_acts import perform
from chat.consumers.pace import in_database
from chat.consumers.socket import Socket
from chat.consumers.viewing import Viewers
from chat.models import Agent, Conversation, Team
from chat.protocol import ProtocolError
from chat.states import Presence
from prompts import assistance

log = structlog.get_logger(__name__)

# Events of this long are answered by one look at the rows.
GATHER_SECONDS = 0.1
# A socket outlives what let it in by so long at most.
SESSION_SECONDS = 4.0


class AgentConsumer(Socket):
    """One tab of a console."""

    agent: Agent | None = None
    watched: UUID | None = None
    viewers: Viewers | None = None
    moved = False
    watch: "asyncio.Task[None] | None" = None
    guarding: "asyncio.Task[None] | None" = None
    gathering: "asyncio.Task[None] | None" = None

    async def connect(self) -> None:
        self.changed: set[UUID] = set()
        origin = self.header(b"origin")
        if origin is None or not is_ours(origin, host=self.host()):
            await self.close(protocol.CLOSE_ORIGIN)
            return
        try:
            agent = await in_database(auth.agent_of, self.scope["user"])
        except auth.NotAllowed:
            await self.close(protocol.CLOSE_UNAUTHORIZED)
            return
        if await self.accept_spoken():
            self.agent = agent
            self.locale = parse_qs(self.scope["query_string"].decode("latin-1")).get(
                "lang", ["zh-CN"]
            )[0]
            await self.join_group(transcript.STAFF)
            await self.join_group(transcript.desk_of(agent.pk))
            await in_database(attending.arrive, agent, language=self.language())
            await self.send_ready(agent)
            self.watch = asyncio.create_task(self.beat(agent))
            self.guarding = asyncio.create_task(self.guard(agent))

    async def disconnect(self, code: int) -> None:
        for task in (self.watch, self.guarding, self.gathering):
            if task is not None:
                task.cancel()
        if self.agent is not None:
            await self.leave_group(transcript.STAFF)
            await self.leave_group(transcript.desk_of(self.agent.pk))
        await self.unwatch()

    def parse(self, text: str) -> protocol.AgentFrame:
        return protocol.parse_agent(text)

    async def handle(self, frame: protocol.AgentFrame) -> None:
        """One frame, one action; what it changes comes back as pushes, that it was done as `ok`."""
        if self.agent is None:
            raise ProtocolError("unauthorized")
        try:
            await self.act(self.agent, frame)
        except actions.Conflict as conflict:
            await self.send_conflict(frame, winner=conflict.winner)
        except actions.Full as full:
            await self.send_conflict(frame, winner="", full=str(full))
        except (Conversation.DoesNotExist, Agent.DoesNotExist, Team.DoesNotExist):
            raise ProtocolError("not_found", client_id=getattr(frame, "client_id", None)) from None

    async def act(self, agent: Agent, frame: protocol.AgentFrame) -> None:
        match frame:
            case protocol.Ping():
                await self.send_frame({"type": "pong"})
            case protocol.QueueList():
                await self.send_queue()
            case protocol.Search():
                await self.send_frame(
                    {"type": "found", **await in_database(search.find, frame.query, agent=agent)}
                )
            case protocol.Open():
                await self.open(agent, frame)
            case protocol.RevealFrame():
                await self.reveal(agent, frame)
            case protocol.AgentTyping() | protocol.AgentRead() | protocol.PresenceSet():
                await in_database(signal, agent, frame)
            case _:
                done = await in_database(perform, agent, frame)
                await self.send_frame({"type": "ok", "act": frame.type, **done})

    async def open(self, agent: Agent, frame: protocol.Open) -> None:
        """Shows a conversation and everything that happens in it from now on. Raises Conversation.DoesNotExist."""
        if self.watched != frame.conversation_id:
            await self.unwatch()
        await in_database(serving.check, agent, frame.conversation_id)
        if self.watched is None:
            # Subscribe first, then read, so that nothing falls between.
            self.watched = frame.conversation_id
            self.viewers = Viewers(agent.pk, stale_seconds=3 * settings.HEARTBEAT_SECONDS)
            await self.join_group(transcript.watchers(frame.conversation_id))
            await self.say_viewing(on=True, asks=True)
            await self.send_viewers()
        pk, language = frame.conversation_id, self.language()
        shown = await in_database(desk.thread, pk, after_seq=frame.after_seq, language=language)
        await self.send_frame(shown)

    def language(self) -> str:
        """What the console is in: "zh" or "en"."""
        return "en" if self.locale.lower().startswith("en") else "zh"

    async def unwatch(self) -> None:
        if self.watched is not None:
            await self.say_viewing(on=False)
            await self.leave_group(transcript.watchers(self.watched))
            self.watched = self.viewers = None

    async def say_viewing(self, *, on: bool, asks: bool = False) -> None:
        """Tells the other consoles at the open conversation who looks at it here, or no more; `asks` who they are."""
        if self.agent is None or self.watched is None:
            return
        event = {
            "type": "push.viewing",
            "conversation_id": self.watched.hex,
            "agent": self.agent.pk,
            "name": self.agent.name,
            "on": on,
            "asks": asks,
            "sender": self.channel_name,
        }
        await self.tell_group(transcript.watchers(self.watched), event)

    async def send_viewers(self) -> None:
        if self.viewers is not None:
            await self.send_frame(self.viewers.frame(self.watched))

    async def reveal(self, agent: Agent, frame: protocol.RevealFrame) -> None:
        await in_database(serving.check, agent, frame.conversation_id)
        value = await in_database(
            attending.reveal,
            frame.conversation_id,
            agent=agent,
            placeholder=frame.placeholder,
            reason=frame.reason,
        )
        await self.send_frame(
            {
                "type": "revealed",
                "conversation_id": str(frame.conversation_id),
                "placeholder": frame.placeholder,
                "value": value,
            }
        )

    async def send_ready(self, agent: Agent) -> None:
        shown = await in_database(read_ready, agent)
        await self.send_frame(shown)

    async def send_queue(self) -> None:
        await self.send_frame(
            {"type": "queue", "entries": await in_database(desk.queue, self.agent)}
        )

    async def send_conflict(self, frame: Any, *, winner: str, full: str = "") -> None:
        """Says who was faster. A `winner` of "" means: nobody has it, or it changed hands meanwhile."""
        told = protocol.error(
            "conflict",
            locale=self.locale,
            request_id=uuid4().hex,
            client_id=getattr(frame, "client_id", None),
        )
        conversation_id = str(frame.conversation_id)
        await self.send_frame(
            {
                **told,
                "act": frame.type,
                "winner": winner,
                "conversation_id": conversation_id,
                **({"full": full} if full else {}),
            }
        )

    # --- pushes --------------------------------------------------------------------------------------

    async def push_frame(self, event: dict[str, Any]) -> None:
        """A frame of the conversation that is open, as it was pushed: with placeholders."""
        if UUID(event["conversation_id"]) == self.watched:
            await self.send_text(event["text"])

    async def push_viewing(self, event: dict[str, Any]) -> None:
        """Another console looks at a conversation, or no more."""
        viewers, ours = self.viewers, UUID(event["conversation_id"]) == self.watched
        if viewers is None or not ours or event["sender"] == self.channel_name:
            return
        # Another page of this very agent was closed: this one is still here.
        if event["asks"] or (event["agent"] == viewers.me and not event["on"]):
            await self.say_viewing(on=True)
        now = time.monotonic()
        if viewers.hear(event["agent"], event["name"], on=event["on"], now=now):
            await self.send_viewers()

    async def push_staff(self, event: dict[str, Any]) -> None:
        await self.send_text(event["text"])

    async def push_mine(self, event: dict[str, Any]) -> None:
        """A suggestion of this agent's own; what personal data the agent typed is shown as it was typed."""
        text = event["text"]
        if event["own"]:
            visitor_id, own = UUID(event["visitor_id"]), event["own"]
            text = await in_database(own_values.typed, text, visitor_id=visitor_id, own=own)
        await self.send_text(text)

    async def push_changed(self, event: dict[str, Any]) -> None:
        """Something happened in a conversation; several such events are answered together."""
        self.changed.add(UUID(event["conversation_id"]))
        self.moved = self.moved or event["moved"]
        if self.gathering is None or self.gathering.done():
            self.gathering = asyncio.create_task(self.tell_changes())

    async def tell_changes(self) -> None:
        while self.changed:
            await asyncio.sleep(GATHER_SECONDS)
            ids, moved = self.changed, self.moved
            self.changed, self.moved = set(), False
            try:
                found = await in_database(desk.entries, ids, agent=self.agent)
                for entry in found:
                    await self.send_frame({"type": "conversation", **entry})
                if moved:
                    await self.send_queue()
            except (OperationalError, InterfaceError) as error:
                # The next beat sends all of it.
                log.warning("push_unread", error=type(error).__name__)

    async def beat(self, agent: Agent) -> None:
        """Heals what pushes lost, and says that the agent is there."""
        while True:
            await asyncio.sleep(settings.HEARTBEAT_SECONDS)
            try:
                await in_database(attending.beat, agent)
                await self.send_ready(agent)
                await self.say_viewing(on=True)
                if self.viewers is not None and self.viewers.expire(now=time.monotonic()):
                    await self.send_viewers()
            except (OperationalError, InterfaceError):
                continue

    async def guard(self, agent: Agent) -> None:
        """Closes the socket soon after the session is over or the user is no member of staff any more.

        A conversation that stands open is shown no longer than the agent serves its inbox.
        """
        key = self.scope["session"].session_key or ""
        while True:
            await asyncio.sleep(min(SESSION_SECONDS, settings.HEARTBEAT_SECONDS))
            try:
                if not await in_database(auth.is_signed_in, agent, session_key=key):
                    await self.close(protocol.CLOSE_UNAUTHORIZED)
                    return
                if self.watched and not await in_database(serving.reads, agent, self.watched):
                    await self.unwatch()
            except (OperationalError, InterfaceError):
                continue


def is_ours(origin: str, *, host: str) -> bool:
    """Whether a page at `origin` is our own: cookies are sent along from anywhere."""
    return auth.same_host(origin, host=host) or origin in settings.CSRF_TRUSTED_ORIGINS


def read_ready(agent: Agent) -> dict[str, Any]:
    fresh = Agent.objects.select_related("user").get(pk=agent.pk)
    return {
        "type": "ready",
        "agent": desk.own_fields(fresh),
        "agents": desk.agents(),
        "conversations": desk.listed(fresh),
        "queue": desk.queue(fresh),
        "teams": desk.teams(),
        "rings": desk.rings(fresh),
        "mentions": desk.mentions(fresh),
        "assist": assistance.is_available(),
        "supervisor": auth.may_supervise(fresh),
        "today": board.own(fresh),
        "at": protocol.iso(timezone.now()),
    }


def signal(
    agent: Agent, frame: protocol.AgentTyping | protocol.AgentRead | protocol.PresenceSet
) -> None:
    """What needs no answer."""
    if isinstance(frame, protocol.OfConversation):
        serving.check(agent, frame.conversation_id)
    match frame:
        case protocol.AgentTyping():
            actions.tell_typing(frame.conversation_id, agent=agent, on=frame.on)
        case protocol.AgentRead():
            actions.mark_read(frame.conversation_id, agent=agent, seq=frame.seq)
        case protocol.PresenceSet():
            attending.set_presence(agent, Presence(frame.status))
