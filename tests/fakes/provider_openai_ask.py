"""How a body of Chat Completions becomes an `Ask`; DashScope names messages, tools and formats the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.fakes.provider_requests import (
    Message,
    check_says_json,
    check_schema,
    check_thread,
    read_limit,
    read_model,
    read_text,
    refusal,
)
from tests.fakes.provider_types import Ask, Json, Tool

_SYSTEM_ROLES = {"system", "developer"}
_PLAIN_CHOICES = {"none", "auto", "required"}


def ask_of(body: Mapping[str, Json]) -> Ask:
    """Raises: BadAskError where OpenAI answers 400."""
    model, fault = read_model(body.get("model"))
    messages = read_messages(body.get("messages"))
    options = body.get("stream_options") or {}
    tools = read_tools(body.get("tools") or ())
    limit = body.get("max_completion_tokens", body.get("max_tokens"))
    return Ask(
        model=model,
        fault=fault,
        system=system_of(messages),
        turns=turns_of(messages),
        stream=body.get("stream") is True,
        include_usage=bool(options.get("include_usage")),
        max_tokens=read_limit(limit, name="max_completion_tokens"),
        tools=tools,
        tool_choice=read_tool_choice(body.get("tool_choice") or "auto", tools),
        schema=read_schema(body.get("response_format") or {}, messages),
    )


def read_messages(value: Json) -> list[Message]:
    """Raises: BadAskError for what is no list of messages, and for tool calls without results."""
    if not isinstance(value, list) or not value:
        raise refusal("'messages' must be a non-empty array.", param="messages")
    if not all(isinstance(each, dict) and isinstance(each.get("role"), str) for each in value):
        raise refusal("Each message must be an object with a 'role'.", param="messages")
    messages = [_message(each) for each in value]
    check_thread(messages)
    return messages


def _message(row: Mapping[str, Json]) -> Message:
    calls = tuple(str(call.get("id")) for call in row.get("tool_calls") or ())
    answers = str(row.get("tool_call_id")) if row["role"] == "tool" else None
    return Message(row["role"], read_text(row.get("content")), calls, answers)


def system_of(messages: Sequence[Message]) -> str:
    """The text that stands above the conversation."""
    return "\n".join(message.text for message in messages if message.role in _SYSTEM_ROLES)


def turns_of(messages: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    """The conversation as pairs of role and text."""
    turns = (message for message in messages if message.role not in _SYSTEM_ROLES)
    return tuple((message.role, message.text) for message in turns)


def read_tools(rows: Json) -> tuple[Tool, ...]:
    """Raises: BadAskError for a function without a name, and for a strict one with an open schema."""
    functions = [row.get("function") or {} for row in rows]
    if not all(function.get("name") for function in functions):
        raise refusal("Each tool must have a function with a name.", param="tools")
    return tuple(_tool(function) for function in functions)


def _tool(function: Mapping[str, Json]) -> Tool:
    schema = function.get("parameters") or {"type": "object"}
    if function.get("strict") is True:
        check_schema(schema, param="tools", all_required=True)
    return Tool(function["name"], function.get("description") or "", schema)


def read_tool_choice(choice: Json, tools: Sequence[Tool]) -> str:
    """Raises: BadAskError for a choice that is neither a word of the wire nor one of `tools`."""
    name = str(choice["function"]["name"]) if isinstance(choice, dict) else str(choice)
    known = {tool.name for tool in tools} if isinstance(choice, dict) else _PLAIN_CHOICES
    if name not in known:
        raise refusal(f"tool_choice '{name}' is not known.", param="tool_choice")
    return name


def read_schema(
    wanted: Mapping[str, Json], messages: Sequence[Message]
) -> Mapping[str, Json] | None:
    """The schema of the wanted answer, empty for any object, None for text. Raises: BadAskError."""
    match wanted.get("type"):
        case "json_schema":
            described = wanted.get("json_schema") or {}
            schema: Mapping[str, Json] = described.get("schema") or {}
            if described.get("strict") is True:
                check_schema(schema, param="response_format", all_required=True)
            return schema
        case "json_object":
            check_says_json(messages)
            return {}
        case _:
            return None
