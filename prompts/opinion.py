"""A model's word on lines that the classifier is unsure of: intents, mood, slots, within SECONDS. Called by chat.

Everything happens on a thread of its own, so that nobody waits longer, whatever hangs. What the model says reaches the
caller only if it is usable; else the classifier's word stands, and `Heard.why` says why. Where the two disagree, the lines
become a candidate example for staff to judge.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import structlog
from django.conf import settings
from django.db import DatabaseError
from pydantic import BaseModel, ValidationError
from redis import RedisError

from prompts import aside, completion, ledger, routing, understanding
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.errors import AllFailed
from prompts.llm.features import Emotion, Features
from prompts.llm.load import Level
from prompts.llm.types import JsonShape, Line, Request
from prompts.nlu.slots import TITLES
from prompts.redis import connection
from prompts.snapshot import Snapshot, release_connection, snapshot

log = structlog.get_logger(__name__)

PURPOSE = "analyse"
SECONDS = 0.3
CACHE_SECONDS = 24 * 3600
OUTPUT_TOKENS = 160
INTENTS_MOST, SLOTS_MOST = 5, 8
ASKERS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="opinion")

Why = Literal[
    "", "cached", "no_model", "budget", "load", "breaker", "late", "failed", "unusable", "broken"
]


@dataclass(frozen=True, slots=True)
class Asked:
    """Masked lines, the masked line they answer, and what the classifier made of them."""

    trace_id: str
    text: str
    before: str
    language: str
    inbox: str
    user: str
    # (name, probability) in the order said; empty where the classifier says "unknown".
    intents: tuple[tuple[str, float], ...]
    margin: float
    emotion: Emotion
    emotion_score: float
    # The names the model may use, and the version of the classifier they come from.
    names: tuple[str, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a model made of the lines. Intents in the order said; none where it knows none of them."""

    intents: tuple[str, ...]
    emotion: Emotion
    slots: tuple[tuple[str, str], ...]
    endpoint: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The opinion, or why there is none. `why` is "" or "cached" with an opinion; `ms` is what it took."""

    opinion: Opinion | None
    why: Why
    ms: float = 0.0


class SaidSlot(BaseModel):
    name: str
    value: str


class Said(BaseModel):
    """The answer as the model gives it."""

    intents: list[str]
    emotion: Emotion
    slots: list[SaidSlot] = []


def consult(asked: Asked) -> Heard:
    """What a model makes of the lines, within SECONDS; never raises, never takes longer."""
    started = time.perf_counter()
    if not endpoints(snapshot()):
        return Heard(None, "no_model")
    release_connection()
    pending: Future[Heard] = ASKERS.submit(think, asked, started=started)
    try:
        heard = pending.result(timeout=max(0.0, started + SECONDS - time.perf_counter()))
    except TooLate:
        pending.cancel()
        heard = Heard(None, "late")
    return replace(heard, ms=completion.elapsed_ms(started))


def think(asked: Asked, *, started: float) -> Heard:
    """On a thread of its own."""
    try:
        return cached(asked) or ask(asked, until=started + SECONDS)
    except AllFailed as error:
        return Heard(None, why_failed(str(error)))
    except DatabaseError as error:
        log.warning("opinion_lost", trace_id=asked.trace_id, error=type(error).__name__)
        return Heard(None, "failed")
    except Exception:
        # The classifier's word stands; whoever waits for it must not fail with this.
        log.exception("opinion_broken", trace_id=asked.trace_id)
        return Heard(None, "broken")
    finally:
        release_connection()


def ask(asked: Asked, *, until: float) -> Heard:
    """Raises AllFailed."""
    current = snapshot()
    endpoint = choose(asked, current)
    if isinstance(endpoint, str):
        return Heard(None, endpoint)
    seconds = until - time.perf_counter()
    if seconds <= 0:
        return Heard(None, "late")
    said = aside.ask_hastily(
        endpoint,
        request_of(asked),
        Said,
        entry=entry_of(asked, current),
        seconds=seconds,
    )
    opinion = checked(said, asked, endpoint=endpoint.name)
    if opinion is None:
        return Heard(None, "unusable")
    keep(asked, opinion)
    note(asked, opinion)
    return Heard(opinion, "")


def why_failed(attempts: str) -> Why:
    """What became of the attempts, as AllFailed names them; none was made where the opinions' own breaker is open."""
    if not attempts:
        return "breaker"
    return "late" if "timeout" in attempts else "failed"


def choose(asked: Asked, current: Snapshot) -> Endpoint | Why:
    """Whom to ask, or why nobody may be asked now."""
    if ledger.stopped(asked.inbox):
        return "budget"
    board = routing.read_board(current)
    if board.load is not Level.NORMAL:
        return "load"
    healthy = (e for e in endpoints(current) if board.breakers.get(e.name, "closed") != "open")
    return next(healthy, "breaker")


