"""Reads from a turn what speaks for a person. Pure; called by turn."""

from collections.abc import Sequence
from dataclasses import replace

from chat import dialogue as dialogues
from chat.analysis import Analysis
from chat.dialogue import Dialogue
from chat.escalation.decide import Signals
from chat.states import Role
from chat.transcript import Line
from prompts.nlu.normalise import normalise
from prompts.nlu.tone import TONES

# Two lines that share so much of their pairs of characters ask the same thing.
ALIKE = 0.6
SHORTEST_CHARS = 4


def signals_of(
    asked: Sequence[str], history: Sequence[Line], *, found: Analysis, after: Dialogue, vip: bool
) -> Signals:
    """The signals of a turn before it is answered; `after` is the dialogue that knows of its lines."""
    text = "\n".join(asked)
    upset = found.emotion == "negative"
    return Signals(
        text=text,
        intents=tuple(name for name, _ in found.understood.intents),
        wants_human=found.understood.wants_human,
        moods=dialogues.moods_of(after),
        ironic=upset and TONES["sarcasm"].search(normalise(text)) is not None,
        repeated=asks_again(text, history),
        failed_turns=failed_in_a_row(history),
        confused=after.confused,
        amount=after.slots.get("amount", ""),
        vip=vip,
    )


def with_answer(
    signals: Signals, *, answered: bool, model_failed: bool, tool_failed: bool, budget_spent: bool
) -> Signals:
    """The signals once there is an answer; `answered` is False for one that only says it does not know."""
    return replace(
        signals,
        # What was failed before was weighed before; two in a row are a person's.
        failed_turns=0 if answered else signals.failed_turns + 1,
        no_knowledge=not answered,
        model_failed=model_failed,
        tool_failed=tool_failed,
        budget_spent=budget_spent and not answered,
    )


def failed_in_a_row(history: Sequence[Line]) -> int:
    """How many of the bot's latest answers were none; what an agent has seen to since is over."""
    count = 0
    for line in reversed(history):
        if line.role == Role.AGENT:
            break
        if line.role == Role.BOT:
            if not (line.meta.get("apology") or line.meta.get("unanswered")):
                break
            count += 1
    return count


def asks_again(text: str, history: Sequence[Line]) -> bool:
    """True when an earlier line of the visitor's that was answered asked the same."""
    pairs = pairs_of(text)
    if not pairs:
        return False
    answered = False
    for line in reversed(history):
        if line.role == Role.BOT:
            answered = True
        elif line.role == Role.VISITOR and answered and alike(pairs, pairs_of(line.text)) >= ALIKE:
            return True
    return False


def pairs_of(text: str) -> frozenset[str]:
    said = normalise(text)
    if len(said) < SHORTEST_CHARS:
        return frozenset()
    return frozenset(said[at : at + 2] for at in range(len(said) - 1))


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's index: the share of all pairs that both have."""
    return len(one & other) / len(one | other) if other else 0.0
