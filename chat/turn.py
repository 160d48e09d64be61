"""One turn, from the visitor's words to the one answer: claim → understand → answer → commit.

A turn runs synchronously on a worker thread, called by chat.tasks. Whatever happens to the worker, the broker
or a lease, at most one answer is committed, and never after someone else has taken the conversation over.
"""

import time
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from chat import dialogue as dialogues
from chat import escalation, keeping, lease, memory, ownership, protocol, push, question, transcript
from chat.analysis import Analysis
from chat.delivery import Abandoned, Delivery
from chat.dialogue import Dialogue
from chat.escalation import Action, Signals
from chat.models import Conversation, Message, Turn
from chat.outcome import (
    Outcome,
    answered_signals,
    build_outcome,
    explained,
    judged,
    offered_late,
    offers,
    take_up,
    with_acts,
)
from chat.question import Thread
from chat.states import Owner, Role, Tier, TurnState
from chat.tools import acting
from chat.tools.acting import Acts
from prompts import completion

__all__ = ["Abandoned", "Delivery", "Outcome", "run"]
log = structlog.get_logger(__name__)

GIVE_BACK_PAUSES_SECONDS = (0.0, 0.5, 1.0, 2.0)
# Whoever has to wait does so for as long as the load takes to fall, and for those who wait already: sweeps ring
# for about this many turns a second.
WAIT_SECONDS, DRAINED_PER_SECOND = 10.0, 25.0


def run(turn_id: UUID, *, worker: str) -> UUID | None:
    """Runs a turn if it can be had; returns the conversation's next queued turn, if any."""
    turn = lease.claim(turn_id, worker=worker)
    if turn is None:
        return None
    with lease.held(turn) as held:
        try:
            answer_or_wait(turn, held)
        except Abandoned:
            log.info("turn_abandoned", turn_id=str(turn.pk), attempt=turn.attempt)
        except (OperationalError, InterfaceError) as error:
            # A lock or the database was not to be had: the lease ends and another attempt follows.
            log.warning("turn_interrupted", turn_id=str(turn.pk), error=type(error).__name__)
            give_back(turn)
            return None
        except Exception:
            log.exception("turn_failed", turn_id=str(turn.pk))
            apologise(turn)
    return lease.find_next(turn.conversation_id)


def answer_or_wait(turn: Turn, held: lease.Held) -> None:
    """Answers the turn, or lets it wait when the platform is overrun. Raises Abandoned."""
    try:
        answer(turn, held)
    except completion.MustWait:
        postpone(turn)


def answer(turn: Turn, held: lease.Held) -> None:
    """Answers the visitor's unanswered lines. Raises Abandoned, and MustWait when the platform is overrun."""
    now = timezone.now()
    started = time.perf_counter()
    conversation = turn.conversation
    dialogue = memory.load(conversation, now=now)
    thread = question.read(turn)
    if thread.chosen or not thread.asked:
        # A tool may take its time; words are soon understood, and the frame that says how is the one.
        tell_running(turn)
    acts = acting.begin(turn, is_ours=lambda: is_ours(turn, held), chosen=thread.chosen)
    if not thread.asked:
        outcome = report(turn, acts, dialogue)
    else:
        found = question.understand(thread, dialogue, turn=turn, now=now)
        if found.takes_up_earlier and dialogue.earlier:
            tell_running(turn)
            outcome = take_up(dialogue, language=found.language)
        else:
            outcome = answer_or_hand_over(turn, held, thread, acts, found=found, before=dialogue)
            outcome = explained(outcome, found)
    outcome = replace(outcome, dialogue=memory.advanced(outcome.dialogue, now=now))
    timings = {**(outcome.timings_ms or {}), "total": completion.elapsed_ms(started)}
    commit(turn, replace(outcome, timings_ms=timings))
    memory.store(conversation.visitor_id, outcome.dialogue, expected_rev=dialogue.rev, now=now)


def tell_running(turn: Turn, **heard: Any) -> None:
    push.frames(turn.conversation, protocol.turn(turn.pk, TurnState.RUNNING, **heard))


def is_ours(turn: Turn, held: lease.Held) -> bool:
    """Whether the turn may still write something: its lease lives, and the bot owns the conversation as it did."""
    owned = Conversation.objects.filter(
        pk=turn.conversation_id, epoch=turn.epoch, owner=Owner.BOT.value
    )
    return not held.lost.is_set() and owned.exists()


def report(turn: Turn, acts: Acts, dialogue: Dialogue) -> Outcome:
    """What became of what the customer confirmed or cancelled; no model has a say in it."""
    verdict = judged(turn, Signals(tool_failed=acts.failed))
    return with_acts(Outcome("\n".join(acts.sentences), dialogue), acts, verdict)


def answer_or_hand_over(
    turn: Turn,
    held: lease.Held,
    thread: Thread,
    acts: Acts,
    *,
    found: Analysis,
    before: Dialogue,
) -> Outcome:
    """The answer, unless a person is wanted before it; or the answer and then a person, when it was none."""
    after = dialogues.advance(before, found.understood)
    tell_running(turn, **found.told(after))
    vip = turn.conversation.visitor.tier == Tier.VIP
    signals = escalation.signals_of(thread.asked, thread.history, found=found, after=after, vip=vip)
    verdict = judged(turn, signals)
    if verdict.action is Action.HAND_OVER:
        return with_acts(Outcome("\n".join(acts.sentences), after), acts, verdict)
    acts.answer(after, found.understood)
    offered = offers(verdict, thread.history)
    asked = question.build(turn, thread, after, found=found, acts=acts, offer_human=offered)
    kept = keeping.answer(asked, Delivery(turn, held), acts)
    verdict = judged(turn, answered_signals(signals, kept, acts))
    outcome = build_outcome(kept, found, after, before=before, offered=asked.offer_human)
    outcome = offered_late(outcome, verdict, thread, language=found.language)
    return with_acts(outcome, acts, verdict)


