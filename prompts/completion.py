"""One question in, one streamed answer out: retrieve → render → route → stream → record.

Called by chat.turn. The only caller of the gateway.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from prompts import rendering, retrieval
from prompts.llm import gateway, router
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.types import Call, Document, Line, Reply, Request, Sink
from prompts.models import FewShotExample, ModelCall, ModelEndpoint, Prompt, PromptVersion
from prompts.retrieval import Hit

log = structlog.get_logger(__name__)

SNAPSHOT_SECONDS = 5.0
KNOWLEDGE_LIMIT = 3
EXAMPLE_LIMIT = 3
ROLE_NAMES = {
    "zh": {"visitor": "顾客", "bot": "客服"},
    "en": {"visitor": "Customer", "bot": "Agent"},
}


@dataclass(frozen=True, slots=True)
class Question:
    """What a visitor asks, with the thread it stands in. `history` is (role, text), oldest first."""

    trace_id: str
    text: str
    language: str
    shop_name: str = ""
    history: tuple[tuple[str, str], ...] = ()
    slots: dict[str, str] = field(default_factory=dict)
    topic: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer and what explains it."""

    text: str
    endpoint: str
    decision: dict[str, Any]
    hits: tuple[Hit, ...]
    prompt_version_id: int | None
    timings_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What staff edit, as of a few seconds ago."""

    endpoints: tuple[Endpoint, ...]
    prompts: dict[tuple[str, str], PromptVersion]
    examples: dict[str, str]
    taken_at: float


def stream(question: Question, sink: Sink) -> Answer:
    """Streams the answer to `question` into `sink` and returns it whole.

    Raises AllFailed when nobody answered, and whatever the sink raises. Attempts are recorded either way.
    """
    started = time.perf_counter()
    current = snapshot()
    hits = retrieval.search(question.text, language=question.language, limit=KNOWLEDGE_LIMIT)
    version = current.prompts.get(("answer", question.language))
    request = build_request(question, hits, version=version, current=current)
    decision = router.decide(current.endpoints, request)
    release_connection()
    prepared = time.perf_counter()
    calls: list[Call] = []
    try:
        reply = gateway.stream(
            decision.plan,
            request,
            sink,
            trace_id=question.trace_id,
            calls=calls,
            seconds=settings.TURN_DEADLINE_SECONDS,
        )
    finally:
        record(question, calls, version=version)
    timings = {"prepare": elapsed_ms(started, prepared), "stream": elapsed_ms(prepared)}
    return as_answer(reply, decision=decision, hits=hits, version=version, timings_ms=timings)


def build_request(
    question: Question, hits: list[Hit], *, version: PromptVersion | None, current: Snapshot
) -> Request:
    """The rendered request: persona and knowledge, the thread, the question."""
    lines = [Line("system", system_text(question, hits, version=version, current=current))]
    lines += [Line("user" if role == "visitor" else "assistant", t) for role, t in question.history]
    lines.append(Line("user", question.text))
    return Request(
        purpose="answer",
        lines=tuple(lines),
        documents=tuple(map(as_document, hits)),
        fallback=text("unknown", language=question.language),
        user=question.user,
    )


def system_text(
    question: Question, hits: list[Hit], *, version: PromptVersion | None, current: Snapshot
) -> str:
    if version is None:
        return ""
    values = {
        "shop_name": question.shop_name,
        "slots": rendering.slots_text(question.slots, language=question.language) or "—",
        "knowledge": "\n".join(f"- {hit.title}: {hit.answer}" for hit in hits) or "—",
        "examples": current.examples.get(question.language, ""),
        "topic": question.topic or "—",
    }
    return rendering.render(version.text, values)


def as_document(hit: Hit) -> Document:
    return Document(
        id=hit.key,
        title=hit.title,
        answer=hit.answer,
        score=hit.score,
        confident=hit.score >= retrieval.CONFIDENT,
    )


def as_answer(
    reply: Reply,
    *,
    decision: router.Decision,
    hits: list[Hit],
    version: PromptVersion | None,
    timings_ms: dict[str, float],
) -> Answer:
    return Answer(
        text=reply.text,
        endpoint=reply.endpoint,
        decision={**decision.as_json(), "answered_by": reply.endpoint},
        hits=tuple(hits),
        prompt_version_id=version.pk if version else None,
        timings_ms=timings_ms,
    )


def record(question: Question, calls: list[Call], *, version: PromptVersion | None) -> None:
    """Writes every attempt at a model to the ledger. A row that cannot be written costs no answer."""
    rows = [
        ModelCall(
            trace_id=question.trace_id,
            purpose="answer",
            endpoint=call.endpoint,
            model=call.model,
            prompt_version=version,
            attempt=call.attempt,
            error_class=call.error_class,
            first_token_ms=call.first_token_ms,
            total_ms=call.total_ms,
            input_tokens=call.usage.input_tokens,
            output_tokens=call.usage.output_tokens,
            usage=call.usage.raw,
            usage_estimated=call.usage.estimated,
        )
        for call in calls
        if call.endpoint != SOP.name
    ]
    try:
        ModelCall.objects.bulk_create(rows)
    except DatabaseError as error:
        log.warning("ledger_lost", trace_id=question.trace_id, error=type(error).__name__)


def text(purpose: str, *, language: str, **values: str) -> str:
    """The current text of a purpose, filled with values; empty when staff removed it."""
    prompts = snapshot().prompts
    version = prompts.get((purpose, language)) or prompts.get((purpose, "zh"))
    return rendering.render(version.text, values).strip() if version else ""


class Cache:
    """The process's snapshot, read again when it is older than SNAPSHOT_SECONDS.

    One thread reads while the others go on with what there is; only the very first snapshot is waited for.
    """

    def __init__(self, take: Callable[[], Snapshot]) -> None:
        self.take = take
        self.kept: Snapshot | None = None
        self.lock = threading.Lock()

    def get(self) -> Snapshot:
        kept = self.kept
        if kept is not None and time.monotonic() - kept.taken_at < SNAPSHOT_SECONDS:
            return kept
        if not self.lock.acquire(blocking=kept is None):
            return kept or self.take()
        try:
            if self.kept is kept:  # nobody else read it while we waited
                self.kept = self.take()
            return self.kept or self.take()
        finally:
            self.lock.release()

    def clear(self) -> None:
        self.kept = None


def warm() -> None:
    """Pays the first question's costs ahead: the snapshot, the index, the vendors' SDKs."""
    retrieval.search("warm", language="en")
    for endpoint in snapshot().endpoints:
        if endpoint.api_key:
            gateway.warm(endpoint)
    release_connection()


def take_snapshot() -> Snapshot:
    prompts = Prompt.objects.select_related("current").exclude(current=None)
    return Snapshot(
        endpoints=tuple(map(as_endpoint, ModelEndpoint.objects.filter(enabled=True))),
        prompts={(p.purpose, p.language): p.current for p in prompts if p.current},
        examples={language: examples_text(language) for language in ROLE_NAMES},
        taken_at=time.monotonic(),
    )


CACHE = Cache(take_snapshot)


def snapshot() -> Snapshot:
    return CACHE.get()


def as_endpoint(row: ModelEndpoint) -> Endpoint:
    """The row with its key and address from the environment, where it names or leaves them."""
    default_base = settings.MODEL_BASE_URLS.get(f"{row.provider.upper()}_BASE_URL", "")
    return Endpoint(
        name=row.name,
        provider=row.provider,
        model=row.model,
        base_url=row.base_url or default_base,
        api_key=settings.MODEL_API_KEYS.get(row.api_key_env, ""),
        priority=row.priority,
        context_tokens=row.context_tokens,
        max_output_tokens=row.max_output_tokens,
        timeout_seconds=row.timeout_seconds,
        deadline_seconds=row.deadline_seconds,
        capabilities=row.capabilities,
    )


def examples_text(language: str) -> str:
    """The few-shot examples as dialogues, a blank line between them."""
    names = ROLE_NAMES[language]
    rows = FewShotExample.objects.filter(language=language, enabled=True).order_by("key")
    return "\n\n".join(
        "\n".join(f"{names.get(m['role'], m['role'])}: {m['text']}" for m in row.messages)
        for row in rows[:EXAMPLE_LIMIT]
    )


def release_connection() -> None:
    """Returns the thread's connection to the pool, so that none is held while a model talks."""
    if not connection.in_atomic_block:
        connection.close()


def elapsed_ms(start: float, end: float | None = None) -> float:
    return round(((end or time.perf_counter()) - start) * 1000, 2)
