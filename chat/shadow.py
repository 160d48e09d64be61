"""A release answers silently what was just answered to a customer, and both are compared. Nobody sees it but staff.

Rung after a turn is over, so that it costs no customer anything: what does not fit in (load, budgets, another shadow at
work, a conversation that has moved on) is left out. No tool is called, and nothing is written but the comparison.
"""

import difflib
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from chat import dialogue as dialogues
from chat import question, rerun
from chat.dialogue import Dialogue, read_dialogue
from chat.models import Message, ShadowAnswer, Turn
from chat.states import Role, TurnState
from prompts import completion, ledger, routing
from prompts.completion import Answer
from prompts.evaluation import checks
from prompts.llm.errors import AllFailed
from prompts.llm.router.decision import features_of
from prompts.models import ModelCall
from prompts.release_trials import Shadow
from prompts.routing import Question

log = structlog.get_logger(__name__)

PURPOSE = "shadow"
DRAWS = 100
ALIKE, LENGTH_FACTOR = 0.9, 1.5
COMPARED_CHARS = 2000
FORGOTTEN_AT_ONCE = 1000
AT_WORK = threading.Lock()


def wanted(turn_id: UUID) -> list[int]:
    """The releases that shadow this turn: the same share of turns, whoever asks."""
    draw = zlib.crc32(turn_id.bytes) % DRAWS
    return [each.release for each in completion.snapshot().shadows if draw < each.percent]


def run(turn_id: UUID, release: int) -> bool:
    """Answers the turn under the release and stores both; False when it was left out.

    One at a time in a process: shadows never take up the threads that other tasks need.
    """
    if not AT_WORK.acquire(blocking=False):
        return False
    try:
        return compare(turn_id, release)
    finally:
        AT_WORK.release()


def compare(turn_id: UUID, release: int) -> bool:
    shadow = next((e for e in completion.snapshot().shadows if e.release == release), None)
    rows = Turn.objects.select_related("conversation__visitor", "conversation__inbox")
    turn = rows.filter(pk=turn_id, state=TurnState.DONE.value).first()
    if shadow is None or turn is None:
        return False
    # A doorbell may ring twice; the answer is paid for once.
    if ShadowAnswer.objects.filter(release=release, turn=turn_id).exists():
        return False
    if not may_ask(shadow, turn):
        return False
    said = Message.objects.filter(turn=turn, role=Role.BOT.value).first()
    asked = build(turn)
    if said is None or asked is None:
        return False
    trace = f"sh-{turn.pk}"
    current = routing.heard(shadow.trial, completion.snapshot())
    try:
        answer = completion.rehearse(
            replace(asked, trace_id=trace), current=current, purpose=PURPOSE
        )
    except AllFailed:
        return False
    store(shadow, turn, asked, said, answer, trace=trace)
    return True


def may_ask(shadow: Shadow, turn: Turn) -> bool:
    """Whether there is room for it: no load, no used-up budget, and money left for today's shadows."""
    current = completion.snapshot()
    if routing.read_board(current).load > 0 or ledger.stopped(turn.conversation.inbox.key):
        return False
    rows = ModelCall.objects.filter(
        purpose=PURPOSE, release=shadow.trial.name, at__gte=ledger.midnight()
    )
    return cost_of(rows) < shadow.per_day


def forget_old() -> int:
    """Removes answers of long ago, some at a time; how many."""
    old = ShadowAnswer.objects.filter(at__lt=timezone.now() - timedelta(days=settings.SHADOW_DAYS))
    gone = 0
    while batch := list(old.order_by("at").values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE]):
        gone += ShadowAnswer.objects.filter(pk__in=batch).delete()[0]
    return gone


def cost_of(rows: Any) -> Decimal:
    """What calls cost, in CNY."""
    sums = rows.order_by().values_list("currency").annotate(Sum("cost"))
    return sum((ledger.in_cny(cost, currency) for currency, cost in sums), Decimal(0))


