"""What the router looks at, as values that can be stored with a turn and read back. Plain data, no I/O."""

from dataclasses import dataclass
from typing import Literal

Emotion = Literal["negative", "neutral", "positive"]
Breaker = Literal["closed", "half_open", "open"]


@dataclass(frozen=True, slots=True)
class Features:
    """One turn as the router sees it; cheap to compute, stored whole, names nobody."""

    intent: str = "unknown"
    # How sure the analysis is of `intent`, and its lead over the next one; both 0 to 1.
    intent_p: float = 0.0
    intent_margin: float = 0.0
    emotion: Emotion = "neutral"
    # 0 calm, 1 furious.
    emotion_score: float = 0.0
    # Change of emotion_score over the last three turns, -1 to 1.
    emotion_trend: float = 0.0
    # Estimated tokens of the rendered request, and the most the answer may take.
    input_tokens: int = 0
    output_tokens: int = 512
    turn_number: int = 1
    failed_turns: int = 0
    needs_tools: bool = False
    needs_json: bool = False
    tier: Literal["standard", "vip"] = "standard"
    # Of the order the thread is about, in the accounting currency; 0: unknown.
    order_value: float = 0.0
    language: str = "zh"
    inbox: str = ""
    # 0 to 99, see canary.bucket_of; "order" or "conversation" says where it comes from.
    bucket: int = 0
    bucket_source: Literal["order", "conversation"] = "conversation"
    # The endpoint that answered the conversation's turn before; empty: none yet.
    current_endpoint: str = ""
    # 0 to 1, drawn from the turn's id: decides explorations, so that a replay decides alike.
    draw: float = 1.0
    # What a dispatcher said, once it was asked: "light", "standard" or "strong"; "failed" when it did not answer.
    dispatched: Literal["", "light", "standard", "strong", "failed"] = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Good answers among `n`."""

    good: int = 0
    n: int = 0


@dataclass(frozen=True, slots=True)
class Option:
    """An endpoint at the moment of a decision. Holds no key, so that it can be stored."""

    name: str
    vendor: str = ""
    provider: str = "openai"
    strength: int = 2
    dispatcher: bool = False
    has_key: bool = True
    priority: int = 100
    context_tokens: int = 0
    max_output_tokens: int = 512
    tools: bool = False
    json_schema: bool = False
    # Per 1,000 tokens, in the accounting currency.
    price_in: float = 0.0
    price_out: float = 0.0
    breaker: Breaker = "closed"
    # What is left of its tokens per minute; None: no limit.
    tokens_left: int | None = None
    # Of the last hour, to the first token; 0: unknown.
    p95_ms: float = 0.0
    # Expected share of good answers before any was counted.
    quality: float = 0.9
    # How it fared: over all turns, over the turns of this intent, over this intent x emotion x length cell.
    overall: Tally = Tally()
    of_intent: Tally = Tally()
    of_cell: Tally = Tally()


@dataclass(frozen=True, slots=True)
class Arm:
    """A running canary: conversations whose bucket is in [first, last] go to `endpoint`."""

    canary: str
    first: int
    last: int
    endpoint: str


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything beside the turn itself that a decision rests on."""

    options: tuple[Option, ...] = ()
    # 0 normal, 1 light models, 2 SOPs only, 3 queue: see load.Level.
    load_level: int = 0
    # Budgets that are used up: "day", "inbox"; not empty stops every paid endpoint.
    stopped_budgets: tuple[str, ...] = ()
    arms: tuple[Arm, ...] = ()


def length_bucket(input_tokens: int) -> str:
    """The length part of a quality cell."""
    if input_tokens < 500:
        return "short"
    return "medium" if input_tokens < 2000 else "long"
