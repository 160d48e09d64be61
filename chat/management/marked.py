"""Real dialogues replayed up to a line whose mood a person has marked: what escalation says of each. Called by the command.

The customer's lines are judged as a turn judges them before it answers; what the shop's people wrote stands for the bot's
answers. What only an answer tells (nothing known, a tool that failed) is not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from chat import analysis, question
from chat import dialogue as dialogues
from chat.dialogue import Dialogue
from chat.escalation import Action, Policy, Verdict, decide, signals_of
from chat.management.commands.analyse import masked
from chat.states import Role
from chat.transcript import Line
from prompts.evaluation.intervals import wilson
from prompts.nlu.emotion import NEGATIVE
from prompts.nlu.intents import Classifier

SPEAKERS = {"user": Role.VISITOR, "agent": Role.BOT}
# Who left when, in the words of the report.
GROUPS = {True: "dissatisfied", False: "calm"}


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of a dialogue, by its place, and whether its customer is dissatisfied there."""

    session: str
    place: int
    dissatisfied: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """What was made of a marked line. `upset`: the answer's prompt would hold the mood's addendum."""

    mark: Mark
    text: str
    mood: str
    score: float
    upset: bool
    verdict: Verdict
    # The place of the first line that called a person, the marked one included.
    escalated_at: int | None

    def row(self, addendum: str) -> dict[str, Any]:
        return {
            "id": f"{self.mark.session}:{self.mark.place}",
            "marked": GROUPS[self.mark.dissatisfied],
            "action": self.verdict.action.value,
            "points": self.verdict.score,
            "reasons": " ".join(
                f"{reason.value}:{points:g}" for reason, points in self.verdict.reasons
            ),
            "escalated_at": "" if self.escalated_at is None else self.escalated_at,
            "mood": f"{self.mood}:{self.score:.2f}",
            "addendum": addendum if self.upset else "",
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Judge:
    """Replays dialogues with this classifier and under this policy."""

    classifier: Classifier
    policy: Policy
    today: date

    def judge(self, mark: Mark, turns: Sequence[Mapping[str, str]]) -> Judged:
        """What the marked line comes to, after everything before it. Raises IndexError, KeyError for no such line."""
        history: list[Line] = []
        state, first = Dialogue(), None
        for place, turn in enumerate(turns[: mark.place]):
            role, text = SPEAKERS[turn["role"]], masked(turn["text"])[0]
            if role is Role.VISITOR:
                verdict, state, _ = self.heard(text, history, state)
                first = place if first is None and handed(verdict) else first
            history.append(Line(place, role.value, text, {}))
        text = masked(turns[mark.place]["text"])[0]
        verdict, _, found = self.heard(text, history, state)
        first = mark.place if first is None and handed(verdict) else first
        mood, score = found.understood.emotion, found.understood.emotion_score
        return Judged(mark, text, mood, score, found.emotion == NEGATIVE, verdict, first)

    def heard(
        self, text: str, history: Sequence[Line], before: Dialogue
    ) -> tuple[Verdict, Dialogue, analysis.Analysis]:
        recent = history[-question.HISTORY_LINES :]
        found = analysis.analyse(
            [text],
            language="zh",
            dialogue=before,
            today=self.today,
            prev=recent[-1].text if recent else "",
            classifier=self.classifier,
            patterns=question.order_patterns(),
        )
        after = dialogues.advance(before, found.understood)
        signals = signals_of([text], recent, found=found, after=after, vip=False)
        return decide(signals, self.policy), after, found


def handed(verdict: Verdict) -> bool:
    return verdict.action is Action.HAND_OVER


def report(judged: Sequence[Judged]) -> dict[str, Any]:
    """For either group, how many were handed over, and how many at least offered a person, with 95 % intervals."""
    return {
        name: dict(shares([each for each in judged if each.mark.dissatisfied is marked]))
        for marked, name in GROUPS.items()
    }


def shares(some: Sequence[Judged]) -> Iterator[tuple[str, Any]]:
    yield "lines", len(some)
    counts = {
        "handed_over": sum(handed(each.verdict) for each in some),
        "handed_over_by_then": sum(each.escalated_at is not None for each in some),
        "offered_or_handed_over": sum(each.verdict.action is not Action.ANSWER for each in some),
        "addendum": sum(each.upset for each in some),
    }
    for name, count in counts.items():
        low, high = wilson(count, len(some))
        yield (
            name,
            {
                "count": count,
                "share": round(count / len(some), 4) if some else None,
                "interval": [round(low, 4), round(high, 4)],
            },
        )