def build(turn: Turn) -> Question | None:
    """What the turn was asked, from what it stored; None where that is not all, or is over.

    A turn that rests on what the shop's systems said is left out: they are not asked again.
    """
    later = Turn.objects.filter(conversation=turn.conversation_id, first_seq__gt=turn.last_seq)
    decision = turn.decision
    if "features" not in decision or "tools" in decision or turn.rendering.get("told"):
        return None
    if later.exclude(state=TurnState.QUEUED.value).exists():
        return None
    thread = rerun.thread_of(turn, rerun.read(turn.conversation), {})
    dialogue: Dialogue = read_dialogue(turn.conversation.dialogue)
    features = features_of(decision)
    language = features.language
    return Question(
        trace_id=str(turn.pk),
        text="\n".join(thread.asked),
        language=language,
        shop_name=turn.conversation.inbox.shop_name,
        history=tuple(
            (line.role, line.text) for line in thread.history if line.role != Role.SYSTEM
        ),
        slots=dialogues.sure_slots(dialogue),
        noted=question.noted(dialogue, language=language),
        topic=dialogue.summary,
        state=dialogues.state_block(dialogue, language=language),
        intent=features.intent,
        intent_p=features.intent_p,
        intent_margin=features.intent_margin,
        emotion=features.emotion,
        emotion_score=features.emotion_score,
        emotion_trend=features.emotion_trend,
        user=question.pseudonym(turn.conversation.visitor_id),
        inbox=features.inbox,
        conversation_id=str(turn.conversation_id),
        tier=features.tier,
        turn_number=features.turn_number,
        failed_turns=features.failed_turns,
        may_dispatch=False,
    )


def store(
    shadow: Shadow, turn: Turn, asked: Question, said: Message, answer: Answer, *, trace: str
) -> None:
    told: dict[str, Any] = {
        "text": said.text,
        "endpoint": said.meta.get("endpoint", ""),
        "sops": [each["sop"] for each in said.meta.get("citations", [])],
        "knows": not said.meta.get("unanswered", False),
        "offers": bool(turn.decision.get("offer_human")),
        "ms": turn.timings.get("stream"),
        "cny": str(cost_of(ModelCall.objects.filter(trace_id=str(turn.pk), purpose="answer"))),
    }
    # Other releases may shadow the same turn.
    calls = ModelCall.objects.filter(trace_id=trace, purpose=PURPOSE, release=shadow.trial.name)
    silent: dict[str, Any] = {
        "text": answer.text,
        "endpoint": answer.endpoint,
        "sops": [hit.key for hit in answer.hits],
        "knows": answer.knows,
        "offers": bool(answer.decision.get("offer_human")),
        "ms": answer.timings_ms.get("stream"),
        "cny": str(cost_of(calls)),
    }
    alike = similarity(told["text"], silent["text"])
    row = ShadowAnswer(
        release_id=shadow.release,
        turn=turn,
        asked=asked.text,
        said=told,
        would_say=silent,
        similarity=round(alike, 3),
        differs=list(differences(told, silent, alike=alike, upset=asked.emotion == "negative")),
    )
    ShadowAnswer.objects.bulk_create([row], ignore_conflicts=True)


def similarity(one: str, other: str) -> float:
    """How much of both texts is the same, 0 to 1."""
    pair = one[:COMPARED_CHARS], other[:COMPARED_CHARS]
    return difflib.SequenceMatcher(None, *pair, autojunk=False).ratio()


def differences(
    told: Mapping[str, Any], silent: Mapping[str, Any], *, alike: float, upset: bool
) -> Iterator[str]:
    """In what the two differ: "words", "length", "sops", "endpoint", "knows", "offers", "apology"."""
    if alike < ALIKE:
        yield "words"
    shorter, longer = sorted((len(told["text"]), len(silent["text"])))
    if longer > shorter * LENGTH_FACTOR:
        yield "length"
    if set(told["sops"]) != set(silent["sops"]):
        yield "sops"
    for name in ("endpoint", "knows", "offers"):
        if told[name] != silent[name]:
            yield name
    # The rule for a negative mood: the apology comes first.
    if upset and checks.apologises_first(told["text"]) != checks.apologises_first(silent["text"]):
        yield "apology"
