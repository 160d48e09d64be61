"""Bad answers become cases: what was asked, masked as it is stored, for staff to say what a good answer is.

Called by chat's admin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prompts.models import EvalCase, EvalSet
from prompts.models.evaluation import CASE_CHARS

NAME, TITLE = "bad-answers", "差评回答 Bad answers"
# What a judge is asked of an answer where a person has said a better one.
RUBRICS = {
    "zh": "意思与参考回答一致：解决同一件事，没有与它相反的说法，也没有它没有的承诺。",
    "en": "It means what the reference says: it settles the same thing, contradicts nothing of it and promises nothing more.",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked in one turn, after what; (role, text) of "visitor" and "bot", oldest first."""

    trace_id: str
    language: str
    history: Sequence[tuple[str, str]]
    text: str
    # What a person answered in its place.
    reference: str = ""


def keep(asked: Sequence[Asked]) -> int:
    """Adds cases to the set of bad answers, once per turn; how many are new.

    They are switched off until staff say what a good answer is: a case without checks passes whatever is said.
    """
    chosen, _ = EvalSet.objects.get_or_create(name=NAME, defaults={"title": TITLE})
    known = chosen.cases.filter(key__in=[one.trace_id for one in asked])
    there = set(known.values_list("key", flat=True))
    fresh = [as_case(chosen, one) for one in asked if one.trace_id not in there]
    EvalCase.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def as_case(chosen: EvalSet, one: Asked) -> EvalCase:
    return EvalCase(
        set=chosen,
        key=one.trace_id,
        language=one.language,
        history=[[role, text[:CASE_CHARS]] for role, text in one.history],
        text=one.text[:CASE_CHARS],
        reference=one.reference[:CASE_CHARS],
        rubric=RUBRICS.get(one.language, RUBRICS["zh"]) if one.reference else "",
        enabled=False,
        source=EvalCase.Source.AGENT if one.reference else EvalCase.Source.MESSAGE,
        trace_id=one.trace_id,
    )
