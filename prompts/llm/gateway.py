"""Asks the endpoints of a plan in order until one gives a whole answer. Called by prompts.completion only.

What follows a failure is read from errors.ACTIONS: another try at the same endpoint, the next one, a larger window,
or the shop's own words.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import structlog
from pydantic import BaseModel, ValidationError
from tenacity import RetryCallState, Retrying, wait_random_exponential

from prompts.llm import providers
from prompts.llm.attempt import Attempt
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.errors import AllFailed, ErrorClass, ModelError, Next
from prompts.llm.router import estimate_tokens
from prompts.llm.types import Call, Line, Reply, Request, Sink

log = structlog.get_logger(__name__)

# What the ledger calls an attempt whose reader left.
ABANDONED = "abandoned"
PLAN_SECONDS = 60.0
RETRIES_MOST = 2
# Full jitter: a random time up to BACKOFF_SECONDS x 2^n. Whoever asks us to wait longer than the most is not waited for.
BACKOFF_SECONDS, BACKOFF_MOST_SECONDS = 0.5, 8.0
BACKOFF = wait_random_exponential(multiplier=BACKOFF_SECONDS, max=BACKOFF_MOST_SECONDS)
REPAIR = (
    "The answer above is not valid JSON for the wanted schema ({problem}). "
    "Answer again with the corrected JSON object and nothing else."
)

Shape = TypeVar("Shape", bound=BaseModel)


class Health(Protocol):
    """What all processes know of the endpoints' health and of the tokens left."""

    def refusal(self, endpoint: Endpoint, *, tokens: int) -> str:
        """Why the endpoint must not be asked now, as "breaker"; empty when it may, `tokens` being reserved."""

    def is_healthy(self, endpoint: Endpoint) -> bool: ...

    def report(
        self, endpoint: Endpoint, error: ModelError | None, *, reserved: int, used: int
    ) -> None:
        """Counts an attempt that succeeded or failed, and settles its tokens."""


@dataclass(frozen=True, slots=True)
class Parsed(Generic[Shape]):
    """A JSON answer as a checked value, and who gave it."""

    value: Shape
    endpoint: str


def stream(
    plan: tuple[Endpoint, ...],
    request: Request,
    sink: Sink,
    *,
    health: Health,
    trace_id: str,
    calls: list[Call],
    seconds: float = PLAN_SECONDS,
    retries: int = RETRIES_MOST,
) -> Reply:
    """Streams the first whole answer of the plan into `sink`; every attempt is added to `calls`.

    No further model is asked once `seconds` have passed. An endpoint that fails after it showed something is
    withdrawn by `sink.restart()`, so a half answer is never kept as a whole one. `retries` bounds the further tries
    at an endpoint, whatever its errors allow.
    Raises AllFailed when no endpoint is left, and whatever the sink raises.
    """
    run = Run(
        plan,
        request,
        sink,
        health=health,
        trace_id=trace_id,
        calls=calls,
        seconds=seconds,
        retries=retries,
    )
    for endpoint in run.endpoints():
        try:
            return run.ask(endpoint)
        except ModelError as error:
            run.give_up(endpoint, error)
    raise run.all_failed()


def ask(
    plan: tuple[Endpoint, ...],
    request: Request,
    shape: type[Shape],
    *,
    health: Health,
    trace_id: str,
    calls: list[Call],
    seconds: float = PLAN_SECONDS,
    repairs: int = 1,
    retries: int = RETRIES_MOST,
) -> "Parsed[Shape]":
    """The first answer of the plan that is JSON of `shape`; one that is not may be repaired once by its endpoint.

    `retries` bounds the further tries at an endpoint, whatever its errors allow.
    Raises AllFailed when no model is left; SOPs have no say here.
    """
    models = tuple(endpoint for endpoint in plan if endpoint.provider != SOP.provider)
    run = Run(
        models,
        request,
        Unseen(),
        health=health,
        trace_id=trace_id,
        calls=calls,
        seconds=seconds,
        retries=retries,
    )
    for endpoint in run.endpoints():
        try:
            return Parsed(ask_one(run, endpoint, shape, repairs=repairs), endpoint.name)
        except ModelError as error:
            run.give_up(endpoint, error)
    raise run.all_failed()


