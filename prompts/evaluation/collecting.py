"""Bad answers become cases: what was asked, masked as it is stored, for staff to say what a good answer is.

Called by chat's admin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prompts.models import EvalCase, EvalSet
from prompts.models.evaluation import CASE_CHARS

NAME, TITLE = "bad-answers", "差评回答 Bad answers"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked in one turn, after what; (role, text) of "visitor" and "bot", oldest first."""

    trace_id: str
    language: str
    history: Sequence[tuple[str, str]]
    text: str


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
        enabled=False,
        source=EvalCase.Source.MESSAGE,
        trace_id=one.trace_id,
    )
