"""A server that answers byte for byte what a test wants, for what the fake of the wires is too well-bred to send."""

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from prompts.llm.catalogue import Endpoint
from tests.prompts.llm.asking import KEY


class Served(socketserver.ThreadingTCPServer):
    """`replies` are sent in turn, the last of them for ever; `heads` and `connections` are what came in."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, replies: tuple[bytes, ...]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies = list(replies)
        self.heads: list[str] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def next_reply(self) -> bytes:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class Handler(socketserver.StreamRequestHandler):
    server: Served

    def handle(self) -> None:
        self.server.connections += 1
        while head := self.read_head():
            self.server.heads.append(head)
            reply = self.server.next_reply()
            self.wfile.write(reply)
            if not reply.endswith(b"0\r\n\r\n"):
                return  # the body is not at its end: all that is left is to hang up

    def read_head(self) -> str:
        head = ""
        while (line := self.rfile.readline().decode()) not in ("\r\n", ""):
            head += line.lower()
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        self.rfile.read(int(length or 0))
        return head


@contextmanager
def serving(*replies: bytes) -> Iterator[Served]:
    with Served(replies) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def endpoint_at(server: Served, wire: str, **changes: Any) -> Endpoint:
    fields = {"model": "m", "base_url": server.url, "api_key": KEY, "timeout_seconds": 5.0}
    return Endpoint(name="first", provider=wire, **{**fields, **changes})


def reply(*blocks: bytes, kind: str = "text/event-stream", status: str = "200 OK") -> bytes:
    """A reply whose body comes in these blocks and is at its end."""
    return unended(*blocks, kind=kind, status=status) + b"0\r\n\r\n"


def unended(*blocks: bytes, kind: str = "text/event-stream", status: str = "200 OK") -> bytes:
    """The same without the end: the connection is closed in the middle of the body."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(b"%x\r\n%b\r\n" % (len(block), block) for block in blocks)


def frame(data: object) -> bytes:
    """A server-sent event with JSON for data, or with this text."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def openai_delta(text: str | None, finish: str | None = None, **fields: object) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"choices": [choice], **fields}


def dashscope_result(text: str, finish: str = "null", **fields: object) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"output": {"choices": [choice]}, "request_id": "r", **fields}


def anthropic_delta(text: str) -> dict[str, Any]:
    delta = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def anthropic_end(reason: str = "end_turn") -> list[dict[str, Any]]:
    return [
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]


# A whole short answer on each wire.
GOOD = "好"
ANSWERS: dict[str, tuple[bytes, ...]] = {
    "openai": (
        frame(openai_delta(GOOD)),
        frame(openai_delta(None, "stop")),
        frame("[DONE]"),
    ),
    "anthropic": (frame(anthropic_delta(GOOD)), *map(frame, anthropic_end())),
    "dashscope": (frame(dashscope_result(GOOD)), frame(dashscope_result("", "stop"))),
}
