"""A tiny server of docs/protocol.md §3 that misbehaves on request: what replay must notice. Used by test_replay."""

import asyncio
import contextlib
import json
import socket
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn

Frame = dict[str, Any]


@dataclass
class Platform:
    """Keeps one conversation per token. `faults` names what goes wrong; `once` happens a single time."""

    faults: set[str] = field(default_factory=set)
    once: set[str] = field(default_factory=set)
    rows: dict[str, list[Frame]] = field(default_factory=dict)
    received: list[Frame] = field(default_factory=list)
    url: str = ""

    def happens(self, fault: str) -> bool:
        if fault in self.once:
            self.once.discard(fault)
            return True
        return fault in self.faults

    # --- HTTP --------------------------------------------------------------------------------------

    async def __call__(self, scope: Frame, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self.converse(receive, send)
        elif scope["path"] == "/healthz":
            await reply(send, 200, {})
        elif scope["path"] == "/api/v1/client/sessions":
            await self.open_session(receive, send)
        else:
            token = dict(scope["headers"])[b"authorization"].decode().removeprefix("Bearer ")
            await reply(send, 200, self.ready(token, after_seq=0))

    async def open_session(self, receive: Any, send: Any) -> None:
        body = json.loads((await receive())["body"])
        if body["inbox"] != "ib_demo":
            await reply(send, 404, {"code": "not_found"})
            return
        token = uuid.uuid4().hex
        self.rows[token] = []
        await reply(send, 201, {"token": token})

    def ready(self, token: str, *, after_seq: int) -> Frame:
        rows = self.rows[token]
        return {
            "type": "ready",
            "conversation_id": token,
            "seq": len(rows),
            "state": "bot",
            "owner": "bot",
            "messages": [row for row in rows if row["seq"] > after_seq],
        }

    # --- the socket --------------------------------------------------------------------------------

    async def converse(self, receive: Any, send: Any) -> None:
        async def push(frame: Frame) -> None:
            await send({"type": "websocket.send", "text": json.dumps(frame)})

        await receive()
        await send({"type": "websocket.accept", "subprotocol": "yingda.v1"})
        token = ""
        while (event := await receive())["type"] == "websocket.receive":
            frame = json.loads(event["text"])
            self.received.append(frame)
            match frame["type"]:
                case "hello":
                    token = frame["token"]
                    await push(self.ready(token, after_seq=frame["after_seq"]))
                case "sync":
                    await push(self.ready(token, after_seq=frame["after_seq"]))
                case "message.send":
                    if self.happens("vanish"):
                        await send({"type": "websocket.close", "code": 1012})
                        return
                    await self.take_line(self.rows[token], frame, push)
                    if self.happens("break"):
                        await send({"type": "websocket.close", "code": 1012})
                        return

    async def take_line(self, rows: list[Frame], frame: Frame, push: Any) -> None:
        if self.happens("rate_limited"):
            error = {"type": "error", "code": "rate_limited", "retry_after_ms": 20}
            await push({**error, "message": "", "request_id": "r"})
            return
        if self.happens("refused"):
            error = {"type": "error", "code": "conflict", "client_id": frame["client_id"]}
            await push({**error, "message": "", "request_id": "r"})
            return
        line = {"role": "visitor", "text": frame["text"], "client_id": frame["client_id"]}
        turn_id = f"turn-{frame['client_id']}"
        known = [row for row in rows if row.get("client_id") == frame["client_id"]]
        if not known or "double_row" in self.faults:
            known = [append(rows, line)]
            await push({"type": "message", **known[0]})
            if "double_row" in self.faults:
                append(rows, line)
        ack = {"type": "ack", "client_id": frame["client_id"], "seq": known[0]["seq"]}
        await push(ack if "person" in self.faults else {**ack, "turn_id": turn_id})
        if not self.happens("silent") and "person" not in self.faults:
            await self.answer(rows, turn_id, push)
        if "lose_row" in self.faults:
            rows[:] = [row for row in rows if row["role"] != "visitor"]

    async def answer(self, rows: list[Frame], turn_id: str, push: Any) -> None:
        if any(row.get("turn_id") == turn_id for row in rows):
            return
        if "no_deltas" not in self.faults:
            await push({"type": "delta", "turn_id": turn_id, "n": 0, "offset": 0, "text": "您"})
            await asyncio.sleep(0.03)
        message = append(rows, {"role": "bot", "text": "您好", "turn_id": turn_id})
        if "double_answer" in self.faults:
            append(rows, {"role": "bot", "text": "您好", "turn_id": turn_id})
        if self.happens("unpushed"):
            await push({"type": "heartbeat", "seq": len(rows)})
        elif not self.happens("break_first"):
            await push({"type": "message", **message})
            failed = "apologise" in self.faults
            await push(
                {"type": "turn", "turn_id": turn_id, "state": "failed" if failed else "done"}
            )


def append(rows: list[Frame], row: Frame) -> Frame:
    kept = {"seq": len(rows) + 1, "id": uuid.uuid4().hex, **row}
    rows.append(kept)
    return kept


async def reply(send: Any, status: int, body: Frame) -> None:
    content = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


@contextlib.asynccontextmanager
async def serving(platform: Platform) -> AsyncIterator[Platform]:
    # asyncio turns Nagle's algorithm off only where the protocol is named.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    platform.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        platform, log_config=None, lifespan="off", ws="websockets-sansio", interface="asgi3"
    )
    server = uvicorn.Server(config)
    # Connections that come before it serves wait in the listener's backlog.
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield platform
    finally:
        server.should_exit = True
        await task
