"""DashScope's own wire for text generation, by version 2 of its SDK."""

from __future__ import annotations

import weakref
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from prompts.llm.catalogue import Endpoint
from prompts.llm.providers import exchange, shapes
from prompts.llm.providers.clients import (
    CONNECTIONS_KEPT,
    CONNECTIONS_MAX,
    Clients,
    is_loopback,
)
from prompts.llm.providers.counts import count, part
from prompts.llm.providers.events import Event
from prompts.llm.providers.exchange import Answer, Patience, Response, Wire
from prompts.llm.providers.openai import Fragment, add_fragment, as_message, asked_for
from prompts.llm.types import Chunk, Request, Usage

if TYPE_CHECKING:
    from dashscope import Client

# Said here, for the SDK would ask the environment.
SERVER = "https://dashscope.aliyuncs.com/api/v1"
PATH = "/services/aigc/text-generation/generation"
STREAMED = {"X-DashScope-SSE": "enable"}
# The API takes [0, 2).
HOTTEST = 1.99


# What is read of a frame.
class Message(TypedDict, total=False):
    content: str | None
    tool_calls: list[Fragment] | None


class Choice(TypedDict, total=False):
    message: Message | None
    finish_reason: str | None


class Output(TypedDict, total=False):
    choices: list[Choice] | None


class Frame(TypedDict, total=False):
    output: Output | None
    usage: Any
    code: Any


FRAME = TypeAdapter(Frame)
NO_OUTPUT, NO_CHOICE, NO_MESSAGE = Output(), Choice(), Message()


def stream(
    endpoint: Endpoint, request: Request, *, timeout_seconds: float | None = None
) -> Generator[Chunk, None, None]:
    """The chunks of a streamed text generation. Raises ModelError.

    The SDK opens the stream and its frames are parsed here, so that a malformed or wordless one is seen as such.
    """
    return exchange.converse(WIRE, endpoint, request, timeout_seconds=timeout_seconds)


def post(client: Client, endpoint: Endpoint, request: Request, patience: Patience) -> Response:
    # Inline: it comes with the SDK, whose import only a process that calls this wire should pay.
    import httpx  # noqa: PLC0415

    response: Response = client.transport.open_stream(
        "POST",
        PATH,
        json=body(endpoint, request),
        headers=STREAMED,
        base_url=client.config.protocol_base_url,
        api_key=endpoint.api_key,
        timeout=httpx.Timeout(patience.read, connect=patience.connect),
        sdk_module="aigc",
    )
    return response


def body(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """The request as DashScope takes it. It knows no field for a pseudonym of the customer."""
    messages = [as_message(line) for line in shapes.lines(endpoint, request)]
    return {
        "model": endpoint.model,
        "input": {"messages": messages},
        "parameters": parameters(endpoint, request),
    }


def parameters(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    fields = {
        "result_format": "message",
        "incremental_output": True,
        "max_tokens": min(request.max_output_tokens, endpoint.max_output_tokens),
        **asked_for(endpoint, request),
    }
    if "temperature" in fields:
        fields["temperature"] = min(fields["temperature"], HOTTEST)
    if endpoint.capabilities.thinking is not None:
        # A model that thinks holds to no schema.
        fields["enable_thinking"] = endpoint.capabilities.thinking and request.json is None
    return fields


def take(event: Event, answer: Answer) -> Chunk:
    """The chunk in a frame. Raises ModelError for an error, and for what has another shape."""
    frame = exchange.parsed(FRAME, event)
    if frame.get("code"):
        raise exchange.declared(event)
    choices = (frame.get("output") or NO_OUTPUT).get("choices")
    choice = choices[0] if choices else NO_CHOICE
    message = choice.get("message") or NO_MESSAGE
    for fragment in message.get("tool_calls") or ():
        add_fragment(fragment, answer, number=event.number)
    finish = choice.get("finish_reason")
    if finish and finish != "null":  # the word, until the end
        answer.finish, answer.over = finish, True
    usage = frame.get("usage")
    return Chunk(text=message.get("content") or "", usage=usage_of(usage) if usage else None)


def usage_of(fields: Any) -> Usage | None:
    """The tokens counted up to a frame; None where there is no count we can read."""
    read, written = count(fields, "input_tokens"), count(fields, "output_tokens")
    if read is None or written is None:
        return None
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cached_tokens=part(fields, "prompt_tokens_details", "cached_tokens"),
        cache_write_tokens=part(fields, "prompt_tokens_details", "cache_creation_input_tokens"),
        reasoning_tokens=part(fields, "output_tokens_details", "reasoning_tokens"),
        raw=fields,
    )


def build(base_url: str, api_key: str) -> Client:
    # Inline: the import costs a second and 70 MB, which only a process that calls this wire should pay.
    import dashscope
    import httpx  # noqa: PLC0415

    # Handed in whole, for the SDK would keep 20 connections at most, and ask the environment for a proxy.
    limits = httpx.Limits(
        max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_KEPT
    )
    connections = httpx.Client(limits=limits, trust_env=not is_loopback(base_url))
    client = dashscope.Client(
        api_key=api_key,
        base_url=base_url or SERVER,
        protocol="native",
        max_retries=0,
        http_client=connections,
    )
    weakref.finalize(client, connections.close)
    return client


WIRE = Wire(Clients(build), post, take)
