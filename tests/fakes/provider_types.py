"""The words that the parts of the provider fake share: what was asked, what is answered, what goes wrong.

Plain values only. A wire module turns a request into an `Ask` and an `Answer` into bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Protocol

MODELS = ("fake-light", "fake-standard", "fake-strong")  # what is listed; any name is served

Json = Any  # a decoded JSON value whose shape the sender decides


class FaultKind(StrEnum):
    """Everything that can be made to go wrong; the value is the word in a scenario or a model suffix."""

    NONE = "none"
    RATE_LIMIT = "429"
    RATE_LIMIT_SECONDS = "429-s"
    RATE_LIMIT_MILLISECONDS = "429-ms"
    RATE_LIMIT_DATE = "429-date"
    THROTTLING = "throttling"
    INSUFFICIENT_QUOTA = "insufficient_quota"
    BAD_REQUEST = "400"
    CONTEXT_OVERFLOW = "400-context"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    UNKNOWN_MODEL = "404"
    REQUEST_TIMEOUT = "408"
    TOO_LARGE = "413"
    SERVER_ERROR = "500"
    BAD_GATEWAY_HTML = "502-html"
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"
    OVERLOADED = "529"
    ERROR_WITH_200 = "200-with-error-json"
    WRONG_CONTENT_TYPE = "wrong-content-type"
    HANG_BEFORE_HEADERS = "hang-before-headers"
    HANG_MID_STREAM = "hang-mid-stream"
    CUT = "cut"
    RST = "rst"
    CLEAN_EOF = "clean-eof"
    MALFORMED_FRAME = "malformed-frame"
    MISSING_EVENT_LINE = "missing-event-line"
    ERROR_FRAME = "error-frame"
    EMPTY_ANSWER = "empty-answer"
    INVALID_JSON_CONTENT = "invalid-json-content"
    SCHEMA_VIOLATION = "schema-violation"
    DUPLICATE_TOOL_FRAGMENTS = "duplicate-tool-fragments"
    OUT_OF_ORDER_TOOL_FRAGMENTS = "out-of-order-tool-fragments"
    UNKNOWN_TOOL = "unknown-tool"
    BAD_TOOL_ARGUMENTS = "bad-tool-arguments"
    LENGTH = "length"
    CONTENT_FILTER = "content-filter"
    REFUSAL = "refusal"
    MISSING_USAGE = "missing-usage"
    USAGE_ON_FINISH_CHUNK = "usage-on-finish-chunk"
    SLOW_DRIP = "slow-drip"
    PII_ECHO = "pii-echo"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong with one request, with its measures (None: the kind's own default)."""

    kind: FaultKind = FaultKind.NONE
    after_tokens: int | None = None
    delay_ms: float | None = None
    retry_after_ms: float | None = None


NO_FAULT = Fault()


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the caller offers; `schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Json]


class QuestionKind(StrEnum):
    """How a question of a decision may be answered."""

    PREDICATE = "predicate"
    CHOICE = "choice"
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to decide. `options` are (value, description): what may be chosen, or levels from low to high."""

    name: str | None
    kind: QuestionKind
    instructions: str
    options: tuple[tuple[str | bool, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """A request in words that every wire shares.

    `tool_choice` is "none", "auto", "required" or the name of one of `tools`. `schema` is the schema of the
    wanted JSON answer, an empty mapping for "any object", None for plain text. With `cumulative` each frame of a
    stream repeats all that the frames before it said. With `questions` a decision is wanted and no text.
    """

    model: str
    system: str
    turns: tuple[tuple[str, str], ...]
    stream: bool
    include_usage: bool
    max_tokens: int | None
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    schema: Mapping[str, Json] | None = None
    cumulative: bool = False
    questions: tuple[Question, ...] = ()
    fault: Fault = NO_FAULT

    @property
    def question(self) -> str:
        """The last thing the customer said; empty when nobody said anything."""
        return next((text for role, text in reversed(self.turns) if role == "user"), "")

    @property
    def tool_result(self) -> str | None:
        """The result of a tool when that is what the model has to continue from."""
        return self.turns[-1][1] if self.turns and self.turns[-1][0] == "tool" else None


class Finish(StrEnum):
    """Why an answer ends."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says: `pieces` of text, or of a tool's arguments when `tool` names one.

    Of a decision `odds` holds one row for each question: of yes alone for a predicate, else of every option.
    """

    pieces: tuple[str, ...]
    finish: Finish = Finish.STOP
    tool: str | None = None
    refusal: bool = False
    odds: tuple[tuple[float, ...], ...] = ()


class UsagePlace(Enum):
    """Where the token counts of a stream are sent."""

    USUAL = "usual"
    FINISH_CHUNK = "finish"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a wire needs beside ask and answer: identity and the counting of tokens.

    `serial` becomes the id of the answer once a wire has put its own prefix before it.
    """

    serial: str
    request_id: str
    created_seconds: int
    prompt_tokens: int
    usage: UsagePlace = UsagePlace.USUAL


@dataclass(frozen=True, slots=True)
class Frames:
    """A streamed answer: `head` before the first token, one `content` frame per token, `tail` with the marker."""

    head: bytes
    content: tuple[bytes, ...]
    tail: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP reply that is not a model's answer."""

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request gets an error; `message` and `param` where the vendor says more than the kind alone tells."""

    kind: FaultKind
    model: str = ""
    message: str | None = None
    param: str | None = None


class BadAskError(Exception):
    """The request cannot be answered; the wire it came in on turns `problem` into its own reply."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


class ProviderWire(Protocol):
    """What a vendor's wire format has to offer.

    `provider` is whose wire it is, by which rules choose and the log tells; `request_id_header` where the vendor
    sends its id; `inspects` is true of a vendor that stops unwanted content with an error instead of an ending.
    """

    provider: str
    request_id_header: bytes
    inspects: bool

    def parse(self, raw: bytes, *, headers: Mapping[bytes, bytes]) -> Ask:
        """Raises: BadAskError when the vendor would refuse the request."""
        ...

    def frames(self, ask: Ask, answer: Answer, delivery: Delivery) -> Frames: ...

    def whole(self, ask: Ask, answer: Answer, delivery: Delivery) -> bytes: ...

    def error(self, problem: Problem, *, request_id: str) -> Reply: ...

    def error_frame(self, kind: FaultKind, *, after: int, request_id: str) -> bytes:
        """The frame that ends a stream with an error once `after` tokens are sent."""
        ...

    def malformed_frame(self) -> bytes: ...
