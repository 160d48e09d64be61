"""How a body of Anthropic's Messages API becomes an `Ask`. Refuses what the API refuses, sampling arguments too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tests.fakes.provider_requests import (
    Message,
    check_schema,
    check_thread,
    has_bearer,
    read_limit,
    read_model,
    read_text,
    refusal,
)
from tests.fakes.provider_types import Ask, FaultKind, Json, Tool

_ROLES = {"user", "assistant", "system"}
# Whoever sends temperature, top_p or top_k is refused like anyone who sends a field that does not exist.
_FIELDS = frozenset(
    [
        "model",
        "messages",
        "max_tokens",
        "system",
        "tools",
        "tool_choice",
        "output_config",
        "thinking",
        "metadata",
        "speed",
        "service_tier",
        "stop_sequences",
        "stream",
        "cache_control",
        "container",
        "diagnostics",
        "inference_geo",
        "user_profile_id",
    ]
)
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_UNSUPPORTED = frozenset(
    [
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
    ]
)


def check_headers(headers: Mapping[bytes, bytes]) -> None:
    """Raises: BadAskError without a key or a version of the API."""
    # Version 2 of the SDK sends the key as a bearer token; plain HTTP clients send the older header.
    if not headers.get(b"x-api-key", b"").strip() and not has_bearer(headers):
        raise refusal("x-api-key header is required", kind=FaultKind.UNAUTHORIZED)
    if not headers.get(b"anthropic-version", b"").strip():
        raise refusal("anthropic-version: header is required")


def ask_of(body: Mapping[str, Json]) -> Ask:
    """Raises: BadAskError where the API answers 400."""
    if body.get("max_tokens") is None:
        raise refusal("max_tokens: Field required")
    return counted_ask_of(body)


def counted_ask_of(body: Mapping[str, Json]) -> Ask:
    """The same for counting, where no limit has to be given."""
    if unknown := set(body) - _FIELDS:
        raise refusal(f"{min(unknown)}: Extra inputs are not permitted")
    model, fault = read_model(body.get("model"))
    messages = _read_messages(body.get("messages"))
    tools = tuple(_tool(row) for row in body.get("tools") or ())
    system = [
        _joined(body.get("system")),
        *(each.text for each in messages if each.role == "system"),
    ]
    return Ask(
        model=model,
        fault=fault,
        system="\n".join(text for text in system if text),
        turns=tuple((each.role, each.text) for each in messages if each.role != "system"),
        stream=body.get("stream") is True,
        include_usage=True,
        max_tokens=read_limit(body.get("max_tokens"), name="max_tokens", least=0),
        tools=tools,
        tool_choice=_read_tool_choice(body.get("tool_choice") or {"type": "auto"}, tools),
        schema=_read_schema((body.get("output_config") or {}).get("format") or {}),
    )


def _joined(system: Json) -> str:
    """A system prompt in blocks reads as one with a block on each line."""
    if isinstance(system, list):
        return "\n".join(str(block["text"]) for block in system)
    return read_text(system)


def _read_messages(rows: Json) -> list[Message]:
    if not isinstance(rows, list) or not rows:
        raise refusal("messages: at least one message is required")
    messages: list[Message] = []
    for at, row in enumerate(rows):
        if row["role"] not in _ROLES:
            raise refusal(f"messages.{at}.role: Input should be 'user', 'assistant' or 'system'")
        found = list(_messages_of(row))
        if not any(each.text or each.calls or each.answers for each in found):
            raise refusal(f"messages.{at}: messages must have non-empty content")
        messages += found
    check_thread(messages)
    return messages


def _messages_of(row: Mapping[str, Json]) -> Iterator[Message]:
    """Results of tools come inside a user's message; they are turns of their own, before what the user says."""
    content = row["content"]
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    for block in blocks:
        if block["type"] == "tool_result":
            yield Message("tool", read_text(block.get("content")), answers=block["tool_use_id"])
    calls = tuple(block["id"] for block in blocks if block["type"] == "tool_use")
    text = read_text([block for block in blocks if block["type"] == "text"])
    if text or calls or all(block["type"] != "tool_result" for block in blocks):
        yield Message(row["role"], text, calls)


def _tool(row: Mapping[str, Json]) -> Tool:
    for name in ("name", "input_schema"):
        if not row.get(name):
            raise refusal(f"tools.{name}: Field required")
    if row.get("strict") is True:
        check_schema(
            row["input_schema"], param="tools", all_required=False, unsupported=_UNSUPPORTED
        )
    return Tool(row["name"], row.get("description") or "", row["input_schema"])


def _read_tool_choice(choice: Mapping[str, Json], tools: Sequence[Tool]) -> str:
    if choice["type"] != "tool":
        return _CHOICES[choice["type"]]
    name = str(choice["name"])
    if name not in {tool.name for tool in tools}:
        raise refusal(f"tool_choice: tool '{name}' not found in provided tools")
    return name


def _read_schema(wanted: Mapping[str, Json]) -> Mapping[str, Json] | None:
    if not wanted:
        return None
    if wanted["type"] != "json_schema":
        raise refusal("output_config.format.type: Input should be 'json_schema'")
    schema: Mapping[str, Json] = wanted["schema"]
    check_schema(schema, param="output_config.format", all_required=False, unsupported=_UNSUPPORTED)
    return schema
