"""A stand-in for model providers: serves their wire on loopback, with chosen latency and faults, and needs no key.

Tests, bench and demo mode start it: `python -m tests.fakes.provider_server --port N`. It may never listen elsewhere.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import override

from tests.fakes import provider_anthropic
from tests.fakes.provider_anthropic import AnthropicWire, TokenCountWire
from tests.fakes.provider_dashscope import DashScopeWire
from tests.fakes.provider_decisions import DecisionWire, SystemOneWire
from tests.fakes.provider_exchange import Exchange, Provider, ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.fakes.provider_log import KEPT_REQUESTS
from tests.fakes.provider_openai import CompatibleWire, OpenAIWire, models_body
from tests.fakes.provider_playback import ConnectionProtocol
from tests.fakes.provider_types import Json, ProviderWire

WIRES: dict[str, ProviderWire] = {
    "/v1/chat/completions": OpenAIWire(),
    "/v1/decisions": DecisionWire(),
    "/v1/messages": AnthropicWire(),
    "/v1/messages/count_tokens": TokenCountWire(),
    "/api/v1/services/aigc/text-generation/generation": DashScopeWire(),
    "/compatible-mode/v1/chat/completions": CompatibleWire(),
    "/compatible-mode/v1/systemone": SystemOneWire(),
}
_KEEP_ALIVE_SECONDS = 120
_BACKLOG = 512


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Exit code 1 when the port is taken."""
    chosen = _parser().parse_args(arguments)
    latency = Latency(chosen.ttft_ms, chosen.interval_ms, chosen.jitter)
    options = ProviderOptions(latency, tokens=chosen.tokens, seed=chosen.seed, slots=chosen.slots)
    server = build_server(options, host=chosen.host, port=chosen.port, announce=_say)
    try:
        asyncio.run(server.serve_until_signalled())
    except OSError as error:
        print(
            f"fake provider: cannot listen on {chosen.host}:{chosen.port}: {os.strerror(error.errno or 0)}",
            file=sys.stderr,
        )
        return 1
    return 0


def _say(url: str) -> None:
    print(f"fake provider: {url}", flush=True)


def build_server(
    options: ProviderOptions,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    announce: Callable[[str], None],
) -> ProviderServer:
    """A server that is not started yet; port 0 takes a free one. `announce` gets the URL once clients may come."""
    config = uvicorn.Config(
        build_app(Provider(options)),
        host=host,
        port=port,
        backlog=_BACKLOG,
        http=ConnectionProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    return ProviderServer(config, announce=announce)


def build_app(provider: Provider) -> Starlette:
    """The routes of the wires and of the controls under `/_fake/`."""
    controls = _Controls(provider)
    return Starlette(
        routes=[
            *(
                Route(path, Exchange(provider, wire), methods=["POST"])
                for path, wire in WIRES.items()
            ),
            Route("/v1/models", _list_models, methods=["GET"]),
            Route("/compatible-mode/v1/models", _list_models, methods=["GET"]),
            Route("/_fake/scenario", controls.show_scenario, methods=["GET"]),
            Route("/_fake/scenario", controls.set_scenario, methods=["POST"]),
            Route("/_fake/requests", controls.list_requests, methods=["GET"]),
            Route("/_fake/reset", controls.reset, methods=["POST"]),
        ]
    )


class ProviderServer(uvicorn.Server):
    """uvicorn that says where it listens and stops at once, open streams or not."""

    def __init__(self, config: uvicorn.Config, *, announce: Callable[[str], None]) -> None:
        super().__init__(config)
        self._announce = announce

    @property
    def url(self) -> str:
        """`http://host:port`, known once it listens."""
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def serve_until_signalled(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises: OSError when it cannot listen."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        await self.serve([self.listen()])

    def listen(self) -> socket.socket:
        """The bound socket to serve on. uvicorn itself would end the process when the port is taken."""
        family = socket.AF_INET6 if ":" in self.config.host else socket.AF_INET
        address = (self.config.host, self.config.port)
        listener = socket.create_server(address, family=family, backlog=_BACKLOG)
        # Accepted sockets inherit it. asyncio sets it only on sockets made with an explicit protocol number, and
        # without it every short reply waits 40 ms for the acknowledgement of its headers.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener

    def stop(self) -> None:
        """Cut every connection and stop; call it in the loop that serves."""
        self.should_exit = self.force_exit = True
        for protocol in list(self.server_state.connections):
            if protocol.transport is not None:
                protocol.transport.abort()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._announce(self.url)

    @contextlib.contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        """uvicorn would raise the signal again after the end; a fake that was told to stop ends with code 0."""
        yield


class _Controls:
    """The endpoints by which a test sets up the fake and reads what it saw."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def show_scenario(self, request: Request) -> Response:
        return _refuse_stranger(request) or _json(self._provider.as_json())

    async def set_scenario(self, request: Request) -> Response:
        if refusal := _refuse_stranger(request):
            return refusal
        try:
            self._provider.change(json.loads(await request.body()))
        except ValueError as error:
            return _json({"error": str(error)}, status=400)
        return _json(self._provider.as_json())

    async def list_requests(self, request: Request) -> Response:
        limit = request.query_params.get("limit", "")
        shown = int(limit) if limit.isascii() and limit.isdigit() else KEPT_REQUESTS
        return _refuse_stranger(request) or _json(self._provider.log.as_json(limit=shown))

    async def reset(self, request: Request) -> Response:
        if refusal := _refuse_stranger(request):
            return refusal
        self._provider.reset()
        return _json({"reset": True})


async def _list_models(request: Request) -> Response:
    """Two vendors list their models under one path; only one of them dates its API in a header."""
    is_anthropic = "anthropic-version" in request.headers
    return _json(provider_anthropic.models_body() if is_anthropic else models_body())


def _refuse_stranger(request: Request) -> Response | None:
    """The log holds what customers wrote: only this machine, and no web page under a name of its own, may read it."""
    peer = request.client.host if request.client else ""
    if _is_loopback(peer) and _is_loopback(request.url.hostname or ""):
        return None
    return _json({"error": "only on loopback"}, status=403)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _json(value: Json, *, status: int = 200) -> Response:
    return Response(json.dumps(value), status_code=status, media_type="application/json")


def _loopback(host: str) -> str:
    if not _is_loopback(host):
        raise argparse.ArgumentTypeError(
            f"{host} is not an address of this machine alone, like 127.0.0.1"
        )
    return host


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of at least 0")
    return int(text)


def _milliseconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 0")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fakes.provider_server", description=__doc__
    )
    parser.add_argument("--port", type=_count, default=0, help="0 takes a free one")
    parser.add_argument("--host", type=_loopback, default="127.0.0.1")
    parser.add_argument("--ttft-ms", type=_milliseconds, default=200.0, help="time to first token")
    parser.add_argument(
        "--interval-ms", type=_milliseconds, default=10.0, help="between two tokens"
    )
    parser.add_argument(
        "--jitter",
        type=_milliseconds,
        default=0.0,
        help="sigma of a lognormal factor on every wait",
    )
    parser.add_argument(
        "--tokens", type=_count, default=0, help="length of every answer; 0: as long as it needs"
    )
    parser.add_argument("--seed", type=_count, default=0, help="other seeds, other wordings")
    parser.add_argument(
        "--slots", type=_count, default=0, help="answers at a time, others queue; 0: no limit"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
