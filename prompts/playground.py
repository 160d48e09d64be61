"""The playground: one message to any wording at any endpoint, with everything that made the answer. Called by the admin.

Nothing a customer sees changes; calls are real, cost what they cost and are on record as "trial".
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from prompts import composing, rendering, routing, trials, understanding
from prompts.llm.catalogue import SOP
from prompts.models import ModelEndpoint, Wording
from prompts.nlu import emotion, segment
from prompts.redaction import engine
from prompts.redaction.placeholders import Placeholders
from prompts.retrieval import CONFIDENT, Hit
from prompts.routing import Question
from prompts.snapshot import as_endpoint, snapshot
from prompts.trials import Trial

# Without a classifier little is known of the words' mood.
NO_CHANCES = {"negative": 0.25, "neutral": 0.65, "positive": 0.1}
QUESTION_CHARS, HISTORY_LINES = 1000, 12


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and what it was made of. `asked` is the customer's message as a model reads it."""

    trial: Trial
    asked: str
    system: str
    hits: tuple[Hit, ...]
    examples: tuple[str, ...]
    decision: dict[str, Any]
    intent: str
    emotion: str
    # As a person would list them, in the question's language.
    slots: str


def masked(text: str) -> str:
    """The text with placeholders for personal data, as a visitor's would be stored. Raises RedactionFailed."""
    book = Placeholders(secrets.token_bytes(16))
    chinese = segment.language_of(text) == "zh"
    return engine.mask(text, language="zh" if chinese else "en", book=book).text


def understood(
    text: str,
    history: Sequence[tuple[str, str]],
    *,
    language: str = "",
) -> Question:
    """The masked message as a question, with its intent and mood as the classifier in force hears them."""
    previous = history[-1][1] if history else ""
    classifier = understanding.classifier()
    found = classifier.intents(text, prev=previous) if classifier else None
    heard = emotion.mood(text, chances=(found and found.moods) or NO_CHANCES)
    first = found.intents[0] if found and found.intents else ("unknown", 0.0)
    return Question(
        trace_id="trial",
        text=text,
        language=language or segment.language_of(text),
        history=tuple(history)[-HISTORY_LINES:],
        intent=first[0],
        intent_p=first[1],
        intent_margin=found.margin if found else 0.0,
        emotion=heard.label,
        user="staff",
    )


def answer(
    question: Question, *, wording: Wording | None, endpoint: ModelEndpoint | None
) -> Answered:
    """Asks one endpoint (none: the SOPs) under one wording. Never raises ModelError."""
    current = snapshot()
    hits = composing.find_hits(question, current)
    composed = composing.compose(question, hits, wording=wording, current=current)
    board = routing.read_board(current)
    decision = routing.route(question, composed.request, hits, current=current, board=board)
    request = replace(composed.request, purpose="trial", user="staff")
    asked = as_endpoint(endpoint) if endpoint else SOP
    return Answered(
        trial=trials.ask(asked, request, trace_id="playground"),
        asked=question.text,
        system=composed.system,
        hits=tuple(hits),
        examples=tuple(example.key for example in composed.examples),
        decision={"cause": decision.cause, "plan": list(decision.plan)},
        intent=decision.features.intent,
        emotion=question.emotion,
        slots=rendering.slots_text(question.slots, language=question.language),
    )


def is_confident(hit: Hit) -> bool:
    return hit.score >= CONFIDENT
