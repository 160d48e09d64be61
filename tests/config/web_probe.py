"""A tiny application under the real servers: `python -m tests.config.web_probe SERVER PORT`. Used by test_web."""

import asyncio
import json
import sys
from importlib import import_module
from typing import Any

from config.web.limits import Limits

LIMITS = Limits(
    socket_bytes=64 * 1024,
    body_bytes=1024 * 1024,
    request_seconds=2,
    shutdown_seconds=2,
    slow_reader_seconds=1,
)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await answer(scope, receive, send)
    else:
        await converse(scope, receive, send)


async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Says what arrived."""
    length, more = 0, True
    while more:
        event = await receive()
        length += len(event.get("body", b""))
        more = event.get("more_body", False)
    if scope["path"].endswith("/slow"):
        await asyncio.sleep(1)
    body = json.dumps({"length": length, **seen(scope)}).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def seen(scope: dict[str, Any]) -> dict[str, Any]:
    client = list(scope["client"] or [])[:1]
    return {"path": scope["path"], "root_path": scope["root_path"], "client": client}


async def converse(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Obeys {echo}, {scope}, {flood: frames, size: bytes}, {sleep: seconds} and {close: code}."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[0]})
    while (event := await receive())["type"] == "websocket.receive":
        order = json.loads(event["text"])
        if "close" in order:
            await send({"type": "websocket.close", "code": order["close"]})
        elif "flood" in order:
            for _ in range(order["flood"]):
                await send({"type": "websocket.send", "text": "x" * order["size"]})
        elif "sleep" in order:
            await asyncio.sleep(order["sleep"])
        else:
            reply = seen(scope) if "scope" in order else order
            await send({"type": "websocket.send", "text": json.dumps(reply)})
    print("disconnect", event["code"], flush=True)


if __name__ == "__main__":
    server = import_module(f"config.web.{sys.argv[1]}_server")
    sys.exit(server.serve(application, host="127.0.0.1", port=int(sys.argv[2]), limits=LIMITS))