def commit(turn: Turn, outcome: Outcome) -> None:
    """Stores the answer and ends the turn, if the conversation is still ours; a person is called with it.

    Raises Abandoned.
    """
    change = None
    with transaction.atomic():
        conversation = fenced(turn)
        finish(turn, TurnState.DONE, outcome)
        conversation.dialogue = asdict(outcome.dialogue)
        said = [say(conversation, turn, outcome)] if outcome.text else []
        if outcome.acts is not None and said:
            outcome.acts.put_up(said[0])
        if outcome.handing_over is not None:
            change = escalation.open_for(conversation, outcome.handing_over, also=("dialogue",))
    frames = map(transcript.as_frame, said)
    done = protocol.turn(turn.pk, TurnState.DONE, **outcome.heard)
    push.frames(conversation, *frames, done)
    if change is not None:
        ownership.announce(conversation, change)


def say(conversation: Conversation, turn: Turn, outcome: Outcome) -> Message:
    """The turn's one answer, in the locked conversation."""
    return transcript.append(
        conversation,
        role=Role.BOT,
        text=outcome.text,
        turn=turn,
        author=bot_author(turn),
        ai=True,
        meta=outcome.meta,
        also=("dialogue",),
    )


def bot_author(turn: Turn) -> dict[str, str]:
    return {"name": turn.conversation.inbox.bot_name}


def fenced(turn: Turn) -> Conversation:
    """The locked conversation, if nobody took it over since the turn was queued. Raises Abandoned."""
    conversation = transcript.lock(turn.conversation_id)
    if conversation.epoch != turn.epoch or conversation.owner != Owner.BOT:
        raise Abandoned
    return conversation


def finish(
    turn: Turn, state: TurnState, outcome: Outcome | None = None, *, error: str = ""
) -> None:
    """Ends the turn if this attempt still holds it. Raises Abandoned."""
    mine = Turn.objects.filter(
        pk=turn.pk, worker=turn.worker, attempt=turn.attempt, state=TurnState.RUNNING.value
    )
    ended = mine.update(
        state=state.value,
        finished_at=Now(),
        lease_until=None,
        decision=(outcome and outcome.decision) or {},
        rendering=(outcome and outcome.rendering) or {},
        timings=(outcome and outcome.timings_ms) or {},
        error=error,
    )
    if not ended:
        raise Abandoned


def postpone(turn: Turn) -> None:
    """Lets the turn wait, and tells the visitor for how long. Raises Abandoned.

    Whoever writes meanwhile is answered with it.
    """
    seconds = WAIT_SECONDS + lease.waiting() / DRAINED_PER_SECOND
    language = turn.conversation.visitor.language
    text = completion.text("busy", language=language, seconds=str(round(seconds)))
    with transaction.atomic():
        conversation = fenced(turn)
        behind = put_back(turn, seconds=seconds)
        told = transcript.append(conversation, role=Role.SYSTEM, text=text) if text else None
    frames = [protocol.turn(pk, TurnState.SUPERSEDED) for pk in behind]
    frames += [transcript.as_frame(told)] if told else []
    push.frames(conversation, *frames, protocol.turn(turn.pk, TurnState.QUEUED))


def put_back(turn: Turn, *, seconds: float) -> list[UUID]:
    """Queues the turn again, with the lines of the one behind it, which this supersedes. Raises Abandoned."""
    queued = Turn.objects.filter(conversation_id=turn.conversation_id, state=TurnState.QUEUED.value)
    behind = list(queued)
    queued.update(state=TurnState.SUPERSEDED.value, finished_at=Now())
    last_seq = max(each.last_seq for each in (turn, *behind))
    if not lease.postpone(turn, seconds=seconds, last_seq=last_seq):
        raise Abandoned
    return [each.pk for each in behind]


def apologise(turn: Turn, *, error: str = "error") -> None:
    """Ends a turn that cannot be answered with an honest sentence, so that nobody waits for nothing.

    What a tool has written by then is told before it: it was done all the same.
    """
    language = turn.conversation.visitor.language
    text = completion.text("apology", language=language)
    text = text or protocol.error_text("unavailable", locale=language)
    try:
        text = "\n".join([*acting.written(turn), text])
        with transaction.atomic():
            conversation = fenced(turn)
            finish(turn, TurnState.FAILED, error=error)
            message = transcript.append(
                conversation,
                role=Role.BOT,
                text=text,
                turn=turn,
                author=bot_author(turn),
                ai=True,
                meta={"apology": True},
            )
    except (Abandoned, OperationalError, InterfaceError):
        return
    push.frames(
        conversation, transcript.as_frame(message), protocol.turn(turn.pk, TurnState.FAILED)
    )


def give_up(turn_id: UUID, *, worker: str) -> None:
    """Apologises for a turn whose every attempt ended with a dead worker."""
    turn = lease.claim_exhausted(turn_id, worker=worker)
    if turn is not None:
        apologise(turn, error="attempts")


def give_back(turn: Turn) -> None:
    """Ends the lease as soon as the database is there again, so that nobody waits until it runs out."""
    for pause_seconds in GIVE_BACK_PAUSES_SECONDS:
        time.sleep(pause_seconds)
        try:
            lease.give_back(turn)
        except (OperationalError, InterfaceError):
            continue
        return
