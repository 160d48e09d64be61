"""How a case is asked: as a question, and in a shop with that shop's tools. Called by running."""

from dataclasses import dataclass, field, replace

from django.conf import settings
from django.utils import timezone

from prompts import playground
from prompts.completion import Toolbox
from prompts.evaluation import shops
from prompts.evaluation.checks import Called
from prompts.models import EvalCase
from prompts.nlu import slots
from prompts.routing import Question


class NoShop(Exception):
    """The set names a shop that is not there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A case as a question, with what a model may call for it. `calls` grows while it is answered."""

    question: Question
    toolbox: Toolbox | None = None
    calls: list[Called] = field(default_factory=list)


def asked(case: EvalCase, *, trace_id: str) -> Asked:
    """The case as a question, in its set's shop if that names one. Raises NoShop."""
    if not case.set.inbox:
        return Asked(question_of(case, trace_id=trace_id))
    ask = shops.asker()
    if ask is None:
        raise NoShop(case.set.inbox)
    found: Asked = ask(case)
    return replace(found, question=replace(found.question, trace_id=trace_id, user="evaluation"))


def question_of(case: EvalCase, *, trace_id: str) -> Question:
    """What a customer says, understood as production understands it."""
    history = [(role, text) for role, text in case.history]
    heard = playground.understood(case.text, history, language=case.language)
    patterns = slots.patterns_of(settings.ORDER_NUMBER_PATTERNS)
    today = timezone.localdate()
    said = [text for role, text in history if role == "visitor"]
    found = {
        slot.name: slot.value
        for text in [*said, case.text]
        for slot in slots.find(text, patterns=patterns, now=today)
    }
    return replace(heard, trace_id=trace_id, user="evaluation", slots=found)
