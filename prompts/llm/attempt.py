"""One try at one endpoint, with its clock and its deadline. Called by the gateway only."""

import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace

from prompts.llm import providers
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.router import estimate_tokens
from prompts.llm.types import Call, Chunk, Line, Reply, Request, Sink, ToolCall, Usage


class Drains:
    """Ends streams. A whole one is read to its very end aside, so that its connection serves again.

    A server that says "done" and goes on holding the line must not hold up the answer; when too many do so, their
    connections are given up.
    """

    def __init__(self, most: int) -> None:
        self.free = threading.BoundedSemaphore(most)
        self.pool = ThreadPoolExecutor(max_workers=most, thread_name_prefix="drain")

    def end(self, chunks: Generator[Chunk, None, None], *, is_whole: bool) -> None:
        if is_whole and self.free.acquire(blocking=False):
            self.pool.submit(self.drain, chunks)
        else:
            chunks.close()

    def drain(self, chunks: Generator[Chunk, None, None]) -> None:
        try:
            with closing(chunks), suppress(ModelError):
                for _ in chunks:
                    pass
        finally:
            self.free.release()


DRAINS = Drains(16)


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
        # The vendor read the request and thought about it, whatever became of the answer.
        self.was_read = False

    def run(self, *, seconds: float) -> Reply:
        """The whole answer, within `seconds` and the endpoint's own deadline. Raises ModelError."""
        deadline = self.endpoint.deadline_seconds
        if self.endpoint.provider != SOP.provider:
            deadline = min(deadline, seconds)
        patience = min(self.endpoint.timeout_seconds, deadline)
        chunks = providers.stream(self.endpoint, self.request, timeout_seconds=patience)
        is_whole = False
        try:
            for chunk in chunks:
                self.take(chunk.text, chunk.tools, chunk.usage)
                if self.elapsed_ms() > deadline * 1000:
                    raise ModelError(ErrorClass.TIMEOUT, "deadline")
                if chunk.finish:
                    is_whole = True
                    break
        finally:
            DRAINS.end(chunks, is_whole=is_whole)
        # Who may call no tool and says nothing has not answered.
        called = self.tools and self.request.tool_choice != "none"
        if not self.text.strip() and not called:
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
        if self.first_token_ms is None and not self.was_read:
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
