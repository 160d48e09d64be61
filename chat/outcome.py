"""What a turn is about to commit, and whether a person is to take over. Called by turn.

Values in, values out; only the policy in force and whether somebody is online are read.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chat import dialogue as dialogues
from chat import escalation, memory, transcript
from chat.analysis import Analysis
from chat.dialogue import Dialogue
from chat.escalation import Action, Signals, Verdict
from chat.keeping import Kept
from chat.models import Message, Turn
from chat.question import Thread
from chat.states import Reception, Role
from chat.tools.acting import Acts
from prompts import completion, rendering
from prompts.retrieval import CONFIDENT, Hit

# An answer that speaks of people who help needs no offer behind it.
A_PERSON = re.compile(r"人工|\b(?:person|human|agent)\b", re.IGNORECASE)
# Where staff left the text of a purpose empty.
PLAIN = {
    "unknown": {
        "zh": "抱歉，这个问题我暂时答不上来。",
        "en": "Sorry, I do not know the answer to that.",
    },
    "resumed": {"zh": "好的，我们接着上次的继续。", "en": "All right, let us go on from there."},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a turn is about to commit. No text: the bot says nothing. `handing_over`: to a person, and why."""

    text: str
    dialogue: Dialogue
    meta: dict[str, object] | None = None
    decision: dict[str, object] | None = None
    rendering: dict[str, object] | None = None
    timings_ms: dict[str, float] | None = None
    handing_over: Verdict | None = None
    # What the last frame says of the visitor's lines: {"intents", "emotion", "trend"}.
    heard: dict[str, Any] = field(default_factory=dict)
    acts: Acts | None = None


def with_acts(outcome: Outcome, acts: Acts, verdict: Verdict) -> Outcome:
    """The outcome with what tools did for it, and the verdict on it."""
    decision = outcome.decision or {}
    return replace(
        outcome,
        dialogue=acts.settle(outcome.dialogue),
        meta={**(outcome.meta or {}), **acts.meta()},
        decision={**decision, **acts.decision(), "escalation": verdict.as_json()},
        handing_over=verdict if verdict.action is Action.HAND_OVER else None,
        acts=acts,
    )


def judged(turn: Turn, signals: Signals) -> Verdict:
    """What to do about these signals; a person is offered where handing over would not serve this visitor.

    Where the inbox has no people, none is offered either.
    """
    verdict = escalation.decide(signals, escalation.policy())
    if turn.conversation.inbox.reception == Reception.BOT_ONLY:
        return replace(verdict, action=Action.ANSWER)
    if verdict.action is Action.HAND_OVER and not escalation.is_welcome(
        turn.conversation, verdict, said_at=said_at(turn)
    ):
        return replace(verdict, action=Action.OFFER)
    return verdict


def said_at(turn: Turn) -> datetime | None:
    """When the last of the turn's lines was said."""
    lines = Message.objects.filter(conversation_id=turn.conversation_id, seq=turn.last_seq)
    return lines.values_list("at", flat=True).first()


def offers(verdict: Verdict, history: list[transcript.Line]) -> bool:
    """Whether the answer offers a person: not when the one before has just done so."""
    if verdict.action is Action.ANSWER:
        return False
    last = next((line for line in reversed(history) if line.role == Role.BOT), None)
    return last is None or not last.meta.get("offered")


def answered_signals(signals: Signals, kept: Kept, acts: Acts) -> Signals:
    reply = kept.reply
    return escalation.with_answer(
        replace(signals, promised=kept.broken),
        answered=reply.knows,
        model_failed=reply.model_failed,
        tool_failed=acts.failed,
        budget_spent=reply.budget_spent,
    )


def build_outcome(
    kept: Kept,
    found: Analysis,
    after: Dialogue,
    *,
    before: Dialogue,
    offered: bool = False,
) -> Outcome:
    """The answer with its sources, and the dialogue state after it."""
    reply = kept.reply
    canary = reply.decision.get("canary")
    return Outcome(
        text=reply.text or spoken("unknown", language=found.language),
        dialogue=named(after, find_subject(reply.hits), found=found, before=before),
        meta={
            "citations": [
                {"id": hit.key, "sop": hit.key, "title": hit.title} for hit in reply.hits
            ],
            "endpoint": reply.endpoint,
            "prompt_version": reply.prompt_version_id,
            **({"canary": canary} if canary else {}),
            **{name: reply.decision[name] for name in ("release", "arm") if name in reply.decision},
            **({"offered": True} if offered else {}),
            **({} if reply.knows else {"unanswered": True}),
        },
        decision={**reply.decision, **kept.decision()},
        rendering=reply.rendering,
        timings_ms=reply.timings_ms,
    )


def explained(outcome: Outcome, found: Analysis) -> Outcome:
    """The outcome with what was understood, and what a second opinion took."""
    waited = {"opinion": found.heard.ms} if found.heard else {}
    return replace(
        outcome,
        decision={**(outcome.decision or {}), "analysis": found.as_json()},
        timings_ms={**(outcome.timings_ms or {}), **waited},
        heard=found.told(outcome.dialogue),
    )


def named(after: Dialogue, subject: Hit | None, *, found: Analysis, before: Dialogue) -> Dialogue:
    """The dialogue with its topic called as the SOP that answered; opened by it where the words alone did not."""
    if subject is None:
        return after
    if not after.current and not found.understood.intents:
        guess = replace(found.understood, intents=((subject.intent, subject.score),))
        after = dialogues.advance(before, guess)
    return dialogues.titled(after, subject.title) if subject.intent == after.intent else after


def find_subject(hits: tuple[Hit, ...]) -> Hit | None:
    """The SOP that names what the thread is about: the best one that squarely fits and is no small talk."""
    fitting = [hit for hit in hits if hit.score >= CONFIDENT and hit.intent != "other"]
    return fitting[0] if fitting else None


def take_up(dialogue: Dialogue, *, language: str) -> Outcome:
    """The visitor replied 1: the earlier topic and slots hold again."""
    resumed = memory.resumed(dialogue)
    slots = rendering.slots_text(resumed.slots, language=language)
    text = spoken("resumed", language=language, topic=resumed.summary, slots=slots)
    return Outcome(text=text, dialogue=resumed, meta={"resumed": True})


def spoken(purpose: str, *, language: str, **values: str) -> str:
    """The text of a purpose; where staff left it empty a plain sentence, for a turn may not end in silence."""
    text = completion.text(purpose, language=language, **values)
    return text or PLAIN[purpose].get(language, PLAIN[purpose]["zh"])


def offered_late(outcome: Outcome, verdict: Verdict, thread: Thread, *, language: str) -> Outcome:
    """The outcome with the offer of a person where only the answer itself called for it, unless it makes one."""
    made = (outcome.meta or {}).get("offered") or (outcome.decision or {}).get("offer_human")
    if made or verdict.action is not Action.OFFER or not offers(verdict, thread.history):
        return outcome
    words = completion.text("offer_human", language=language)
    if not words:
        return outcome
    text = outcome.text if A_PERSON.search(outcome.text) else f"{outcome.text}\n{words}"
    return replace(outcome, text=text, meta={**(outcome.meta or {}), "offered": True})