def ask_one(run: "Run", endpoint: Endpoint, shape: type[Shape], *, repairs: int) -> Shape:
    """The endpoint's answer as `shape`. Raises ModelError, BAD_OUTPUT when its repair is no better."""
    asked = run.request
    try:
        for left in range(repairs, -1, -1):
            reply = run.ask(endpoint)
            try:
                return shape.model_validate_json(reply.text)
            except ValidationError as error:
                run.calls[-1] = replace(run.calls[-1], error_class=ErrorClass.BAD_OUTPUT.value)
                unusable = ModelError(ErrorClass.BAD_OUTPUT, "not the wanted JSON")
                run.health.report(endpoint, unusable, reserved=0, used=0)
                if left:
                    run.request = repaired(asked, reply.text, error)
    finally:
        run.request = asked
    raise ModelError(ErrorClass.BAD_OUTPUT, "not the wanted JSON")


def repaired(request: Request, answer: str, error: ValidationError) -> Request:
    """The request with the unusable answer and what is wrong with it."""
    first = error.errors(include_url=False, include_input=False)[0]
    problem = f"{'.'.join(map(str, first['loc'])) or 'root'}: {first['type']}"
    lines = (Line("assistant", answer), Line("user", REPAIR.format(problem=problem)))
    return replace(request, lines=(*request.lines, *lines))


class Unseen:
    """A sink for answers nobody watches."""

    def write(self, piece: str) -> None: ...

    def restart(self) -> None: ...


class Run:
    """The way of one request through its plan."""

    def __init__(
        self,
        plan: tuple[Endpoint, ...],
        request: Request,
        sink: Sink,
        *,
        health: Health,
        trace_id: str,
        calls: list[Call],
        seconds: float,
        retries: int = RETRIES_MOST,
    ) -> None:
        self.retries = retries
        self.left = list(plan)
        self.request = request
        self.sink = sink
        self.health = health
        self.trace_id = trace_id
        self.calls = calls
        self.until = time.monotonic() + seconds
        self.shown = ""
        self.waited_ms = 0.0

    def endpoints(self) -> Iterator[Endpoint]:
        """The endpoints still to be asked; `give_up` strikes some off."""
        while self.left:
            endpoint = self.left.pop(0)
            if endpoint.provider == SOP.provider or self.seconds_left() > 0:
                yield endpoint  # past the deadline, what answers without a network still does

    def seconds_left(self) -> float:
        return self.until - time.monotonic()

    def ask(self, endpoint: Endpoint) -> Reply:
        """The endpoint's whole answer, after as many tries as its errors allow. Raises ModelError."""
        retrying = Retrying(
            retry=self.may_try_again,
            wait=wait_seconds,
            stop=self.is_too_late,
            before_sleep=self.before_sleep(endpoint),
            reraise=True,
        )
        reply: Reply = retrying(self.attempt, endpoint)
        return reply

    def attempt(self, endpoint: Endpoint) -> Reply:
        """One try, on record whatever becomes of it. Raises ModelError, and whatever the sink raises."""
        tokens = estimate_tokens(self.request) + self.request.max_output_tokens
        if endpoint.provider != SOP.provider and (
            refusal := self.health.refusal(endpoint, tokens=tokens)
        ):
            raise Refused(refusal)
        attempt = Attempt(endpoint, self.request, self.sink, number=len(self.calls) + 1)
        attempt.wait_ms, self.waited_ms = self.waited_ms, 0.0
        try:
            reply = attempt.run(seconds=self.seconds_left())
        except ModelError as error:
            self.note(attempt, error, reserved=tokens)
            raise
        except Exception:
            self.calls.append(attempt.call(error_class=ABANDONED))
            self.settle(attempt, None, reserved=tokens)
            raise
        self.calls.append(attempt.call())
        self.settle(attempt, None, reserved=tokens)
        return reply

    def note(self, attempt: "Attempt", error: ModelError, *, reserved: int) -> None:
        self.shown = attempt.text
        attempt.was_read = error.kind is ErrorClass.TIMEOUT
        self.calls.append(attempt.call(error_class=error.kind.value))
        self.settle(attempt, error, reserved=reserved)
        log_failure(error, self.calls[-1], request=self.request, trace_id=self.trace_id)

    def settle(self, attempt: "Attempt", error: ModelError | None, *, reserved: int) -> None:
        if attempt.endpoint.provider != SOP.provider:
            used = attempt.counted()
            spent = used.input_tokens + used.output_tokens
            self.health.report(attempt.endpoint, error, reserved=reserved, used=spent)

    def may_try_again(self, state: RetryCallState) -> bool:
        """True before the first token, for errors that pass, and where nobody healthy could answer at once."""
        error = state.outcome and state.outcome.exception()
        if not isinstance(error, ModelError) or self.shown:
            return False
        allowed = min(error.action.retries, self.retries)
        return state.attempt_number <= allowed and not self.has_healthy_fallback()

    def has_healthy_fallback(self) -> bool:
        models = (endpoint for endpoint in self.left if endpoint.provider != SOP.provider)
        return any(map(self.health.is_healthy, models))

    def is_too_late(self, state: RetryCallState) -> bool:
        return state.upcoming_sleep > min(BACKOFF_MOST_SECONDS, self.seconds_left())

    def before_sleep(self, endpoint: Endpoint) -> "Sleeping":
        return Sleeping(self, endpoint)

    def give_up(self, endpoint: Endpoint, error: ModelError) -> None:
        """Withdraws what the endpoint showed, and strikes off whom its error rules out as well."""
        if self.shown:
            self.sink.restart()
            self.shown = ""
        if error.action.next is Next.POLICY_TEXT:
            self.left = [other for other in self.left if other.provider == SOP.provider]
        elif error.action.next is Next.LARGER_WINDOW:
            self.left = [other for other in self.left if is_larger(other, endpoint)]

    def all_failed(self) -> AllFailed:
        return AllFailed(", ".join(f"{call.endpoint}: {call.error_class}" for call in self.calls))


