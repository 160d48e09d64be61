"""One conversation with one server: the same for every wire, which only says how to ask and how to read a frame.

Called by the wires. Every exception of an SDK, or of what lies below it, leaves here as a ModelError.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from prompts.llm import classify
from prompts.llm.catalogue import Endpoint
from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.providers import events
from prompts.llm.providers.clients import Clients
from prompts.llm.providers.events import Event
from prompts.llm.providers.fragments import Fragments
from prompts.llm.types import Chunk, Request, Tool

CONNECT_SECONDS = 3.0
BODY_BYTES_MAX = 64 * 1024
SILENCE = Chunk()

Shape = TypeVar("Shape")
Client = TypeVar("Client")


class Response(Protocol):
    """What is used of the responses of httpx and httpx2 alike."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    def iter_bytes(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Answer:
    """What a wire has read of an answer so far.

    `finish` is the vendor's word for why it ended, empty until then; `over` says that nothing of use follows.
    """

    finish: str = ""
    over: bool = False
    calls: Fragments = field(default_factory=Fragments)
    usage: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for a connection, and for each piece of the answer."""

    connect: float
    read: float


Take = Callable[[Event, Answer], Chunk]


@dataclass(frozen=True, slots=True)
class Wire(Generic[Client]):
    """What one vendor's wire does its own way.

    `post` sends a request and returns once the headers of the response are there; `take` reads a frame.
    """

    clients: Clients[Client]
    post: Callable[[Client, Endpoint, Request, Patience], Response]
    take: Take


def converse(
    wire: Wire[Client], endpoint: Endpoint, request: Request, *, timeout_seconds: float | None
) -> Generator[Chunk, None, None]:
    """The chunks of the endpoint's answer, the last with its end. Raises only ModelError.

    `timeout_seconds` stands in for the endpoint's own. Closing the generator closes the connection.
    """
    try:
        patience = patience_of(endpoint, timeout_seconds)
        client = wire.clients.of(endpoint)  # kept here: were it dropped, it would close under us
        response = wire.post(client, endpoint, request, patience)
        try:
            check_event_stream(response)
            yield from chunks(response.iter_bytes(), wire.take, tools=request.tools)
        finally:
            response.close()
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - SDKs let through whatever happens below them
        # Not `from error`: its text may hold a request or a key.
        raise classify.converted(error, now=datetime.now(UTC)) from None


def patience_of(endpoint: Endpoint, timeout_seconds: float | None) -> Patience:
    """Raises TIMEOUT when there is no time left."""
    read = endpoint.timeout_seconds if timeout_seconds is None else timeout_seconds
    if read <= 0:
        raise ModelError(ErrorClass.TIMEOUT, "no time left")
    return Patience(connect=min(CONNECT_SECONDS, read), read=read)


def chunks(
    blocks: Iterator[bytes], take: Take, *, tools: tuple[Tool, ...] = ()
) -> Generator[Chunk, None, None]:
    """The chunks in a body of server-sent events. Raises ModelError unless the answer is whole."""
    answer = Answer()
    for event in events.read(patient(blocks, answer)):
        yield take(without_nul(event), answer) if event.data else SILENCE
        if answer.over:
            break
    classify.check_end(answer.finish)
    calls = answer.calls.whole([tool.name for tool in tools])
    yield Chunk(finish="tool_calls" if calls else "stop", tools=calls)
    with suppress(Exception):
        next(blocks, None)  # a body read to its end leaves its connection for the next call


def patient(blocks: Iterator[bytes], answer: Answer) -> Iterator[bytes]:
    """The blocks; a connection that breaks after the finish reason has taken nothing away.

    Not `yield from`: that would close `blocks` together with this generator, and the connection with them.
    """
    try:
        for block in blocks:  # noqa: UP028
            yield block
    except Exception:
        if not answer.finish:
            raise


def check_event_stream(response: Response) -> None:
    """Raises ModelError unless the body is a stream of events: there are servers that send errors under 200."""
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        return
    body = b""
    for block in response.iter_bytes():
        body += block
        if len(body) > BODY_BYTES_MAX:
            break
    if classify.is_error(body):
        raise classify.declared(body, status=200)
    raise ModelError(ErrorClass.BAD_OUTPUT, "not an event stream")


def parsed(shape: TypeAdapter[Shape], event: Event) -> Shape:
    """The event's data as `shape`. Raises BAD_OUTPUT when it has another, and what an error event declares."""
    if event.name == b"error":
        raise declared(event)
    try:
        return shape.validate_json(event.data)
    except ValidationError:
        raise ModelError(ErrorClass.BAD_OUTPUT, "malformed frame") from None


def declared(event: Event) -> ModelError:
    """The error that an event declares."""
    return classify.declared(event.data, status=event.status or 200)


def without_nul(event: Event) -> Event:
    """The event without NUL characters, which no row can hold."""
    if b"\\u0000" not in event.data:
        return event
    try:
        return event._replace(data=to_json(stripped(from_json(event.data))))
    except ValueError:
        return event  # malformed, and read as that


def stripped(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "")
        case list():
            return [stripped(each) for each in value]
        case dict():
            return {stripped(key): stripped(each) for key, each in value.items()}
        case _:
            return value
