"""The OpenAI wire, for OpenAI itself and for every server that speaks it."""

from __future__ import annotations

import weakref
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, cast

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from prompts.llm.catalogue import Endpoint
from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.providers import exchange, shapes
from prompts.llm.providers.clients import Clients, direct_connections, is_loopback
from prompts.llm.providers.counts import count, part
from prompts.llm.providers.events import Event
from prompts.llm.providers.exchange import Answer, Patience, Response, Wire
from prompts.llm.types import Chunk, Line, Request, Tool, ToolCall, Usage

if TYPE_CHECKING:
    from openai import OpenAI

# Said here, for the SDK would ask the environment.
SERVER = "https://api.openai.com/v1"
# The names of OpenAI and of Alibaba.
WRITTEN_TO_CACHE = ("cache_write_tokens", "cache_creation_input_tokens")


# What is read of a frame. Dictionaries, for a model of each would cost three times as much.
class Function(TypedDict, total=False):
    name: str | None
    arguments: str | None


class Fragment(TypedDict, total=False):
    index: int | None
    id: str | None
    function: Function | None


class Delta(TypedDict, total=False):
    content: str | None
    refusal: str | None
    tool_calls: list[Fragment] | None


class Choice(TypedDict, total=False):
    delta: Delta | None
    finish_reason: str | None


class Frame(TypedDict, total=False):
    choices: list[Choice] | None
    usage: Any
    error: Any
    code: Any


FRAME = TypeAdapter(Frame)
NO_CHOICE, NO_DELTA, NO_FUNCTION = Choice(), Delta(), Function()


def stream(
    endpoint: Endpoint, request: Request, *, timeout_seconds: float | None = None
) -> Generator[Chunk, None, None]:
    """The chunks of a streamed chat completion. Raises ModelError.

    Frames are read raw and parsed here: the SDK's own models cost five times as much for each.
    """
    return exchange.converse(WIRE, endpoint, request, timeout_seconds=timeout_seconds)


def post(client: OpenAI, endpoint: Endpoint, request: Request, patience: Patience) -> Response:
    # Inline: it comes with the SDK, whose import only a process that calls this wire should pay.
    import httpx2  # noqa: PLC0415

    # Not `chat.completions.create`: it walks through every message at 2 ms a call.
    response = client.post(
        "/chat/completions",
        cast_to=httpx2.Response,
        body=body(endpoint, request),
        options={"timeout": httpx2.Timeout(patience.read, connect=patience.connect)},
        stream=True,
        stream_cls=None,
    )
    return cast("Response", response)


def body(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """The request as the endpoint's server takes it."""
    takes = endpoint.capabilities
    fields: dict[str, Any] = {
        "model": endpoint.model,
        "messages": [as_message(line) for line in shapes.lines(endpoint, request)],
        "stream": True,
        "max_tokens" if takes.max_tokens else "max_completion_tokens": min(
            request.max_output_tokens, endpoint.max_output_tokens
        ),
    }
    if takes.usage:
        fields["stream_options"] = {"include_usage": True}
    if takes.safety_identifier and request.user:
        fields["safety_identifier"] = request.user
    if takes.reasoning_effort:
        fields["reasoning_effort"] = takes.reasoning_effort
    if takes.thinking is not None:
        fields["enable_thinking"] = takes.thinking
    return fields | asked_for(endpoint, request)


def asked_for(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """The fields for tools, JSON and temperature; DashScope's own wire names them alike."""
    fields: dict[str, Any] = {}
    if request.temperature is not None and endpoint.capabilities.sampling:
        fields["temperature"] = request.temperature
    if request.tools and endpoint.capabilities.tools:
        fields["tools"] = [as_tool(tool) for tool in request.tools]
        fields["tool_choice"] = as_choice(request.tool_choice)
    if shape := shapes.enforced(endpoint, request):
        schema = {"name": shape.name, "strict": True, "schema": shapes.strict(shape.schema)}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    return fields


def as_message(line: Line) -> dict[str, Any]:
    if line.role == "tool":
        return {"role": "tool", "tool_call_id": line.call_id, "content": line.text}
    if line.tools:
        calls = [as_call(call) for call in line.tools]
        return {"role": line.role, "content": line.text, "tool_calls": calls}
    return {"role": line.role, "content": line.text}


def as_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def as_tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": function}


def as_choice(choice: str) -> str | dict[str, Any]:
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def take(event: Event, answer: Answer) -> Chunk:
    """The chunk in a frame. Raises ModelError for an error, a refusal, and what has another shape."""
    if event.data == b"[DONE]":
        answer.over = True
        return exchange.SILENCE
    frame = exchange.parsed(FRAME, event)
    choices = frame.get("choices")
    if frame.get("error") or (frame.get("code") and not choices):
        raise exchange.declared(event)
    choice = choices[0] if choices else NO_CHOICE
    delta = choice.get("delta") or NO_DELTA
    if delta.get("refusal"):
        raise ModelError(ErrorClass.CONTENT, "refused")
    for fragment in delta.get("tool_calls") or ():
        add_fragment(fragment, answer)
    answer.finish = choice.get("finish_reason") or answer.finish
    usage = frame.get("usage")
    return Chunk(text=delta.get("content") or "", usage=usage_of(usage) if usage else None)


def add_fragment(fragment: Fragment, answer: Answer, *, number: int = 0) -> None:
    function = fragment.get("function") or NO_FUNCTION
    answer.calls.add(
        fragment.get("index") or 0,
        id=fragment.get("id") or "",
        name=function.get("name") or "",
        arguments=function.get("arguments") or "",
        number=number,
    )


def usage_of(fields: Any) -> Usage | None:
    """The tokens a frame counts; None where there is no count we can read."""
    read, written = count(fields, "prompt_tokens"), count(fields, "completion_tokens")
    if read is None or written is None:
        return None
    cached = part(fields, "prompt_tokens_details", "cached_tokens")
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cached_tokens=cached or count(fields, "prompt_cache_hit_tokens") or 0,
        cache_write_tokens=part(fields, "prompt_tokens_details", *WRITTEN_TO_CACHE),
        reasoning_tokens=part(fields, "completion_tokens_details", "reasoning_tokens"),
        raw=fields,
    )


def build(base_url: str, api_key: str) -> OpenAI:
    # Inline: the import costs 2 s and 60 MB, which only a process that calls this wire should pay.
    import openai

    connections = direct_connections() if is_loopback(base_url) else None
    client = openai.OpenAI(
        api_key=api_key, base_url=base_url or SERVER, max_retries=0, http_client=connections
    )
    if connections:
        weakref.finalize(client, connections.close)
    return client


WIRE = Wire(Clients(build), post, take)
