"""One try at one endpoint, with its clock and its deadline. Called by the gateway only."""

import time
from contextlib import closing
from dataclasses import replace

from prompts.llm import providers
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.router import estimate_tokens
from prompts.llm.types import Call, Line, Reply, Request, Sink, ToolCall, Usage


class Attempt:
    """One try at one endpoint, with its clock."""

    def __init__(self, endpoint: Endpoint, request: Request, sink: Sink, *, number: int) -> None:
        self.endpoint = endpoint
        self.request = request
        self.sink = sink
        self.number = number
        self.text = ""
        self.tools: tuple[ToolCall, ...] = ()
        self.usage: Usage | None = None
        self.wait_ms = 0.0
        self.started = time.perf_counter()
        self.first_token_ms: float | None = None

    def run(self, *, seconds: float) -> Reply:
        """The whole answer, within `seconds` and the endpoint's own deadline. Raises ModelError."""
        deadline = self.endpoint.deadline_seconds
        if self.endpoint.provider != SOP.provider:
            deadline = min(deadline, seconds)
        patience = min(self.endpoint.timeout_seconds, deadline)
        chunks = providers.stream(self.endpoint, self.request, timeout_seconds=patience)
        with closing(chunks):
            for chunk in chunks:
                self.take(chunk.text, chunk.tools, chunk.usage)
                if self.elapsed_ms() > deadline * 1000:
                    raise ModelError(ErrorClass.TIMEOUT, "deadline")
        if not self.text.strip() and not self.tools:
            raise ModelError(ErrorClass.BAD_OUTPUT, "empty answer")
        return Reply(text=self.text, endpoint=self.endpoint.name, tools=self.tools)

    def take(self, piece: str, tools: tuple[ToolCall, ...], usage: Usage | None) -> None:
        self.usage = usage or self.usage
        self.tools = tools or self.tools
        if (piece or tools) and self.first_token_ms is None:
            self.first_token_ms = self.elapsed_ms()
        if piece:
            self.text += piece
            self.sink.write(piece)

    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self.started) * 1000

    def counted(self) -> Usage:
        """The tokens as the vendor counted them; an estimate where it did not come to that."""
        usage = self.usage
        if usage is not None and not usage.estimated:
            return usage
        if self.first_token_ms is None:
            return usage or Usage(estimated=True)  # nobody bills a request that was refused
        written = estimate_tokens(replace(self.request, lines=(Line("assistant", self.text),)))
        if usage is None:
            usage = Usage(input_tokens=estimate_tokens(self.request), estimated=True)
        return replace(usage, output_tokens=max(written, usage.output_tokens))

    def call(self, *, error_class: str = "") -> Call:
        return Call(
            endpoint=self.endpoint.name,
            model=self.endpoint.model,
            attempt=self.number,
            total_ms=round(self.elapsed_ms(), 1),
            first_token_ms=self.first_token_ms and round(self.first_token_ms, 1),
            error_class=error_class,
            usage=self.counted(),
            wait_ms=round(self.wait_ms, 1),
            purpose=self.request.purpose,
        )
