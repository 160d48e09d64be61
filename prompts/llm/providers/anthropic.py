"""The wire of Anthropic's Messages API, for Anthropic itself and for every server that speaks it."""

from __future__ import annotations

import json
import re
import weakref
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Required, cast

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from prompts.llm.catalogue import Endpoint
from prompts.llm.providers import exchange, shapes
from prompts.llm.providers.clients import Clients, direct_connections, is_loopback
from prompts.llm.providers.counts import count, part
from prompts.llm.providers.events import Event
from prompts.llm.providers.exchange import Answer, Patience, Response, Wire
from prompts.llm.types import Chunk, Line, Request, Tool, ToolCall, Usage

if TYPE_CHECKING:
    from anthropic import Anthropic

# Said here, for the SDK would ask the environment.
SERVER = "https://api.anthropic.com"
# Calls of another vendor may be in the thread, under ids that this one does not take.
FOREIGN = re.compile(r"[^A-Za-z0-9_-]")
CHOICES = {"auto": "auto", "none": "none", "required": "any"}
# A thread has to begin with the customer.
OPENING = "(对话开始)"


# What is read of a frame. Its type is taken from here, not from the `event:` line.
class Block(TypedDict, total=False):
    type: str
    text: str | None
    id: str | None
    name: str | None
    input: Any


class Delta(TypedDict, total=False):
    text: str | None
    partial_json: str | None
    stop_reason: str | None


class Message(TypedDict, total=False):
    usage: Any


class Frame(TypedDict, total=False):
    type: Required[str]
    index: int
    message: Message | None
    content_block: Block | None
    delta: Delta | None
    usage: Any


FRAME = TypeAdapter(Frame)
NO_BLOCK, NO_DELTA, NO_MESSAGE = Block(), Delta(), Message()


def stream(
    endpoint: Endpoint, request: Request, *, timeout_seconds: float | None = None
) -> Generator[Chunk, None, None]:
    """The chunks of a streamed message. Raises ModelError.

    Frames are read raw and parsed here: the SDK leaves out, without a word, those that lack an `event:` line.
    """
    return exchange.converse(WIRE, endpoint, request, timeout_seconds=timeout_seconds)


def post(client: Anthropic, endpoint: Endpoint, request: Request, patience: Patience) -> Response:
    # Inline: it comes with the SDK, whose import only a process that calls this wire should pay.
    import httpx2  # noqa: PLC0415

    response = client.post(
        "/v1/messages",
        cast_to=httpx2.Response,
        body=body(endpoint, request),
        options={"timeout": httpx2.Timeout(patience.read, connect=patience.connect)},
        stream=True,
        stream_cls=None,
    )
    return cast("Response", response)


