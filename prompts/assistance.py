"""What a model writes for the shop's own people: briefs, drafts, summaries, their own words anew. Called by chat.

Routed, budgeted, screened and on record like an answer, each under its purpose. Canaries and releases have no say here,
and what no model writes is not written: an SOP is no draft.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel

from prompts import completion, composing, ledger, routing
from prompts.llm import gateway
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.errors import AllFailed, ErrorClass
from prompts.llm.health import SharedHealth
from prompts.llm.router import RoutingDecision
from prompts.llm.types import Call, Request, Sink
from prompts.redaction.engine import Language
from prompts.redaction.spans import RedactionFailed
from prompts.redis import connection
from prompts.retrieval import Hit
from prompts.routing import Question
from prompts.screen import Screen
from prompts.snapshot import Snapshot, release_connection, snapshot

Shape = TypeVar("Shape", bound=BaseModel)
Why = Literal["no_model", "budget", "busy", "too_long", "late", "unreadable", "failed"]

WHY_FAILED: dict[str, Why] = {
    "": "busy",  # nobody was asked: a breaker is open, or the tokens of this minute are spent
    ErrorClass.RATE_LIMIT.value: "busy",
    ErrorClass.TIMEOUT.value: "late",
    ErrorClass.OVERFLOW.value: "too_long",
}


class NotWritten(Exception):
    """Nothing was written, and why."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why


@dataclass(frozen=True, slots=True)
class Written(Generic[Shape]):
    """A JSON answer of a shape, and who gave it."""

    value: Shape
    endpoint: str


@dataclass(frozen=True, slots=True)
class Way:
    """One request's way to a model: who is asked, and what is put on record."""

    plan: tuple[Endpoint, ...]
    health: SharedHealth
    entry: ledger.Entry
    known: dict[str, Endpoint]


def is_available() -> bool:
    """Whether there is any model to ask. A look at memory."""
    return any(each.api_key and each.provider != SOP.provider for each in snapshot().endpoints)


def draft(question: Question) -> tuple[Request, list[Hit]]:
    """The request for a reply to `question` in an agent's name, and the SOPs it may rest on. Raises NotWritten."""
    current = snapshot()
    wording = current.prompts.get(("draft", question.language)) or current.prompts.get(
        ("draft", "zh")
    )
    if wording is None:
        raise NotWritten("failed")
    hits = composing.find_hits(question, current)
    composed = composing.compose(question, hits, wording=wording, current=current)
    return replace(composed.request, purpose="draft"), hits


def instructions(purpose: str, *, language: str, **values: str) -> str:
    """What a model is told to do for a purpose. Raises NotWritten where staff removed the text."""
    found = completion.text(purpose, language=language, **values)
    if not found:
        raise NotWritten("failed")
    return found


def output_tokens(purpose: str, *, language: str, otherwise: int) -> int:
    """The most a purpose's text may come to, as its wording says."""
    wording = snapshot().prompts.get((purpose, language))
    return (wording and wording.max_output_tokens) or otherwise


def write(
    question: Question, request: Request, sink: Sink, *, seconds: float, public: Sequence[str] = ()
) -> tuple[str, str]:
    """Streams what a model writes into `sink`; the whole of it, and the endpoint.

    Personal data that is no placeholder is hidden on the way, but for what is in `public`.
    Raises NotWritten, and whatever the sink raises.
    """
    way = find_way(question, request)
    screen = Screen(sink, language=as_language(question.language), public=public)
    with on_record(way) as calls:
        reply = gateway.stream(
            way.plan,
            request,
            screen,
            health=way.health,
            trace_id=question.trace_id,
            calls=calls,
            seconds=seconds,
        )
        return screen.finish().strip(), reply.endpoint


def ask(
    question: Question, request: Request, shape: type[Shape], *, seconds: float
) -> Written[Shape]:
    """What a model answers as JSON of a shape, mended once where it is not. Raises NotWritten.

    Its texts are not screened yet, see `screened`.
    """
    way = find_way(question, request)
    with on_record(way) as calls:
        parsed = gateway.ask(
            way.plan,
            request,
            shape,
            health=way.health,
            trace_id=question.trace_id,
            calls=calls,
            seconds=seconds,
        )
        return Written(parsed.value, parsed.endpoint)


@contextmanager
def on_record(way: Way) -> Iterator[list[Call]]:
    """The calls that are made inside go into the ledger, however it ends; without the database's connection meanwhile.

    Raises NotWritten for what fails.
    """
    calls: list[Call] = []
    release_connection()
    try:
        yield calls
    except AllFailed:
        raise NotWritten(why_failed(calls)) from None
    except RedactionFailed:
        raise NotWritten("unreadable") from None
    finally:
        ledger.record(way.entry, calls, way.known)


def screened(texts: Iterable[str], *, language: str, public: Sequence[str] = ()) -> list[str]:
    """The texts with other people's data hidden. Raises NotWritten."""
    found = []
    for text in texts:
        screen = Screen(gateway.Unseen(), language=as_language(language), public=public)
        try:
            screen.write(text)
            found.append(screen.finish().strip())
        except RedactionFailed:
            raise NotWritten("unreadable") from None
    return found


def find_way(question: Question, request: Request) -> Way:
    """Whom the router asks for it. Raises NotWritten where nobody may be asked."""
    if not question.readable:
        raise NotWritten("unreadable")
    current = replace(snapshot(), arms=())
    board = routing.read_board(current)
    decision = routing.route(question, request, [], current=current, board=board)
    known = completion.by_name(current)
    plan = tuple(known[name] for name in decision.plan if name != SOP.name)
    if not plan or decision.wait:
        raise NotWritten(why_nobody(decision))
    health = SharedHealth(connection(), dict(board.breakers))
    return Way(plan, health, entry_of(question, request, decision, current), known)


def entry_of(
    question: Question, request: Request, decision: RoutingDecision, current: Snapshot
) -> ledger.Entry:
    return ledger.Entry(
        trace_id=question.trace_id,
        features=decision.features,
        decision={
            "cause": decision.cause,
            "policy": decision.policy_version,
            "plan": list(decision.plan),
        },
        version=current.prompts.get((request.purpose, question.language)),
    )


def why_nobody(decision: RoutingDecision) -> Why:
    """Why the router names nobody."""
    situation = decision.situation
    if not any(option.has_key for option in situation.options):
        return "no_model"
    if situation.stopped_budgets:
        return "budget"
    rejects = {candidate.reject_reason for candidate in decision.candidates}
    return "too_long" if rejects <= {"context", "no_key"} else "busy"


def why_failed(calls: Sequence[Call]) -> Why:
    """What became of the last attempt."""
    return WHY_FAILED.get(calls[-1].error_class if calls else "", "failed")


def as_language(language: str) -> Language:
    return "zh" if language == "zh" else "en"
