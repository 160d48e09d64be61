"""A stand-in for a shop's order system, on loopback: orders, parcels, and every way such a system may misbehave.

Tests and `make up` start it: `python -m tests.fakes.shop_server --port N`. It may never listen elsewhere.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.fakes.shop_orders import STRANGER, OrderBook, Refused

HUGE_BYTES = 64 * 1024 * 1024
DRIP_SECONDS = 0.2
Handler = Callable[[Request], Awaitable[Response]]
ACT_FIELDS = {"change_address": ("address",), "create_return": ("order_number",)}
# A status, a slow answer, and the other ways to fail.
FAULTS = (
    "500", "503", "slow", "drip", "huge", "redirect", "text", "broken_json", "nested", "wrong_customer", "gzip", "lost",
)  # fmt: skip


class Shop:
    """The order book, the faults to come, what was asked, and what was answered under which key."""

    def __init__(self, *, token: str = "") -> None:
        self.book = OrderBook(now=lambda: datetime.now().astimezone())
        self.token = token
        self.reset()

    def reset(self) -> None:
        self.book.reset()
        # Each: {"act": name or "*", "kind": of FAULTS, "times": left, "value": seconds or a URL}.
        self.faults: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.answered: dict[str, tuple[bytes, int, dict[str, Any]]] = {}

    def next_fault(self, act: str) -> dict[str, Any] | None:
        for fault in self.faults:
            if fault["act"] in (act, "*") and fault["times"] > 0:
                fault["times"] -= 1
                return fault
        return None


def build_app(shop: Shop) -> Starlette:
    """The routes of the order system, and of the controls under `/_fake/`."""
    book = shop.book

    def act(name: str, do: Callable[..., dict[str, Any]], *, reads: bool = False) -> Handler:
        async def handle(request: Request) -> Response:
            return await handled(shop, request, name, do, reads=reads)

        return handle

    async def control(request: Request) -> Response:
        found = json.loads(await request.body())
        shop.faults += [{"act": "*", "times": 1, "value": None, **fault} for fault in found]
        return answer({"faults": shop.faults})

    async def show(request: Request) -> Response:
        return answer({"requests": shop.requests})

    async def reset(request: Request) -> Response:
        shop.reset()
        return answer({})

    one = "/orders/{order_number}"
    return Starlette(
        routes=[
            Route(one, act("get_order", book.get_order, reads=True), methods=["GET"]),
            Route(f"{one}/logistics", act("get_logistics", book.get_logistics, reads=True), methods=["GET"]),
            Route(f"{one}/address", act("change_address", book.change_address), methods=["PUT"]),
            Route(f"{one}/urges", act("urge_delivery", book.urge_delivery), methods=["POST"]),
            Route("/returns", act("create_return", book.create_return), methods=["POST"]),
            Route(f"{one}/cancellation", act("cancel_order", book.cancel_order), methods=["POST"]),
            Route("/_fake/faults", control, methods=["POST"]),
            Route("/_fake/requests", show, methods=["GET"]),
            Route("/_fake/reset", reset, methods=["POST"]),
        ]
    )  # fmt: skip


async def handled(
    shop: Shop, request: Request, name: str, do: Callable[..., dict[str, Any]], *, reads: bool
) -> Response:
    """One request: noted, perhaps spoilt, else done once for each key."""
    raw = await request.body()
    shop.requests.append(noted(name, request, raw))
    fault = shop.next_fault(name)
    if fault is not None and fault["kind"] not in ("wrong_customer", "lost", "slow"):
        return await spoilt(fault)
    if fault is not None and fault["kind"] == "slow":
        await asyncio.sleep(float(fault["value"] or 5))
    status, found = done_once(shop, request, raw, name, do, reads=reads)
    if fault is not None and fault["kind"] == "wrong_customer":
        found = {**found, "customer_id": STRANGER}
    if fault is not None and fault["kind"] == "lost":
        return await spoilt({"kind": "500"})  # done, and the answer lost
    return answer(found, status=status)


def noted(name: str, request: Request, raw: bytes) -> dict[str, Any]:
    headers = request.headers
    return {
        "act": name,
        "path": request.url.path,
        "query": dict(request.query_params),
        "body": json.loads(raw) if raw else None,
        "customer": headers.get("x-customer-id", ""),
        "key": headers.get("idempotency-key", ""),
        "authorization": headers.get("authorization", ""),
    }


def done_once(
    shop: Shop,
    request: Request,
    raw: bytes,
    name: str,
    do: Callable[..., dict[str, Any]],
    *,
    reads: bool,
) -> tuple[int, dict[str, Any]]:
    """What the order book says; a key that came before gets the answer of then."""
    if shop.token and request.headers.get("authorization") != f"Bearer {shop.token}":
        return 401, error_body("unauthorized", "没有权限", "Not allowed", english(request))
    key = request.headers.get("idempotency-key", "")
    if not reads and not key:
        return 400, error_body(
            "no_key", "缺少幂等键", "An Idempotency-Key is wanted", english(request)
        )
    if not reads and key in shop.answered:
        before, status, found = shop.answered[key]
        if before == raw + request.url.path.encode():
            return status, found
        return 409, error_body(
            "key_reused", "幂等键重复", "The key was used before", english(request)
        )
    status, found = done(request, raw, name, do)
    if not reads:
        shop.answered[key] = (raw + request.url.path.encode(), status, found)
    return status, found


def done(
    request: Request, raw: bytes, name: str, do: Callable[..., dict[str, Any]]
) -> tuple[int, dict[str, Any]]:
    language = english(request)
    values = dict(request.path_params)
    positional = [values["order_number"]] if "order_number" in values else []
    if name in ACT_FIELDS:
        body = json.loads(raw or b"{}")
        if not all(isinstance(body.get(field), str) for field in ACT_FIELDS[name]):
            return 422, error_body("incomplete", "信息不完整", "Something is missing", language)
        positional.append(body)
    try:
        customer = request.headers.get("x-customer-id", "")
        return 200, do(*positional, customer=customer, language=language)
    except Refused as refusal:
        return refusal.status, error_body(refusal.code, refusal.zh, refusal.en, language)


def english(request: Request) -> int:
    """1 for a caller that wants English, 0 for Chinese: the place in our pairs of texts."""
    return int(request.headers.get("accept-language", "zh").startswith("en"))


def error_body(code: str, zh: str, en: str, language: int) -> dict[str, Any]:
    return {"error": {"code": code, "message": (zh, en)[language]}}


async def spoilt(fault: dict[str, Any]) -> Response:
    """An answer as it should never be."""
    kind = fault["kind"]
    if kind in ("500", "503"):
        return answer({"error": {"code": "internal", "message": "boom"}}, status=int(kind))
    if kind == "redirect":
        return RedirectResponse(fault["value"] or "http://169.254.169.254/latest/meta-data/", 302)
    if kind == "huge":
        return StreamingResponse(
            pieces(b" " * 65536, HUGE_BYTES // 65536), media_type="application/json"
        )
    if kind == "drip":
        return StreamingResponse(pieces(b" ", 1000, DRIP_SECONDS), media_type="application/json")
    bodies = {
        "text": (b"<html>login</html>", "text/html"),
        "broken_json": (b'{"order_number": ', "application/json"),
        "nested": (b"[" * 100_000, "application/json"),
    }
    if kind == "gzip":
        return Response(
            b"\x1f\x8b", media_type="application/json", headers={"content-encoding": "gzip"}
        )
    body, media = bodies[kind]
    return Response(body, media_type=media)


async def pieces(piece: bytes, count: int, pause_seconds: float = 0.0) -> Any:
    for _ in range(count):
        yield piece
        await asyncio.sleep(pause_seconds)


def answer(content: dict[str, Any], *, status: int = 200) -> Response:
    text = json.dumps(content, ensure_ascii=False)
    return Response(text, status_code=status, media_type="application/json")


def build_server(shop: Shop, *, port: int) -> uvicorn.Server:
    """A server on loopback that is not started yet."""
    return uvicorn.Server(
        uvicorn.Config(
            build_app(shop),
            host="127.0.0.1",
            port=port,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.shop_server", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args(arguments)
    build_server(Shop(token=os.environ.get("DEMO_SHOP_TOOL_KEY", "")), port=chosen.port).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
