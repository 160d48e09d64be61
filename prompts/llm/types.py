"""What goes to a model and what comes back. Values only."""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a chat request."""

    role: Role
    text: str


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
    """A rendered question. `fallback` is said where no model is asked and no document fits."""

    purpose: str
    lines: tuple[Line, ...]
    documents: tuple[Document, ...]
    fallback: str
    max_output_tokens: int = 512
    # A pseudonym of the customer, for the vendor's abuse control and our back-off log lines.
    user: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the vendor counted them, or as we estimated when it did not say."""

    input_tokens: int = 0
    output_tokens: int = 0
    raw: dict[str, Any] = field(default_factory=dict)
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a stream. The last one carries `finish`; any may carry `usage`."""

    text: str = ""
    finish: str = ""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at one endpoint, for the ledger. Times in milliseconds."""

    endpoint: str
    model: str
    attempt: int
    total_ms: float
    first_token_ms: float | None = None
    error_class: str = ""
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, and who gave it."""

    text: str
    endpoint: str


class Sink(Protocol):
    """Where a streamed answer is shown. Either method may raise to abandon the stream."""

    def write(self, piece: str) -> None:
        """Shows the next piece."""

    def restart(self) -> None:
        """Withdraws everything shown: another endpoint starts over."""
