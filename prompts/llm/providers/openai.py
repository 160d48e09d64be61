"""The OpenAI wire, for OpenAI itself and for every server that speaks it."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from prompts.llm.catalogue import Endpoint
from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.types import Chunk, Request, Usage

if TYPE_CHECKING:
    from openai import OpenAI

CONNECT_SECONDS = 3.0
STATUS_CLASSES = {
    401: ErrorClass.QUOTA_AUTH,
    403: ErrorClass.QUOTA_AUTH,
    408: ErrorClass.TIMEOUT,
    429: ErrorClass.RATE_LIMIT,
    504: ErrorClass.TIMEOUT,
}


class Delta(BaseModel):
    content: str | None = None
    refusal: str | None = None


class Choice(BaseModel):
    delta: Delta | None = None
    finish_reason: str | None = None


class Frame(BaseModel):
    """A server-sent chunk, as far as we read it."""

    choices: list[Choice] | None = None
    usage: Any = None
    error: Any = None


class Counted(BaseModel):
    prompt_tokens: int
    completion_tokens: int


def stream(endpoint: Endpoint, request: Request) -> Generator[Chunk, None, None]:
    """The chunks of a streamed chat completion. Raises ModelError.

    Lines are read raw and parsed here: the SDK's own models cost 150 µs a chunk, this 30.
    """
    try:
        chat = client(endpoint).chat.completions.with_streaming_response
        # The SDK looks at every message it is handed, at 2 ms a call; what is in extra_body goes out as it is.
        whole = body(endpoint, request)
        with chat.create(
            model=endpoint.model, messages=[], stream=True, extra_body=whole
        ) as response:
            check_content_type(response.headers.get("content-type", ""))
            yield from chunks(response.iter_lines())
    except ModelError:
        raise
    except Exception as error:  # the SDK leaks raw transport errors in mid-stream
        raise converted(error) from error


def body(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """The request as the endpoint's server takes it."""
    takes = {"usage": True, **endpoint.capabilities}
    limit = "max_tokens" if takes.get("max_tokens") else "max_completion_tokens"
    fields: dict[str, Any] = {
        "model": endpoint.model,
        "messages": [{"role": line.role, "content": line.text} for line in request.lines],
        "stream": True,
        limit: min(request.max_output_tokens, endpoint.max_output_tokens),
    }
    if takes["usage"]:
        fields["stream_options"] = {"include_usage": True}
    if takes.get("safety_identifier") and request.user:
        fields["safety_identifier"] = request.user
    return fields


def chunks(lines: Iterator[str]) -> Generator[Chunk, None, None]:
    """The chunks of server-sent events. A stream without its terminal marker raises BAD_OUTPUT."""
    finished = False
    for line in lines:
        if not line.startswith("data:"):
            if line:  # a keep-alive says nothing, but lets the caller look at its clock
                yield Chunk()
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            break
        chunk = as_chunk(data)
        finished = finished or bool(chunk.finish)
        yield chunk
    if not finished:
        raise ModelError(ErrorClass.BAD_OUTPUT, "stream ended without a finish reason")


def as_chunk(data: str) -> Chunk:
    """The chunk in a frame. Raises ModelError for an error frame, a refusal, and what has another shape."""
    try:
        frame = Frame.model_validate_json(data)
    except ValidationError:
        raise ModelError(ErrorClass.BAD_OUTPUT, "malformed frame") from None
    if frame.error is not None:
        raise ModelError(in_stream_class(frame.error), "error frame")
    choice = frame.choices[0] if frame.choices else Choice()
    delta = choice.delta or Delta()
    finish = choice.finish_reason or ""
    if delta.refusal or finish == "content_filter":
        raise ModelError(ErrorClass.CONTENT, "refused")
    if finish == "length":
        raise ModelError(ErrorClass.BAD_OUTPUT, "cut at the token limit")
    text = (delta.content or "").replace("\0", "")  # no row can hold a NUL
    return Chunk(text=text, finish=finish, usage=usage_of(frame.usage))


def usage_of(fields: Any) -> Usage | None:
    """The tokens a frame counts; None where there is no count we can read."""
    try:
        counted = Counted.model_validate(fields)
    except ValidationError:
        return None
    return Usage(counted.prompt_tokens, counted.completion_tokens, raw=fields)


def check_content_type(value: str) -> None:
    """Raises BAD_OUTPUT unless the body is an event stream: some servers answer 200 with an error page."""
    if not value.startswith("text/event-stream"):
        raise ModelError(ErrorClass.BAD_OUTPUT, "not an event stream")


def in_stream_class(error: Any) -> ErrorClass:
    words = json.dumps(error).lower()
    if "insufficient_quota" in words:
        return ErrorClass.QUOTA_AUTH
    return ErrorClass.RATE_LIMIT if "rate_limit" in words else ErrorClass.UNAVAILABLE


def converted(error: Exception) -> ModelError:
    """The vendor's exception as ours."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return ModelError(
            status_class(status, code=getattr(error, "code", None)),
            f"status {status}",
            retry_after_seconds=retry_after_seconds(error),
        )
    if "Timeout" in type(error).__name__:
        return ModelError(ErrorClass.TIMEOUT, type(error).__name__)
    return ModelError(ErrorClass.UNAVAILABLE, type(error).__name__)


def status_class(status: int, *, code: str | None) -> ErrorClass:
    if code == "insufficient_quota":
        return ErrorClass.QUOTA_AUTH
    if status in STATUS_CLASSES:
        return STATUS_CLASSES[status]
    return ErrorClass.UNAVAILABLE if status >= 500 else ErrorClass.BAD_REQUEST


def retry_after_seconds(error: Exception) -> float:
    """What the vendor asks us to wait: milliseconds, seconds or a date; 0 where it says nothing."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            return max(0.0, float(headers[name]) / unit)
        except (KeyError, ValueError):
            continue
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def client(endpoint: Endpoint) -> OpenAI:
    """The process's client for the endpoint's server; building one costs 20 ms."""
    return client_for(endpoint.base_url, endpoint.api_key, endpoint.timeout_seconds)


@lru_cache(maxsize=64)
def client_for(base_url: str, api_key: str, timeout_seconds: float) -> OpenAI:
    # Inline: the import costs 2 s and 60 MB, which only a process that calls this wire should pay.
    import openai

    return openai.OpenAI(
        api_key=api_key,
        base_url=base_url or None,
        timeout=openai.Timeout(timeout_seconds, connect=CONNECT_SECONDS),
        max_retries=0,
    )
