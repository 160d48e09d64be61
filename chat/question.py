"""What a turn asks: the thread read, the visitor's lines understood, all of it as one question for prompts.

Called by turn.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from chat import analysis, transcript, vault
from chat import dialogue as dialogues
from chat.analysis import Advise, Analysis
from chat.dialogue import Dialogue
from chat.models import Turn
from chat.states import Reception, Role, Tier
from chat.tools.acting import Acts, Chosen
from chat.transcript import Line
from prompts import completion, opinion, rendering, understanding
from prompts.nlu import repairs, slots
from prompts.nlu.emotion import Mood
from prompts.nlu.intents import Found
from prompts.nlu.pointing import ORDERS
from prompts.nlu.slots import SlotPatterns
from prompts.opinion import Asked, Heard
from prompts.routing import Question

HISTORY_LINES = 12
# As the router counts: the change of anger, -1 to 1.
TRENDS = {"worse": 1.0, "steady": 0.0, "better": -1.0}


@dataclass(frozen=True, slots=True)
class Thread:
    """The lines before a turn, and the visitor's lines that it answers."""

    history: list[Line]
    asked: list[str]
    # What the visitor answered to cards; such lines are no words to be understood.
    chosen: list[Chosen] = field(default_factory=list)

    @property
    def previous(self) -> str:
        """The line that the visitor's first one answers."""
        return self.history[-1].text if self.history else ""


def read(turn: Turn) -> Thread:
    """The thread of a turn. What was answered to an earlier line while these waited is history too."""
    asked_seqs = range(turn.first_seq, turn.last_seq + 1)
    # Down to the first line asked, however many notices of comings and goings lie over it.
    since = max(turn.conversation.last_seq, turn.last_seq) - turn.first_seq + 1
    thread = Thread([], [])
    for line in transcript.latest(turn.conversation_id, limit=HISTORY_LINES + since):
        if line.role != Role.VISITOR or line.seq < turn.first_seq:
            thread.history.append(line)
        elif line.seq in asked_seqs and "choice" in line.meta:
            thread.chosen.append(Chosen.read(line.meta["choice"]))
        elif line.seq in asked_seqs:
            thread.asked.append(line.text)
    return thread


def understand(thread: Thread, dialogue: Dialogue, *, turn: Turn, now: datetime) -> Analysis:
    """What the visitor's lines say after this dialogue, with a model's second opinion where that helps."""
    readable = all(map(vault.is_readable, thread.asked))
    return analysis.analyse(
        thread.asked,
        language=turn.conversation.visitor.language,
        dialogue=dialogue,
        today=timezone.localtime(now).date(),
        prev=thread.previous,
        classifier=understanding.classifier(),
        patterns=order_patterns(),
        advise=advisor(thread, turn) if readable else None,
        margin=settings.SECOND_OPINION_MARGIN,
    )


def advisor(thread: Thread, turn: Turn) -> Advise:
    """Asks a model about lines of this thread; everything it is shown is masked."""
    conversation = turn.conversation

    def advise(text: str, found: Found, mood: Mood) -> Heard:
        names, version = understanding.taxonomy()
        asked = Asked(
            trace_id=str(turn.pk),
            text=text,
            before=thread.previous,
            language=analysis.language_of(text, otherwise=conversation.visitor.language),
            inbox=conversation.inbox.key,
            user=pseudonym(conversation.visitor_id),
            intents=analysis.intents_of(found),
            margin=analysis.lead(found),
            emotion=mood.label,
            emotion_score=mood.score,
            names=names,
            version=version,
        )
        return opinion.consult(asked)

    return advise


