"""What goes to a model and what comes back. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model wants called; `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a chat request.

    An assistant's line may carry the `tools` it called; a tool's line is the result of call `call_id`.
    """

    role: Role
    text: str
    tools: tuple[ToolCall, ...] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool offered to the model; `schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JsonShape:
    """The JSON answer that is wanted: a name for the vendor and its JSON Schema."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of knowledge that may answer the question; `confident` when it squarely does."""

    id: str
    title: str
    answer: str
    score: float
    confident: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A rendered question. `fallback` is said where no model is asked, and nothing was found and no document fits."""

    purpose: str
    lines: tuple[Line, ...]
    documents: tuple[Document, ...] = ()
    fallback: str = ""
    # What tools found or did, in the shop's words.
    findings: str = ""
    max_output_tokens: int = 512
    # A pseudonym of the customer, for the vendor's abuse control and our back-off log lines.
    user: str = ""
    tools: tuple[Tool, ...] = ()
    # "auto", "none", "required", or the name of one of `tools`.
    tool_choice: str = "auto"
    json: JsonShape | None = None
    # 0 to 2; None leaves it to the vendor. Sent only where the endpoint takes sampling parameters.
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the vendor counted them, or as we estimated when it did not say.

    `input_tokens` is everything read, with the parts that came from or went to the vendor's cache
    (`cached_tokens`, `cache_write_tokens`); `output_tokens` everything written, reasoning included.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    raw: dict[str, Any] = field(default_factory=dict)
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a stream. The last one carries `finish` and the whole `tools`; any may carry `usage`."""

    text: str = ""
    finish: str = ""
    usage: Usage | None = None
    tools: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at one endpoint, for the ledger. Times in milliseconds.

    `wait_ms` is what was slept before it.
    """

    endpoint: str
    model: str
    attempt: int
    total_ms: float
    first_token_ms: float | None = None
    error_class: str = ""
    usage: Usage = Usage()
    wait_ms: float = 0.0
    purpose: str = "answer"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, and who gave it."""

    text: str
    endpoint: str
    tools: tuple[ToolCall, ...] = ()


class Sink(Protocol):
    """Where a streamed answer is shown. Either method may raise to abandon the stream."""

    def write(self, piece: str) -> None:
        """Shows the next piece."""

    def restart(self) -> None:
        """Withdraws everything shown: another endpoint starts over."""
