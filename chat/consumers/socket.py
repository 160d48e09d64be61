"""What every socket does: frames in at a bearable pace, one action each, errors out in the reader's language."""

import time
import uuid
from typing import Any
from uuid import UUID

import structlog
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import InterfaceError, OperationalError
from redis import RedisError

from chat import protocol
from chat.consumers.pace import Bucket
from chat.protocol import ProtocolError
from prompts import admission

log = structlog.get_logger(__name__)

INVALID_FRAMES_CLOSE = 10
FLOODED_FRAMES_CLOSE = 100


class Socket(AsyncWebsocketConsumer):
    """A browser at the other end. Who it is, `parse` and `handle` are the subclass's."""

    invalid_frames = 0
    flooded_frames = 0
    locale = "zh-CN"
    bucket: Bucket

    def parse(self, text: str) -> Any:
        """The frame in `text`. Raises ProtocolError."""
        raise NotImplementedError

    async def handle(self, frame: Any) -> None:
        """One frame, one action. Raises ProtocolError."""
        raise NotImplementedError

    async def accept_spoken(self) -> bool:
        """Accepts a socket that speaks our subprotocol or names none; closes any other."""
        offered = self.scope.get("subprotocols") or []
        if offered and protocol.SUBPROTOCOL not in offered:
            await self.close(protocol.CLOSE_INVALID)
            return False
        self.bucket = Bucket(
            rate=settings.FRAMES_PER_SECOND, burst=settings.FRAMES_BURST, now=time.monotonic()
        )
        await self.accept(protocol.SUBPROTOCOL if offered else None)
        return True

    async def join_group(self, group: str) -> bool:
        """Subscribes to what is pushed to a group; False without Redis."""
        try:
            await self.channel_layer.group_add(group, self.channel_name)
        except (OSError, RedisError) as error:
            log.warning("subscribe_failed", error=type(error).__name__)
            return False
        return True

    async def leave_group(self, group: str) -> None:
        try:
            await self.channel_layer.group_discard(group, self.channel_name)
        except (OSError, RedisError) as error:
            log.warning("unsubscribe_failed", error=type(error).__name__)

    async def tell_group(self, group: str, event: dict[str, Any]) -> None:
        """Sends an event to the other sockets of a group, and to this one."""
        try:
            await self.channel_layer.group_send(group, event)
        except (OSError, RedisError) as error:
            log.warning("group_untold", error=type(error).__name__)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hands an event to its handler.

        The base class first visits a thread to close old database connections, for every frame; ours live on
        DATABASE_THREADS and are returned there.
        """
        await getattr(self, get_handler_name(message))(message)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame: Any = None
        try:
            if text_data is None:
                raise ProtocolError("invalid_frame")
            if not await self.allowed(text_data):
                return
            frame = self.parse(text_data)
            await self.handle(frame)
            self.invalid_frames = 0
        except ProtocolError as error:
            await self.refuse(error)
        except (OperationalError, InterfaceError) as error:
            log.warning("frame_unavailable", error=type(error).__name__)
            client_id = getattr(frame, "client_id", None)
            await self.send_error("unavailable", client_id=client_id, retry_after_ms=1000)

    async def allowed(self, text: str) -> bool:
        """False, with an error frame, when the socket sends too fast; closes one that will not stop."""
        wait_ms = self.bucket.wait_ms(time.monotonic())
        if not wait_ms:
            self.flooded_frames = 0
            return True
        self.flooded_frames += 1
        if self.flooded_frames > FLOODED_FRAMES_CLOSE:
            await self.close(protocol.CLOSE_FLOODING)
        else:
            client_id = protocol.peek_client_id(text)
            await self.send_error("rate_limited", client_id=client_id, retry_after_ms=wait_ms)
        return False

    async def refuse(self, error: ProtocolError) -> None:
        await self.send_error(
            error.code, client_id=error.client_id, retry_after_ms=error.retry_after_ms
        )
        if error.code in {"unauthorized", "identity_invalid"}:
            await self.close(protocol.CLOSE_UNAUTHORIZED)
        elif error.code == "forbidden_origin":
            await self.close(protocol.CLOSE_ORIGIN)
        elif error.code == "invalid_frame":
            self.invalid_frames += 1
            if self.invalid_frames >= INVALID_FRAMES_CLOSE:
                await self.close(protocol.CLOSE_INVALID)

    async def send_error(
        self,
        code: protocol.ErrorCode,
        *,
        client_id: UUID | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        request_id = uuid.uuid4().hex
        log.info("frame_refused", code=code, request_id=request_id)
        await self.send_frame(
            protocol.error(
                code,
                locale=self.locale,
                request_id=request_id,
                client_id=client_id,
                retry_after_ms=retry_after_ms,
            )
        )

    async def send_frame(self, frame: dict[str, Any]) -> None:
        await self.send_text(protocol.dumps(frame))

    async def send_text(self, text: str) -> None:
        # A reader that is too slow is closed by the server underneath, see config.web.
        await self.send(text_data=text)

    def header(self, name: bytes) -> str | None:
        found = dict(self.scope["headers"]).get(name)
        return found.decode("latin-1") if found is not None else None

    def address(self) -> str:
        """Who is at the other end, as far as we believe what we are told."""
        peer = self.scope.get("client") or ("",)
        # Every proxy on the way may have added a header of its own; together they are one list.
        named = [v for k, v in self.scope["headers"] if k == b"x-forwarded-for"]
        forwarded_for = b",".join(named).decode("latin-1")
        return admission.client_address(peer[0], forwarded_for=forwarded_for)

    def host(self) -> str:
        return self.header(b"host") or ""
