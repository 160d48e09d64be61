"""What the provider fake knows by heart: questions with a right answer, and how often each model gives it.

Set by a scenario's `exam`; for tests of whatever measures how good models are. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.fakes.provider_brain import cut
from tests.fakes.provider_types import Answer, Ask, Finish, Json


@dataclass(frozen=True, slots=True)
class Reply:
    """A text, or a call of `tool` with `arguments`."""

    text: str = ""
    tool: str = ""
    arguments: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a topic, with the right answer and some wrong ones."""

    topic: str
    right: Reply
    wrong: Sequence[Reply]


@dataclass(frozen=True, slots=True)
class Exam:
    """`skills` holds the chance of a right answer by model and topic, `windows` how many tokens a model reads.

    Who is asked what `needle` finds in the customer's line answers with its first group.
    """

    questions: Mapping[str, Question] = field(default_factory=dict)
    skills: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    windows: Mapping[str, int] = field(default_factory=dict)
    needle: str = ""

    def answer(self, ask: Ask, *, seed: int) -> Answer | None:
        """What the model says; None for what is not in the exam. The same for the same question, model and seed."""
        draw = Random(f"{seed}-{ask.model}-{ask.question}".encode("utf-8", "surrogatepass"))
        question = self.questions.get(ask.question)
        if question is not None:
            knows = draw.random() < self.skills.get(ask.model, {}).get(question.topic, 1.0)
            return said(question.right if knows else draw.choice(question.wrong), draw)
        found = re.search(self.needle, ask.question) if self.needle else None
        return said(Reply(found[1]), draw) if found else None

    def overflows(self, ask: Ask, *, tokens: int) -> bool:
        return tokens > self.windows.get(ask.model, tokens)


def said(reply: Reply, draw: Random) -> Answer:
    if reply.tool:
        written = json.dumps(reply.arguments, ensure_ascii=False)
        return Answer(cut(written, draw=draw), Finish.TOOL_CALLS, reply.tool)
    return Answer(cut(reply.text, draw=draw))


def check_exam(row: Json) -> Exam:
    """An exam from decoded JSON. Raises: ValueError for what is none."""
    try:
        questions = {
            text: Question(
                each["topic"], Reply(**each["right"]), [Reply(**wrong) for wrong in each["wrong"]]
            )
            for text, each in row.get("questions", {}).items()
        }
        return Exam(**{**row, "questions": questions})
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"exam: {error}") from None
