"""Asks the endpoints of a plan in order until one gives a whole answer. Called by prompts.completion only."""

import time
from contextlib import closing

import structlog

from prompts.llm import providers
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.errors import AllFailed, ErrorClass, ModelError
from prompts.llm.types import Call, Reply, Request, Sink, Usage

log = structlog.get_logger(__name__)

# What the ledger calls an attempt whose reader left.
ABANDONED = "abandoned"
PLAN_SECONDS = 60.0


def stream(
    plan: tuple[Endpoint, ...],
    request: Request,
    sink: Sink,
    *,
    trace_id: str,
    calls: list[Call],
    seconds: float = PLAN_SECONDS,
) -> Reply:
    """Streams the first whole answer of the plan into `sink`; every attempt is added to `calls`.

    No further model is asked once `seconds` have passed.

    An endpoint that fails after it showed something is withdrawn by `sink.restart()`, so a half answer is
    never kept as a whole one. Raises AllFailed when no endpoint is left, and whatever the sink raises.
    """
    until = time.monotonic() + seconds
    for endpoint in plan:
        if endpoint.provider != SOP.provider and time.monotonic() > until:
            continue  # what answers without a network still does
        attempt = Attempt(endpoint, request, sink, number=len(calls) + 1)
        try:
            text = attempt.run()
        except ModelError as error:
            calls.append(attempt.call(error_class=error.kind.value))
            log_failure(error, calls[-1], request=request, trace_id=trace_id)
            if attempt.text:
                sink.restart()
        except Exception:
            calls.append(attempt.call(error_class=ABANDONED))
            raise
        else:
            calls.append(attempt.call())
            return Reply(text=text, endpoint=endpoint.name)
    raise AllFailed(", ".join(f"{call.endpoint}: {call.error_class}" for call in calls))


def warm(endpoint: Endpoint) -> None:
    """Loads the SDK behind an endpoint, which takes seconds, before anyone waits for it."""
    providers.warm(endpoint)


class Attempt:
    """One try at one endpoint, with its clock."""

    def __init__(self, endpoint: Endpoint, request: Request, sink: Sink, *, number: int) -> None:
        self.endpoint = endpoint
        self.request = request
        self.sink = sink
        self.number = number
        self.text = ""
        self.usage: Usage | None = None
        self.started = time.perf_counter()
        self.first_token_ms: float | None = None

    def run(self) -> str:
        """The whole text. Raises ModelError."""
        with closing(providers.stream(self.endpoint, self.request)) as chunks:
            for chunk in chunks:
                self.usage = chunk.usage or self.usage
                if chunk.text:
                    self.show(chunk.text)
                if self.elapsed_ms() > self.endpoint.deadline_seconds * 1000:
                    raise ModelError(ErrorClass.TIMEOUT, "deadline")
        if not self.text.strip():
            raise ModelError(ErrorClass.BAD_OUTPUT, "empty answer")
        return self.text

    def show(self, piece: str) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = self.elapsed_ms()
        self.text += piece
        self.sink.write(piece)

    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self.started) * 1000

    def call(self, *, error_class: str = "") -> Call:
        return Call(
            endpoint=self.endpoint.name,
            model=self.endpoint.model,
            attempt=self.number,
            total_ms=round(self.elapsed_ms(), 1),
            first_token_ms=self.first_token_ms and round(self.first_token_ms, 1),
            error_class=error_class,
            usage=self.usage or Usage(output_tokens=len(self.text), estimated=True),
        )


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
