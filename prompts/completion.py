"""One question in, one streamed answer out: retrieve → render → route → stream → record.

Called by chat.turn. The only caller of the gateway.
"""

import time
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog
from django.conf import settings

from prompts import aside, composing, ledger, retrieval, routing
from prompts.composing import Composed
from prompts.llm import gateway, router
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.health import SharedHealth
from prompts.llm.router import RoutingDecision
from prompts.llm.types import Call, Line, Reply, Request, Sink, Tool, ToolCall
from prompts.models import PromptVersion
from prompts.redaction.spans import RedactionFailed
from prompts.redis import connection
from prompts.retrieval import Hit
from prompts.routing import Question
from prompts.screen import Screen
from prompts.snapshot import CACHE, Snapshot, release_connection, snapshot

__all__ = ["CACHE", "Answer", "MustWait", "Question", "snapshot", "stream", "text", "warm"]
log = structlog.get_logger(__name__)

# How often a model may ask for tools before it has to answer.
TOOL_ROUNDS = 3
SHARE = routing.Share()


class MustWait(Exception):
    """So many ask at once that this question waits its turn; `decision` says why."""

    def __init__(self, decision: RoutingDecision) -> None:
        super().__init__(decision.cause)
        self.decision = decision


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer and what explains it."""

    text: str
    endpoint: str
    decision: dict[str, Any]
    hits: tuple[Hit, ...]
    prompt_version_id: int | None
    timings_ms: dict[str, float]
    # What tools found was said.
    found: bool = False
    # The exact system text with the ids of its version, examples and SOPs.
    rendering: dict[str, Any] = field(default_factory=dict)
    # What was said comes from the thread itself; see Question.reply.
    from_thread: bool = False

    @property
    def knows(self) -> bool:
        """False when no model spoke and no SOP fits: the answer only says that nobody knows."""
        confident = any(hit.score >= retrieval.CONFIDENT for hit in self.hits)
        said = self.from_thread or self.found
        return self.endpoint != SOP.name or confident or said

    @property
    def model_failed(self) -> bool:
        """True when models were asked and none of them answered."""
        return self.endpoint == SOP.name and self.decision.get("chosen", SOP.name) != SOP.name

    @property
    def budget_spent(self) -> bool:
        """True when a used-up budget kept the paid models out."""
        situation = self.decision.get("situation") or {}
        return bool(situation.get("stopped_budgets"))


class Toolbox(Protocol):
    """Tools a model may use for one question."""

    @property
    def tools(self) -> tuple[Tool, ...]: ...

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the tools found or did so far, for the customer."""

    def call(self, call: ToolCall) -> str:
        """What is told to the model of a call it wanted, whatever that was."""


def stream(question: Question, sink: Sink, toolbox: Toolbox | None = None) -> Answer:
    """Streams the answer to `question` into `sink` and returns it whole; models may use `toolbox` for it.

    Raises MustWait where `question.may_wait` and the platform is overrun, AllFailed when nobody answered, and
    whatever the sink raises. Attempts are recorded either way.
    """
    current = routing.released(question, snapshot())
    return answered(question, sink, current=current, purpose="answer", toolbox=toolbox)


def rehearse(
    question: Question,
    *,
    current: Snapshot,
    toolbox: Toolbox | None = None,
    purpose: str = "trial",
) -> Answer:
    """The answer of somebody in no canary, from `current`, seen by nobody; on record as `purpose`. Raises AllFailed."""
    return answered(
        question,
        gateway.Unseen(),
        current=replace(current, arms=()),
        purpose=purpose,
        toolbox=toolbox,
    )


def answered(
    question: Question,
    sink: Sink,
    *,
    current: Snapshot,
    purpose: str,
    toolbox: Toolbox | None = None,
) -> Answer:
    started = time.perf_counter()
    hits = composing.find_hits(question, current)
    version = current.prompts.get(("answer", question.language))
    release = current.published.release_of(version)
    composed = composing.compose(question, hits, wording=version, current=current)
    request = replace(composed.request, purpose=purpose)
    decision, health = route(question, request, hits, current=current)
    if decision.wait and question.may_wait:
        raise MustWait(decision)
    release_connection()
    prepared = time.perf_counter()
    calls: list[Call] = []
    screen = Screen(
        sink,
        language="zh" if question.language == "zh" else "en",
        public=[hit.answer for hit in hits],
    )
    try:
        talk = Talk(plan_of(decision, current), health, question.trace_id, calls)
        reply = converse(talk, request, screen, toolbox)
        if question.offer_human or (decision.offer_human and question.has_people):
            offer(screen, composing.text(current, "offer_human", language=question.language))
        reply = replace(reply, text=screen.finish())
    except RedactionFailed as error:
        log.error("answer_unexamined", trace_id=question.trace_id, reason=str(error))
        screen.restart()
        sink.write(request.fallback)
        reply = Reply(text=request.fallback, endpoint=SOP.name)
    finally:
        entry = entry_of(question, decision, composed, version=version, release=release)
        ledger.record(entry, calls, by_name(current))
    timings = {"prepare": elapsed_ms(started, prepared), "stream": elapsed_ms(prepared)}
    answer = as_answer(
        reply,
        composed,
        decision=decision,
        hits=hits,
        found=knows(question, toolbox),
        timings_ms=timings,
    )
    if screen.hidden:
        answer = replace(answer, decision={**answer.decision, "hidden": screen.hidden})
    return with_arm(answer, current, release=release)


