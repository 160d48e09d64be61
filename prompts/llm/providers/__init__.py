"""One module per wire. Each turns a request into chunks, and vendor exceptions into ModelError."""

from collections.abc import Generator
from typing import Any

from prompts.llm.catalogue import Endpoint
from prompts.llm.providers import anthropic, dashscope, openai, sop
from prompts.llm.providers.clients import Clients
from prompts.llm.types import Chunk, Request

STREAMS = {
    "openai": openai.stream,
    "anthropic": anthropic.stream,
    "dashscope": dashscope.stream,
    "sop": sop.stream,
}
CLIENTS: dict[str, Clients[Any]] = {
    "openai": openai.WIRE.clients,
    "anthropic": anthropic.WIRE.clients,
    "dashscope": dashscope.WIRE.clients,
}


def stream(
    endpoint: Endpoint, request: Request, *, timeout_seconds: float | None = None
) -> Generator[Chunk, None, None]:
    """The chunks of an answer, the last with `finish` and the tools to call. Raises only ModelError.

    `timeout_seconds` stands in for the endpoint's own where less time is left; it bounds the connecting, and the
    wait for each chunk. Closing the generator closes the connection.
    """
    return STREAMS[endpoint.provider](endpoint, request, timeout_seconds=timeout_seconds)


def warm(endpoint: Endpoint) -> None:
    """Builds what the endpoint's wire needs; costs seconds the first time."""
    if endpoint.provider in CLIENTS:
        CLIENTS[endpoint.provider].of(endpoint)
