"""A client of docs/protocol.md §3 over the in-process application: what a foreign widget would see, frame by frame."""

import json
import time
import uuid
from typing import Any

from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async as in_database

from chat import auth
from chat.actions import visitor as actions
from chat.models import Visitor
from config.asgi import application

Frame = dict[str, Any]
HOST = "shop.example"
WAIT_SECONDS = 5.0
CLOSE = "websocket.close"


class Browser:
    """One socket. `frames` keeps everything received, in order."""

    path = "/ws/client/"

    def __init__(
        self,
        *,
        origin: str | None = None,
        subprotocols: tuple[str, ...] = (),
        cookie: str | None = None,
    ) -> None:
        headers = [(b"host", HOST.encode())]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        if cookie is not None:
            headers.append((b"cookie", cookie.encode()))
        scope = {
            "type": "websocket",
            "path": self.path,
            "query_string": b"",
            "headers": headers,
            "subprotocols": list(subprotocols),
        }
        # Not Channels' own communicator: that one keeps database connections from being closed.
        self.socket = ApplicationCommunicator(application, scope)
        self.frames: list[Frame] = []
        self.raw: list[str] = []

    async def open(self) -> tuple[bool, Any]:
        """(accepted, subprotocol or close code)."""
        await self.socket.send_input({"type": "websocket.connect"})
        event = await self.socket.receive_output(WAIT_SECONDS)
        if event["type"] == CLOSE:
            return False, event.get("code")
        return True, event.get("subprotocol")

    async def hello(self, visitor: Visitor, **fields: Any) -> Frame:
        """Signs in and returns `ready`."""
        await self.send(type="hello", token=auth.issue(visitor).text, **{"after_seq": 0, **fields})
        return await self.next("ready")

    async def send(self, **frame: Any) -> None:
        await self.send_raw(json.dumps(frame))

    async def send_raw(self, text: str | None = None, *, data: bytes | None = None) -> None:
        event = {"type": "websocket.receive", "text": text, "bytes": data}
        await self.socket.send_input({k: v for k, v in event.items() if v is not None})

    async def say(self, text: str, *, client_id: str | None = None) -> Frame:
        """Sends a line and returns its ack."""
        await self.send(type="message.send", client_id=client_id or str(uuid.uuid4()), text=text)
        return await self.next("ack")

    async def next(self, kind: str, **fields: Any) -> Frame:
        """The next frame of that type with those fields; what comes before it stays in `frames`."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            event = await self.event(deadline - time.monotonic(), wanted=kind)
            if event["type"] == CLOSE:
                raise AssertionError(f"closed with {event['code']}, no {kind}")
            frame = self.frames[-1]
            if frame["type"] == kind and fields.items() <= frame.items():
                return frame

    async def closed(self) -> int:
        """The close code, once the server closes; frames before it stay in `frames`."""
        while (event := await self.event(WAIT_SECONDS, wanted="close"))["type"] != CLOSE:
            pass
        return int(event["code"])

    async def event(self, seconds: float, *, wanted: str) -> dict[str, Any]:
        try:
            event: dict[str, Any] = await self.socket.receive_output(max(0.01, seconds))
        except TimeoutError:
            came = [frame["type"] for frame in self.frames]
            raise AssertionError(f"no {wanted}, only {came}") from None
        if event["type"] != CLOSE:
            self.raw.append(event["text"])
            self.frames.append(json.loads(event["text"]))
        return event

    async def round_trip(self) -> None:
        """Returns once everything sent before is handled, which also proves that the socket lives."""
        await self.send(type="ping")
        await self.next("pong")

    async def leave(self) -> None:
        if not self.socket.future.done():
            await self.socket.send_input({"type": "websocket.disconnect", "code": 1001})
            await self.socket.wait(WAIT_SECONDS)

    def of_type(self, kind: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] == kind]

    def lines(self) -> list[tuple[int, str]]:
        """(seq, text) of every line received, in the order of arrival, duplicates included."""
        found = []
        for frame in self.frames:
            listed = {"ready": frame.get("messages", []), "message": [frame]}.get(frame["type"], [])
            found += [(line["seq"], line["text"]) for line in listed]
        return found


async def post(visitor: Visitor, text: str) -> actions.Posted:
    """A line of the visitor's other tab."""
    posted: actions.Posted = await in_database(actions.post_message)(
        visitor, client_id=uuid.uuid4(), text=text, address="127.0.0.1"
    )
    return posted
