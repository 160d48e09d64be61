"""The wire of Anthropic's Messages API, for Anthropic itself and for every server that speaks it."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from prompts.llm.catalogue import Endpoint
from prompts.llm.providers import exchange, shapes
from prompts.llm.providers.clients import Clients, is_loopback, patience_seconds
from prompts.llm.providers.counts import count, part
from prompts.llm.providers.events import Event
from prompts.llm.providers.exchange import Answer, Response
from prompts.llm.types import Chunk, Line, Request, Tool, ToolCall, Usage

if TYPE_CHECKING:
    from anthropic import Anthropic

# Calls of another vendor may be in the thread, under ids that this one does not take.
FOREIGN = re.compile(r"[^A-Za-z0-9_-]")
CHOICES = {"auto": "auto", "none": "none", "required": "any"}
# A thread has to begin with the customer.
OPENING = "(对话开始)"


class Block(BaseModel):
    type: str = ""
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None


class Delta(BaseModel):
    text: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class Message(BaseModel):
    usage: Any = None


class Frame(BaseModel):
    """A server-sent event, as far as we read it. Its type is taken from here, not from the `event:` line."""

    type: str
    index: int = 0
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: Any = None


def stream(
    endpoint: Endpoint, request: Request, *, timeout_seconds: float | None = None
) -> Generator[Chunk, None, None]:
    """The chunks of a streamed message. Raises ModelError.

    Frames are read raw and parsed here: the SDK leaves out, without a word, those that lack an `event:` line.
    """

    def opened() -> Response:
        connect, read = patience_seconds(endpoint, timeout_seconds)
        return post(endpoint, body(endpoint, request), connect=connect, read=read)

    return exchange.converse(opened, take, tools=request.tools)


def post(endpoint: Endpoint, body: dict[str, Any], *, connect: float, read: float) -> Response:
    """The response to a request, once its headers are there; times in seconds."""
    asked = CLIENTS.of(endpoint)
    # Inline: it comes with the SDK, whose import only a process that calls this wire should pay.
    import httpx2  # noqa: PLC0415

    response = asked.post(
        "/v1/messages",
        cast_to=httpx2.Response,
        body=body,
        options={"timeout": httpx2.Timeout(read, connect=connect)},
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
    frame = exchange.parsed(Frame, event)
    match frame.type:
        case "content_block_delta":
            return grown(frame.index, frame.delta or Delta(), answer)
        case "content_block_start":
            return begun(frame.index, frame.content_block or Block(), answer)
        case "message_start" if frame.message:
            return Chunk(usage=counted(frame.message.usage, answer))
        case "message_delta":
            answer.finish = (frame.delta and frame.delta.stop_reason) or answer.finish
            return Chunk(usage=counted(frame.usage, answer))
        case "message_stop":
            answer.over = True
        case "error":
            raise exchange.declared(event)
    return exchange.SILENCE  # pings, the end of a block, and what the API may learn later


def begun(index: int, block: Block, answer: Answer) -> Chunk:
    if block.type == "tool_use":
        # Some servers give all arguments here.
        arguments = json.dumps(block.input, ensure_ascii=False) if block.input else ""
        answer.calls.add(index, id=block.id or "", name=block.name or "", arguments=arguments)
    return Chunk(text=block.text or "") if block.type == "text" else exchange.SILENCE


def grown(index: int, delta: Delta, answer: Answer) -> Chunk:
    if delta.partial_json:
        answer.calls.add(index, arguments=delta.partial_json)
    return Chunk(text=delta.text) if delta.text else exchange.SILENCE


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

    loopback = anthropic.DefaultHttpxClient(trust_env=False) if is_loopback(base_url) else None
    return anthropic.Anthropic(
        api_key=api_key, base_url=base_url or None, max_retries=0, http_client=loopback
    )


CLIENTS = Clients(build)
