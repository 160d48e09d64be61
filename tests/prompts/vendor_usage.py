"""A server that answers as three vendors do once their caches are at work: the provider fake knows no cache."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SAID = "好的"


def sse(data: dict[str, Any], *, event: str = "", head: str = "") -> str:
    named = f"event: {event}\n" if event else ""
    return f"{head}{named}data: {json.dumps(data)}\n\n"


def openai_frames(usage: dict[str, Any]) -> str:
    delta = {"index": 0, "delta": {"content": SAID}, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    frames: list[dict[str, Any]] = [
        {"choices": [delta]},
        {"choices": [end]},
        {"choices": [], "usage": usage},
    ]
    return "".join(map(sse, frames)) + "data: [DONE]\n\n"


def anthropic_frames(usage: dict[str, Any]) -> str:
    frames: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"usage": {**usage, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": SAID},
        },
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": usage["output_tokens"]},
        },
        {"type": "message_stop"},
    ]
    return "".join(sse(frame, event=frame["type"]) for frame in frames)


def dashscope_frames(usage: dict[str, Any]) -> str:
    choice = {"message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
    body = {"output": {"choices": [choice]}, "usage": usage, "request_id": "r"}
    return sse(body, event="result", head="id:1\n")


FRAMES = {
    "/v1/chat/completions": openai_frames,
    "/v1/messages": anthropic_frames,
    "/api/v1/services/aigc/text-generation/generation": dashscope_frames,
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    usage: dict[str, Any]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = FRAMES[self.path](self.usage).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def billing(usage: dict[str, Any]) -> Iterator[str]:
    """The root of a server on loopback that counts every answer as `usage`, in the words of its vendor."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Counting", (Handler,), {"usage": usage}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
