"""One module per wire. Each turns a request into chunks, and vendor exceptions into ModelError."""

from collections.abc import Generator

from prompts.llm.catalogue import Endpoint
from prompts.llm.providers import openai, sop
from prompts.llm.types import Chunk, Request

WARMERS = {"openai": openai.client}
STREAMS = {"openai": openai.stream, "sop": sop.stream}


def stream(endpoint: Endpoint, request: Request) -> Generator[Chunk, None, None]:
    """The chunks of an answer. Raises ModelError; closing the generator closes the connection."""
    return STREAMS[endpoint.provider](endpoint, request)


def warm(endpoint: Endpoint) -> None:
    """Builds what the endpoint's wire needs; costs seconds the first time."""
    if endpoint.provider in WARMERS:
        WARMERS[endpoint.provider](endpoint)