def endpoints(current: Snapshot) -> list[Endpoint]:
    """Those that may be asked: dispatchers, which are meant to be quick, then the lightest."""
    able = [
        each
        for each in current.endpoints
        if each.api_key and each.provider != SOP.provider and each.capabilities.json_schema
    ]
    return sorted(able, key=lambda each: (not each.dispatcher, each.strength, each.priority))


def request_of(asked: Asked) -> Request:
    instructions = completion.text(
        PURPOSE,
        language=asked.language,
        intents=understanding.listed(asked.names, language=asked.language),
        before=asked.before or "—",
    )
    return Request(
        PURPOSE,
        (Line("system", instructions), Line("user", asked.text)),
        max_output_tokens=OUTPUT_TOKENS,
        user=asked.user,
        json=JsonShape(PURPOSE, schema_of(asked.names)),
    )


def schema_of(names: Sequence[str]) -> Mapping[str, Any]:
    """Said, with the names that there are."""
    slot = {"name": {"type": "string", "enum": list(TITLES)}, "value": {"type": "string"}}
    moods = ["negative", "neutral", "positive"]
    return {
        "type": "object",
        "properties": {
            "intents": {"type": "array", "items": {"type": "string", "enum": list(names)}},
            "emotion": {"type": "string", "enum": moods},
            "slots": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": slot,
                    "required": list(slot),
                    "additionalProperties": False,
                },
            },
        },
        "required": ["intents", "emotion", "slots"],
        "additionalProperties": False,
    }


def entry_of(asked: Asked, current: Snapshot) -> ledger.Entry:
    features = Features(
        intent=asked.intents[0][0] if asked.intents else "unknown",
        intent_margin=asked.margin,
        emotion=asked.emotion,
        needs_json=True,
        language=asked.language,
        inbox=asked.inbox,
    )
    version = current.prompts.get((PURPOSE, asked.language))
    return ledger.Entry(asked.trace_id, features, {"cause": PURPOSE}, version=version)


def checked(said: Said, asked: Asked, *, endpoint: str) -> Opinion | None:
    """The answer as an opinion; None where it names an intent that does not exist."""
    intents = tuple(dict.fromkeys(said.intents))[:INTENTS_MOST]
    if not set(intents) <= set(asked.names):
        return None
    known = [(s.name, s.value) for s in said.slots if s.name in TITLES and s.value in asked.text]
    # "Other" beside something, or alone, says nothing.
    meant = tuple(name for name in intents if name != understanding.UNKNOWN)
    return Opinion(meant, said.emotion, tuple(known[:SLOTS_MOST]), endpoint)


# --- what was said before --------------------------------------------------------------------------


def cached(asked: Asked) -> Heard | None:
    """What a model said of the same lines in the same place before, if Redis still has it."""
    try:
        kept: Any = connection().get(key_of(asked))
    except RedisError:
        return None
    if kept is None:
        return None
    try:
        fields = json.loads(kept)
        said = Said.model_validate_json(kept)
    except (ValueError, ValidationError):
        return None
    opinion = checked(said, asked, endpoint=str(fields.get("endpoint", "")))
    return Heard(opinion, "cached") if opinion else None


def keep(asked: Asked, opinion: Opinion) -> None:
    fields = asdict(opinion)
    fields["slots"] = [{"name": name, "value": value} for name, value in opinion.slots]
    try:
        connection().set(key_of(asked), json.dumps(fields), ex=CACHE_SECONDS)
    except RedisError as error:
        log.warning("opinion_not_kept", error=type(error).__name__)


def key_of(asked: Asked) -> str:
    """A keyed hash of everything the answer depends on: no words in clear, and none to be guessed."""
    version = snapshot().prompts.get((PURPOSE, asked.language))
    parts = [
        asked.language, asked.text, asked.before, asked.version, asked.names, version and version.pk,
    ]  # fmt: skip
    digest = hmac.new(settings.SECRET_KEY.encode(), json.dumps(parts).encode(), hashlib.sha256)
    return f"opinion:{digest.hexdigest()}"


# --- disagreement ------------------------------------------------------------------------------------


def note(asked: Asked, opinion: Opinion) -> None:
    """Lines of which the two make different things become a candidate example."""
    local = {name for name, _ in asked.intents if name != understanding.UNKNOWN}
    if local == set(opinion.intents) and asked.emotion == opinion.emotion:
        return
    understanding.suggest(
        asked.text,
        intent=opinion.intents[0] if opinion.intents else understanding.UNKNOWN,
        language=asked.language,
        emotion=opinion.emotion,
        trace_id=asked.trace_id,
        opinions={
            "local": [[name, round(p, 3)] for name, p in asked.intents],
            "margin": round(asked.margin, 3),
            "local_emotion": asked.emotion,
            "model": list(opinion.intents),
            "model_emotion": opinion.emotion,
            "endpoint": opinion.endpoint,
        },
    )