def body(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """The request as Anthropic takes it. The API has no sampling parameters."""
    lines = shapes.lines(endpoint, request)
    fields: dict[str, Any] = {
        "model": endpoint.model,
        "max_tokens": min(request.max_output_tokens, endpoint.max_output_tokens),
        "messages": messages([line for line in lines if line.role != "system"]),
        "stream": True,
    }
    if system := "\n\n".join(line.text for line in lines if line.role == "system"):
        fields["system"] = system
    if request.user:
        fields["metadata"] = {"user_id": request.user}
    if request.tools and endpoint.capabilities.tools:
        fields["tools"] = [as_tool(tool) for tool in request.tools]
        fields["tool_choice"] = as_choice(request.tool_choice)
    if shape := shapes.enforced(endpoint, request):
        schema = {"type": "json_schema", "schema": accepted(shapes.strict(shape.schema))}
        fields["output_config"] = {"format": schema}
    return fields


def accepted(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the limits that the API does not know turned into descriptions."""
    # Inline: the import costs seconds, see `build`.
    import anthropic

    return anthropic.transform_schema(schema)


def as_tool(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "input_schema": tool.schema}


def as_choice(choice: str) -> dict[str, Any]:
    if choice in CHOICES:
        return {"type": CHOICES[choice]}
    return {"type": "tool", "name": choice}


def messages(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """The thread in turns. The results of a turn's tool calls have to come together in the next one."""
    turns = [
        {"role": role, "content": content}
        for role, group in groupby(lines, key=role_of)
        if (content := content_of(group))
    ]
    if not turns or turns[0]["role"] != "user":
        turns.insert(0, {"role": "user", "content": OPENING})
    return turns


def role_of(line: Line) -> str:
    return "assistant" if line.role == "assistant" else "user"


def content_of(lines: Iterable[Line]) -> str | list[dict[str, Any]]:
    """The blocks of a turn, or its text where that is all; empty texts are not taken."""
    blocks = [block for line in lines for block in blocks_of(line)]
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        text: str = blocks[0]["text"]
        return text
    return blocks


def blocks_of(line: Line) -> Iterator[dict[str, Any]]:
    if line.role == "tool":
        yield {"type": "tool_result", "tool_use_id": own_id(line.call_id), "content": line.text}
    elif line.text.strip():
        yield {"type": "text", "text": line.text}
    for call in line.tools:
        yield as_use(call)


def as_use(call: ToolCall) -> dict[str, Any]:
    given = json.loads(call.arguments)
    return {"type": "tool_use", "id": own_id(call.id), "name": call.name, "input": given}


def own_id(call_id: str) -> str:
    return FOREIGN.sub("_", call_id)


def take(event: Event, answer: Answer) -> Chunk:
    """The chunk in a frame. Raises ModelError for an error, and for what has another shape."""
    frame = exchange.parsed(FRAME, event)
    delta = frame.get("delta") or NO_DELTA
    match frame["type"]:
        case "content_block_delta":
            return grown(frame.get("index", 0), delta, answer)
        case "content_block_start":
            return begun(frame.get("index", 0), frame.get("content_block") or NO_BLOCK, answer)
        case "message_start":
            message = frame.get("message") or NO_MESSAGE
            return Chunk(usage=counted(message.get("usage"), answer))
        case "message_delta":
            answer.finish = delta.get("stop_reason") or answer.finish
            return Chunk(usage=counted(frame.get("usage"), answer))
        case "message_stop":
            answer.over = True
        case "error":
            raise exchange.declared(event)
    return exchange.SILENCE  # pings, the end of a block, and what the API may learn later


def grown(index: int, delta: Delta, answer: Answer) -> Chunk:
    if part_of_json := delta.get("partial_json"):
        answer.calls.add(index, arguments=part_of_json)
    text = delta.get("text")
    return Chunk(text=text) if text else exchange.SILENCE


def begun(index: int, block: Block, answer: Answer) -> Chunk:
    if block.get("type") == "tool_use":
        # Some servers give all arguments here.
        given = block.get("input")
        arguments = json.dumps(given, ensure_ascii=False) if given else ""
        answer.calls.add(
            index, id=block.get("id") or "", name=block.get("name") or "", arguments=arguments
        )
    return Chunk(text=block.get("text") or "") if block.get("type") == "text" else exchange.SILENCE


def counted(fields: Any, answer: Answer) -> Usage | None:
    """The tokens counted so far; None where there is no count we can read.

    What was read is told at the start, what was written at the end: until then the count is an estimate.
    """
    if not isinstance(fields, dict):
        return None
    answer.usage |= {key: value for key, value in fields.items() if value is not None}
    usage = usage_of(answer.usage)
    return usage if usage is None or answer.finish else replace(usage, estimated=True)


def usage_of(fields: dict[str, Any]) -> Usage | None:
    plain, written = count(fields, "input_tokens"), count(fields, "output_tokens")
    if plain is None or written is None:
        return None
    cached = count(fields, "cache_read_input_tokens") or 0
    stored = count(fields, "cache_creation_input_tokens") or 0
    return Usage(
        input_tokens=plain + cached + stored,
        output_tokens=written,
        cached_tokens=cached,
        cache_write_tokens=stored,
        reasoning_tokens=part(fields, "output_tokens_details", "thinking_tokens"),
        raw=dict(fields),
    )


def build(base_url: str, api_key: str) -> Anthropic:
    # Inline: the import costs 3 s and 90 MB, which only a process that calls this wire should pay.
    import anthropic

    connections = direct_connections() if is_loopback(base_url) else None
    client = anthropic.Anthropic(
        api_key=api_key, base_url=base_url or SERVER, max_retries=0, http_client=connections
    )
    if connections:
        weakref.finalize(client, connections.close)
    return client


WIRE = Wire(Clients(build), post, take)
