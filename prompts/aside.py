"""A word with a small model beside the answer: one attempt, in a fraction of a second, under a breaker of its own.

Called by completion for the dispatcher, and by opinion.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import replace
from typing import Literal, TypeVar

from django.db import DatabaseError
from pydantic import BaseModel

from prompts import ledger
from prompts.llm import gateway
from prompts.llm.catalogue import Endpoint
from prompts.llm.errors import AllFailed
from prompts.llm.features import Features
from prompts.llm.health import SharedHealth
from prompts.llm.types import Call, JsonShape, Line, Request
from prompts.redis import connection
from prompts.routing import Question
from prompts.snapshot import release_connection

DISPATCH_SECONDS = 0.3
# With "/dispatch" or "/analyse" behind it, what is left of an endpoint's name fits into the ledger.
NAME_CHARS = 71
DISPATCHERS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="dispatch")

Shape = TypeVar("Shape", bound=BaseModel)


class Dispatch(BaseModel):
    """What a dispatcher says of an unsure turn."""

    difficulty: Literal["light", "standard", "strong"]


DISPATCH_SHAPE = JsonShape("dispatch", Dispatch.model_json_schema())


def dispatch(
    question: Question, features: Features, endpoint: Endpoint, *, words: str
) -> Literal["light", "standard", "strong", "failed"]:
    """How hard the dispatcher thinks the turn is; "failed" when it has not said so within DISPATCH_SECONDS."""
    release_connection()
    lines = (Line("system", words), Line("user", question.text))
    asked: Future[Dispatch] = DISPATCHERS.submit(
        ask_dispatcher, question, features, endpoint, lines
    )
    try:
        return asked.result(timeout=DISPATCH_SECONDS).difficulty
    except (AllFailed, TooLate, DatabaseError):
        asked.cancel()
        return "failed"


def ask_dispatcher(
    question: Question, features: Features, endpoint: Endpoint, lines: tuple[Line, ...]
) -> Dispatch:
    request = Request(
        "dispatch", lines, max_output_tokens=64, user=question.user, json=DISPATCH_SHAPE
    )
    entry = ledger.Entry(question.trace_id, features, {"cause": "dispatch"})
    return ask_hastily(endpoint, request, Dispatch, entry=entry, seconds=DISPATCH_SECONDS)


def ask_hastily(
    endpoint: Endpoint,
    request: Request,
    shape: type[Shape],
    *,
    entry: ledger.Entry,
    seconds: float,
) -> Shape:
    """One attempt at one endpoint, on record, under a breaker of its own: being late here is no fault of its answers.

    Returns the thread's database connection to the pool. Raises AllFailed.
    """
    hasty = replace(
        endpoint,
        name=f"{endpoint.name[:NAME_CHARS]}/{request.purpose}",
        timeout_seconds=seconds,
        deadline_seconds=seconds,
        tokens_per_minute=0,
    )
    calls: list[Call] = []
    try:
        return gateway.ask(
            (hasty,),
            request,
            shape,
            health=SharedHealth(connection(), {}),
            trace_id=entry.trace_id,
            calls=calls,
            seconds=seconds,
            repairs=0,
            retries=0,
        ).value
    finally:
        ledger.record(entry, calls, {hasty.name: hasty})
        release_connection()
