"""What the router decides on, gathered: the turn's features and the situation of this moment. Called by completion."""

import threading
import zlib
from dataclasses import dataclass, field, replace
from typing import Literal

from django.conf import settings

from prompts import ledger
from prompts.llm import board as boards
from prompts.llm.board import Board
from prompts.llm.canary import Source, bucket_of
from prompts.llm.catalogue import Endpoint
from prompts.llm.features import Emotion, Features, Option, Situation, Tally, length_bucket
from prompts.llm.router import RoutingDecision, decide, estimate_tokens
from prompts.llm.types import Request
from prompts.redis import connection
from prompts.release_trials import Published, ReleaseTrial
from prompts.retrieval import Hit
from prompts.snapshot import Record, Snapshot

DRAWS = 10_000
NOTHING = Record()


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
    # The dialogue state in a few lines, and what the analysis made of the question.
    state: str = ""
    intent: str = "unknown"
    intent_p: float = 0.0
    intent_margin: float = 0.0
    user: str = ""
    inbox: str = ""
    conversation_id: str = ""
    tier: Literal["standard", "vip"] = "standard"
    emotion: Emotion = "neutral"
    emotion_score: float = 0.0
    emotion_trend: float = 0.0
    turn_number: int = 1
    failed_turns: int = 0
    # The endpoint that answered the turn before.
    current_endpoint: str = ""
    # What the shop's systems said or did for this question, in the order asked, and what they still need to know.
    findings: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    # The intents that were said, and those of them that the findings settle.
    wanted: frozenset[str] = frozenset()
    handled: frozenset[str] = frozenset()
    # False when a line could not be examined for personal data: then no model is asked.
    readable: bool = True
    # False once it has waited: it is answered now, if only by an SOP.
    may_wait: bool = False
    # What is said beside a text that asks for the order number where it is known.
    noted: str = ""
    # What the thread itself answers where no model does: the last answer once more, or what was noted.
    reply: str = ""
    # The answer ends with the offer of a person. Where the inbox has none, no policy offers one either.
    offer_human: bool = False
    has_people: bool = True
    # False when a model was asked about it already and kept it waiting: no dispatcher is asked then.
    may_dispatch: bool = True


def read_board(current: Snapshot) -> Board:
    """Load, breakers and tokens left, as all processes share them; one round trip."""
    return boards.read(
        connection(), current.endpoints, thresholds=current.thresholds, forced=current.forced
    )


def route(
    question: Question, request: Request, hits: list[Hit], *, current: Snapshot, board: Board
) -> RoutingDecision:
    """Who answers, and why."""
    features = features_of(question, request, hits)
    situation = situation_of(features, current=current, board=board)
    if not question.readable:
        situation = replace(situation, options=())
    return decide(features, current.policy, situation)


def released(question: Question, current: Snapshot) -> Snapshot:
    """`current` as the question's bucket hears it: with the release that is tried on it, if one is."""
    if not current.trials:
        return current
    bucket, _ = bucket_for(question)
    tried = next((one for one in current.trials if one.first <= bucket <= one.last), None)
    return heard(tried, current) if tried else current


def heard(trial: ReleaseTrial, current: Snapshot) -> Snapshot:
    """`current` with the wordings, the examples, the SOPs and the policy of a release."""
    return replace(
        current,
        prompts={**current.prompts, **trial.prompts},
        policy=trial.policy or current.policy,
        published=Published(others=trial.name),
        example_sets={**current.example_sets, **trial.example_sets},
        sop_set=trial.sop_set or current.sop_set,
    )


def bucket_for(question: Question) -> tuple[int, Source]:
    order = question.slots.get("order_number") or question.slots.get("order_tail", "")
    return bucket_of(order, question.conversation_id)


def features_of(question: Question, request: Request, hits: list[Hit]) -> Features:
    """The turn as the router sees it. Where the analysis knows no intent, that of the SOPs found counts."""
    intent, p, margin = question.intent, question.intent_p, question.intent_margin
    if intent == "unknown":
        intent, p, margin = intent_of(hits)
    bucket, source = bucket_for(question)
    return Features(
        intent=intent,
        intent_p=p,
        intent_margin=margin,
        emotion=question.emotion,
        emotion_score=question.emotion_score,
        emotion_trend=question.emotion_trend,
        input_tokens=estimate_tokens(request),
        output_tokens=request.max_output_tokens,
        turn_number=question.turn_number,
        failed_turns=question.failed_turns,
        needs_tools=bool(request.tools),
        needs_json=request.json is not None,
        tier=question.tier,
        language=question.language,
        inbox=question.inbox,
        bucket=bucket,
        bucket_source=source,
        current_endpoint=question.current_endpoint,
        draw=zlib.crc32(question.trace_id.encode()) % DRAWS / DRAWS,
    )


def intent_of(hits: list[Hit]) -> tuple[str, float, float]:
    """The best hit's intent, its score, and its lead over the best hit of another intent."""
    if not hits:
        return "unknown", 0.0, 0.0
    best = hits[0]
    others = [hit.score for hit in hits if hit.intent != best.intent]
    p = min(1.0, best.score)
    return best.intent, p, round(p - min(p, max(others, default=0.0)), 4)


def situation_of(features: Features, *, current: Snapshot, board: Board) -> Situation:
    return Situation(
        options=tuple(
            option_of(endpoint, features, current.records.get(endpoint.name, NOTHING), board)
            for endpoint in current.endpoints
        ),
        load_level=int(board.load),
        stopped_budgets=ledger.stopped(features.inbox),
        arms=current.arms,
    )


def option_of(endpoint: Endpoint, features: Features, record: Record, board: Board) -> Option:
    cell = (features.intent, features.emotion, length_bucket(features.input_tokens))
    rate = settings.CNY_PER[endpoint.price.currency]
    return Option(
        name=endpoint.name,
        vendor=endpoint.vendor,
        provider=endpoint.provider,
        strength=endpoint.strength,
        dispatcher=endpoint.dispatcher,
        has_key=bool(endpoint.api_key),
        priority=endpoint.priority,
        context_tokens=endpoint.context_tokens,
        max_output_tokens=endpoint.max_output_tokens,
        tools=endpoint.capabilities.tools,
        json_schema=endpoint.capabilities.json_schema,
        price_in=float(endpoint.price.input) * rate,
        price_out=float(endpoint.price.output) * rate,
        breaker=board.breakers.get(endpoint.name, "closed"),
        tokens_left=board.tokens_left.get(endpoint.name),
        p95_ms=record.p95_ms,
        quality=endpoint.quality,
        overall=record.overall,
        of_intent=record.of_intent.get(features.intent, Tally()),
        of_cell=record.of_cell.get(cell, Tally()),
    )


class Share:
    """Lets at most a share of a process's turns ask the dispatcher; so no more of all turns do."""

    def __init__(self) -> None:
        self.turns = self.asked = 0
        self.lock = threading.Lock()

    def count(self) -> None:
        with self.lock:
            self.turns += 1

    def take(self, share: float) -> bool:
        """True, and counted, when one more turn may ask."""
        with self.lock:
            allowed = self.asked + 1 <= share * self.turns
            self.asked += allowed
            return allowed