def with_arm(answer: Answer, current: Snapshot, *, release: str) -> Answer:
    """The answer, which says the release it was of, where there are releases."""
    if not (release or current.trials):
        return answer
    tried = {trial.name for trial in current.trials}
    arm = "release" if release in tried else "control"
    return replace(answer, decision={**answer.decision, "release": release, "arm": arm})


def converse(talk: "Talk", request: Request, screen: Screen, toolbox: Toolbox | None) -> Reply:
    """The model's answer, after as many rounds of tools as it wants, TOOL_ROUNDS at most."""
    if toolbox is None or not toolbox.tools:
        return talk.ask(request, screen)
    request = replace(request, tools=toolbox.tools)
    for _ in range(TOOL_ROUNDS):
        reply = talk.ask(request, screen)
        if not reply.tools:
            return reply
        request = with_results(request, reply, toolbox)
        talk.plan = tuple(each for each in talk.plan if each.capabilities.tools or each == SOP)
    return talk.ask(replace(request, tool_choice="none"), screen)


def with_results(request: Request, reply: Reply, toolbox: Toolbox) -> Request:
    """The request with what the tools said to the calls of a reply."""
    lines = [Line("assistant", reply.text, tools=reply.tools)]
    lines += [Line("tool", toolbox.call(call), call_id=call.id) for call in reply.tools]
    release_connection()
    findings = "\n".join(toolbox.sentences)
    return replace(request, lines=(*request.lines, *lines), findings=findings)


def knows(question: Question, toolbox: Toolbox | None) -> bool:
    """Whether tools had something to say, or to ask."""
    return bool(question.findings or question.asks or (toolbox and toolbox.sentences))


@dataclass(slots=True)
class Talk:
    """One question's way through the gateway; its rounds share plan, record and deadline."""

    plan: tuple[Endpoint, ...]
    health: SharedHealth
    trace_id: str
    calls: list[Call]
    started: float = field(default_factory=time.monotonic)

    def ask(self, request: Request, screen: Screen) -> Reply:
        left = settings.TURN_DEADLINE_SECONDS - (time.monotonic() - self.started)
        return gateway.stream(
            self.plan,
            request,
            screen,
            health=self.health,
            trace_id=self.trace_id,
            calls=self.calls,
            seconds=left,
        )


def offer(screen: Screen, words: str) -> None:
    """Says that a person may be had, in a line of its own."""
    if words:
        screen.say("\n" + words)


def route(
    question: Question, request: Request, hits: list[Hit], *, current: Snapshot
) -> tuple[RoutingDecision, SharedHealth]:
    """Who answers; where the router is unsure, after a word with the dispatcher."""
    SHARE.count()
    board = routing.read_board(current)
    decision = routing.route(question, request, hits, current=current, board=board)
    may_ask = decision.ask_dispatcher and question.may_dispatch
    if may_ask and SHARE.take(current.policy.dispatch_share):
        endpoint = by_name(current)[decision.ask_dispatcher]
        words = composing.text(current, "dispatch", language=question.language)
        said = aside.dispatch(question, decision.features, endpoint, words=words)
        asked = replace(decision.features, dispatched=said)
        decision = router.decide(asked, current.policy, decision.situation)
    return decision, SharedHealth(connection(), dict(board.breakers))


def plan_of(decision: RoutingDecision, current: Snapshot) -> tuple[Endpoint, ...]:
    known = by_name(current)
    return tuple(known[name] for name in decision.plan)


def by_name(current: Snapshot) -> dict[str, Endpoint]:
    return {endpoint.name: endpoint for endpoint in (*current.endpoints, SOP)}


def entry_of(
    question: Question,
    decision: RoutingDecision,
    composed: Composed,
    *,
    version: PromptVersion | None,
    release: str,
) -> ledger.Entry:
    shown = [example.pk for example in composed.examples]
    return ledger.Entry(
        trace_id=question.trace_id,
        features=decision.features,
        decision={
            "cause": decision.cause,
            "policy": decision.policy_version,
            "plan": list(decision.plan),
            **({"examples": shown} if shown else {}),
        },
        canary=decision.canary,
        release=release,
        version=version,
    )


def as_answer(
    reply: Reply,
    composed: Composed,
    *,
    decision: RoutingDecision,
    hits: list[Hit],
    found: bool,
    timings_ms: dict[str, float],
) -> Answer:
    return Answer(
        found=found,
        text=reply.text,
        endpoint=reply.endpoint,
        decision={**decision.as_json(), "answered_by": reply.endpoint},
        hits=tuple(hits),
        prompt_version_id=composed.version_id,
        rendering=composed.as_json(hits),
        from_thread=any(document.id == composing.THREAD for document in composed.request.documents),
        timings_ms=timings_ms,
    )


def text(purpose: str, *, language: str, **values: str) -> str:
    """The current text of a purpose, filled with values; empty when staff removed it."""
    return composing.text(snapshot(), purpose, language=language, **values)


def warm() -> None:
    """Pays the first question's costs ahead: the snapshot, the index, the vendors' SDKs."""
    retrieval.search("warm", language="en", sop_set=snapshot().sop_set)
    for endpoint in snapshot().endpoints:
        if endpoint.api_key:
            gateway.warm(endpoint)
    release_connection()


def elapsed_ms(start: float, end: float | None = None) -> float:
    return round(((end or time.perf_counter()) - start) * 1000, 2)