def build(
    turn: Turn,
    thread: Thread,
    dialogue: Dialogue,
    *,
    found: Analysis,
    acts: Acts,
    offer_human: bool = False,
) -> Question:
    """The visitor's lines as one question, with the thread's state; `dialogue` already knows of them."""
    conversation = turn.conversation
    history = thread.history
    return Question(
        trace_id=str(turn.pk),
        text="\n".join(thread.asked),
        language=found.language,
        shop_name=conversation.inbox.shop_name,
        history=tuple((line.role, line.text) for line in history if line.role != Role.SYSTEM),
        slots=dialogues.sure_slots(dialogue),
        noted=noted(dialogue, language=found.language),
        reply=reply_of(dialogue, thread, found=found),
        topic=dialogue.summary,
        state=dialogues.state_block(dialogue, language=found.language),
        intent=found.intent,
        intent_p=found.sureness,
        intent_margin=found.margin,
        emotion=found.emotion,
        emotion_score=found.anger,
        emotion_trend=TRENDS[dialogues.trend(dialogue)],
        user=pseudonym(conversation.visitor_id),
        inbox=conversation.inbox.key,
        conversation_id=str(conversation.pk),
        tier="vip" if conversation.visitor.tier == Tier.VIP else "standard",
        turn_number=dialogue.turns + 1,
        failed_turns=sum(bool(line.meta.get("apology")) for line in history),
        current_endpoint=find_endpoint(history),
        readable=all(map(vault.is_readable, thread.asked)),
        may_wait=turn.not_before is None,
        offer_human=offer_human,
        has_people=conversation.inbox.reception != Reception.BOT_ONLY,
        # Who waited for one small model in vain is not made to wait for another.
        may_dispatch=found.heard is None or found.heard.opinion is not None,
        findings=acts.sentences,
        asks=acts.asks,
        wanted=acts.wanted,
        handled=acts.handled,
    )


def noted(dialogue: Dialogue, *, language: str) -> str:
    """What is said beside a text that asks for the order where one was named; "" where none was."""
    order = {name: dialogue.slots[name] for name in ORDERS if name in dialogue.slots}
    if not order:
        return ""
    purpose = "check" if order.keys() & set(dialogues.doubtful_names(dialogue)) else "noted"
    listed = rendering.slots_text(order, language=language)
    return completion.text(purpose, language=language, slots=listed)


def reply_of(dialogue: Dialogue, thread: Thread, *, found: Analysis) -> str:
    """What the thread itself answers where no model does; "" where an SOP is wanted.

    Who only added or corrected something is not asked for it again, and not told that nobody knows.
    """
    if dialogue.repair == repairs.REPEAT:
        spoken = (line.text for line in reversed(thread.history) if line.role == Role.BOT)
        return next(spoken, "")
    said = found.understood.said
    if found.found is None or dialogues.wishes(dialogue):
        return ""  # without a classifier nobody knows what was wished for
    if not dialogue.current or not said.slots:
        return ""
    language = found.language
    doubtful = [name for name in dialogues.doubtful_names(dialogue) if name in dialogue.slots]
    if doubtful:
        listed = {name: dialogue.slots[name] for name in doubtful}
        return completion.text(
            "check", language=language, slots=rendering.slots_text(listed, language=language)
        )
    return completion.text(
        "noted_for",
        language=language,
        topic=dialogue.topic,
        slots=rendering.slots_text(dialogue.slots, language=language),
    )


def find_endpoint(history: list[Line]) -> str:
    """Who gave the thread's last answer; a conversation keeps its voice, unless a canary lent it that."""
    spoken = (line.meta for line in reversed(history) if not line.meta.get("canary"))
    return next((meta["endpoint"] for meta in spoken if meta.get("endpoint")), "")


@cache
def order_patterns() -> SlotPatterns:
    """How this shop's order numbers look."""
    return slots.patterns_of(settings.ORDER_NUMBER_PATTERNS)


def pseudonym(visitor_id: UUID) -> str:
    """A stable name for the visitor that says nothing outside this installation."""
    digest = hmac.new(settings.SECRET_KEY.encode(), visitor_id.bytes, hashlib.sha256)
    return digest.hexdigest()[:32]
