"""What all wires read alike in a request: its JSON body, a model's name with a fault, texts, threads with tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.fakes.provider_faults import split_model
from tests.fakes.provider_types import Ask, BadAskError, Fault, FaultKind, Json, Problem

MAX_BODY_BYTES = 10 * 1024 * 1024
_MAX_SCHEMA_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Message:
    """One turn as any wire tells it. `calls` are the ids of its tool calls; `answers` the id that a result is for."""

    role: str
    text: str
    calls: tuple[str, ...] = ()
    answers: str | None = None


def refusal(
    message: str, *, param: str | None = None, kind: FaultKind = FaultKind.BAD_REQUEST
) -> BadAskError:
    """The error to raise for a request that the vendor would not take."""
    return BadAskError(Problem(kind, message=message, param=param))


def check_bearer(headers: Mapping[bytes, bytes]) -> None:
    """Raises: BadAskError unless the request carries a key of the kind that OpenAI and DashScope read."""
    if not has_bearer(headers):
        raise refusal("No API key was provided.", kind=FaultKind.UNAUTHORIZED)


def has_bearer(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request names any key at all; the stand-in knows no keys, so all are good."""
    return bool(headers.get(b"authorization", b"").removeprefix(b"Bearer").strip())


def read_body(raw: bytes, build: Callable[[Mapping[str, Json]], Ask]) -> Ask:
    """What `build` makes of the JSON object in `raw`. Raises: BadAskError for a bad body or a wrong type in it."""
    if len(raw) > MAX_BODY_BYTES:
        raise BadAskError(Problem(FaultKind.TOO_LARGE))
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise refusal("The body of the request is not JSON.") from error
    if not isinstance(body, dict):
        raise refusal("The body of the request must be a JSON object.")
    try:
        return build(body)
    except (AttributeError, KeyError, TypeError) as error:
        raise refusal("A field of the request has the wrong type.") from error


def read_model(value: Json) -> tuple[str, Fault]:
    """A model's plain name and the fault in its suffix. Raises: BadAskError."""
    if not isinstance(value, str) or not value:
        raise refusal("you must provide a model parameter", param="model")
    try:
        return split_model(value)
    except ValueError as error:
        raise refusal(str(error), param="model") from error


def read_limit(value: Json, *, name: str, least: int = 1) -> int | None:
    """How many tokens the answer may have; None when the request does not say. Raises: BadAskError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise refusal(f"{name} must be a whole number of at least {least}.", param=name)
    return value


def read_text(content: Json) -> str:
    """The text of a message, whether it comes as one string or in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def check_thread(messages: Sequence[Message]) -> None:
    """Raises: BadAskError unless each tool call is answered right after it, and each result answers a call."""
    waiting: set[str] = set()
    for message in messages:
        if message.answers is not None:
            if message.answers not in waiting:
                raise refusal("A tool result answers no tool call before it.", param="messages")
            waiting.discard(message.answers)
            continue
        if waiting:
            break
        waiting = set(message.calls)
    if waiting:
        ids = ", ".join(sorted(waiting))
        raise refusal(f"Tool calls without a result right after them: {ids}.", param="messages")


def check_says_json(messages: Sequence[Message]) -> None:
    """Raises: BadAskError unless some message says "json"; vendors ask for it where any object is wanted."""
    if not any("json" in message.text.lower() for message in messages):
        raise refusal(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )


def check_schema(
    schema: Json, *, param: str, all_required: bool, unsupported: frozenset[str] = frozenset()
) -> None:
    """Raises: BadAskError for a schema that cannot be guaranteed: open objects, optional fields, unknown limits."""
    for part in _parts(schema, 0):
        if part.get("type") == "object" or "properties" in part:
            if part.get("additionalProperties") is not False:
                raise refusal("'additionalProperties' must be false for every object.", param=param)
            missing = set(part.get("properties", {})) - set(part.get("required", ()))
            if all_required and missing:
                raise refusal(f"'required' must name every property: {min(missing)}.", param=param)
        if refused := unsupported & set(part):
            raise refusal(f"'{min(refused)}' is not supported in a schema.", param=param)


def _parts(schema: Json, depth: int) -> Iterator[Mapping[str, Json]]:
    if not isinstance(schema, dict) or depth > _MAX_SCHEMA_DEPTH:
        return
    yield schema
    named = [part for key in ("properties", "$defs") for part in schema.get(key, {}).values()]
    listed = [part for key in ("anyOf", "oneOf", "allOf") for part in schema.get(key, ())]
    for part in (*named, *listed, schema.get("items")):
        yield from _parts(part, depth + 1)
