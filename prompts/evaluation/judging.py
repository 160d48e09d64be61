"""A model's judgement of an answer, by the rubric of its case. Called by running.

A judge that says nothing usable approves of nothing: the case fails, and says why.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from prompts import composing, trials
from prompts.evaluation.checks import Failure, shown
from prompts.llm.errors import AllFailed
from prompts.llm.types import JsonShape, Line, Request
from prompts.models import EvalCase
from prompts.snapshot import as_endpoint, snapshot

PURPOSE = "judge"
OUTPUT_TOKENS = 300
REASON_CHARS = 500
# Why it approves of nothing, by the name that the pages have words for.
NO_VERDICT = "no_verdict"
SPEAKERS = {
    "zh": {"visitor": "顾客", "bot": "客服"},
    "en": {"visitor": "Customer", "bot": "Assistant"},
}


class Verdict(BaseModel):
    """What a judge answers."""

    passes: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge made of an answer; `endpoint` is empty when none spoke, and then it does not pass."""

    passes: bool
    reason: str
    endpoint: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"passes": self.passes, "reason": self.reason, "endpoint": self.endpoint}

    def failure(self, rubric: str) -> Failure:
        return Failure("judge", shown(rubric), self.reason)


def judged(case: EvalCase, answer: str, *, trace_id: str) -> Judgement | None:
    """What the set's judge makes of the answer; None where nothing is to be judged. On record as "judge"."""
    judge = case.set.judge
    if judge is None or not case.rubric.strip():
        return None
    request = Request(
        PURPOSE,
        (Line("system", instructions(case)), Line("user", answer)),
        max_output_tokens=OUTPUT_TOKENS,
        user="evaluation",
        json=JsonShape(PURPOSE, SCHEMA),
        temperature=0.0,
    )
    try:
        said = trials.ask_for(as_endpoint(judge), request, Verdict, trace_id=trace_id)
    except AllFailed:
        return Judgement(passes=False, reason=NO_VERDICT)
    return Judgement(said.passes, said.reason[:REASON_CHARS], judge.name)


SCHEMA = {
    "type": "object",
    "properties": {"passes": {"type": "boolean"}, "reason": {"type": "string"}},
    "required": ["passes", "reason"],
    "additionalProperties": False,
}


def instructions(case: EvalCase) -> str:
    names = SPEAKERS.get(case.language, SPEAKERS["zh"])
    spoken = [*case.history, ["visitor", case.text]]
    return composing.text(
        snapshot(),
        PURPOSE,
        language=case.language,
        thread="\n".join(f"{names[role]}: {text}" for role, text in spoken),
        rubric=case.rubric,
        reference=case.reference or "—",
    )