class Refused(ModelError):
    """The endpoint was not asked at all: its breaker is open, or its tokens of this minute are spent."""

    def __init__(self, reason: str) -> None:
        super().__init__(ErrorClass.UNAVAILABLE, reason)


class Sleeping:
    """Says so in the log before a back-off, and remembers how long it was."""

    def __init__(self, run: Run, endpoint: Endpoint) -> None:
        self.run, self.endpoint = run, endpoint

    def __call__(self, state: RetryCallState) -> None:
        self.run.waited_ms = state.upcoming_sleep * 1000
        error = state.outcome and state.outcome.exception()
        log.warning(
            "model_call_backoff",
            trace_id=self.run.trace_id,
            user=self.run.request.user,
            endpoint=self.endpoint.name,
            attempt=state.attempt_number,
            error_class=error.kind.value if isinstance(error, ModelError) else "",
            wait_ms=round(self.run.waited_ms),
            retry_after_seconds=getattr(error, "retry_after_seconds", 0.0),
            deadline_left_ms=round(self.run.seconds_left() * 1000),
        )


def wait_seconds(state: RetryCallState) -> float:
    """Full jitter, and never less than the vendor asked for."""
    error = state.outcome and state.outcome.exception()
    asked: float = getattr(error, "retry_after_seconds", 0.0)
    return max(BACKOFF(state), asked)


def is_larger(other: Endpoint, endpoint: Endpoint) -> bool:
    """True when `other` may hold what was too much for `endpoint`."""
    if other.provider == SOP.provider or not (other.context_tokens and endpoint.context_tokens):
        return True
    return other.context_tokens > endpoint.context_tokens


def warm(endpoint: Endpoint) -> None:
    """Loads the SDK behind an endpoint, which takes seconds, before anyone waits for it."""
    providers.warm(endpoint)


def log_failure(error: ModelError, call: Call, *, request: Request, trace_id: str) -> None:
    log.warning(
        "model_call_failed",
        trace_id=trace_id,
        user=request.user,
        endpoint=call.endpoint,
        attempt=call.attempt,
        error_class=call.error_class,
        detail=error.detail,
        total_ms=call.total_ms,
    )
