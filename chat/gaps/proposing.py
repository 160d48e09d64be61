"""From a gap to an SOP: written from the best answer of a person, tried on what was asked, and put to work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from chat.models import Gap
from prompts import audit, retrieval, snapshot
from prompts.models import EvalCase, EvalSet, Sop
from prompts.redaction.placeholders import PLACEHOLDER
from prompts.retrieval import CONFIDENT, Proposed
from prompts.transfer.checking import checked
from prompts.transfer.reading import Row

WORDINGS, TRIED, CASES, CASES_TRIED = 8, 60, 20, 300
FIELDS = ("key", "language", "title", "questions", "answer", "intent", "category")
State = Gap.State


class Taken(Exception):
    """There is an SOP of that key, or somebody else settled the gap meanwhile: `reason` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Tried:
    """One question, what answers it now and what would."""

    text: str
    before: float
    after: float
    found: str
    is_hit: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """How many of a gap's questions the SOP would answer, and which cases of a set would find another SOP."""

    rows: list[Tried] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    cases: int = 0

    @property
    def before(self) -> int:
        return sum(row.before >= CONFIDENT for row in self.rows)

    @property
    def after(self) -> int:
        return sum(row.is_hit for row in self.rows)


def suggested(gap: Gap) -> dict[str, Any]:
    """The fields of an SOP for a gap: its own once there is one, else its typical questions and the best answer."""
    if gap.sop is not None:
        texts = gap.sop.questions.order_by("pk").values_list("text", flat=True)
        questions = [text for text in texts if text != gap.sop.title]
        return {**{name: getattr(gap.sop, name) for name in FIELDS if name != "questions"}, "questions": questions}  # fmt: skip
    asked = list(dict.fromkeys(plain(each["text"]) for each in gap.questions))
    return {
        "key": f"gap-{gap.pk}",
        "language": gap.language,
        "title": plain(gap.title)[:100],
        "questions": [text[:300] for text in asked if text and text != plain(gap.title)][:WORDINGS],
        "answer": gap.answers[0]["text"] if gap.answers else "",
        "intent": gap.intent or "other",
        "category": gap.intent or "other",
    }


def plain(text: str) -> str:
    """A question without placeholders, which nobody else's question has."""
    return " ".join(PLACEHOLDER.sub(" ", text).split())


def problems(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What keeps it from becoming an SOP, by column; a placeholder in an answer is no answer."""
    _, found = checked(Row(1, dict(said)), is_new=True, owners={})
    left = sorted(set(PLACEHOLDER.findall(str(said.get("answer", "")))))
    if left:
        names = ", ".join(f"<{kind}_{number}>" for kind, number in left)
        found.append({"column": "answer", "reason": "placeholder", "names": names})
    return found


def try_out(gap: Gap, said: Mapping[str, Any], *, chosen: EvalSet | None) -> Trial:
    """What production would find for the gap's questions, and for a set's cases. Writes nothing."""
    proposed = Proposed(
        wordings=list(dict.fromkeys([said["title"], *said["questions"]])),
        key=said["key"],
        language=said["language"],
        title=said["title"],
        sop_id=gap.sop_id or 0,
    )
    rows = [tried(proposed, each["text"]) for each in gap.questions[:TRIED]]
    cases = list(cases_of(chosen, proposed.language)[:CASES_TRIED]) if chosen else []
    return Trial(rows, [case.key for case in cases if is_lost(case, proposed)], len(cases))


def cases_of(chosen: EvalSet, language: str) -> "QuerySet[EvalCase]":
    return chosen.cases.filter(enabled=True, language=language).exclude(sop="").order_by("pk")


def tried(proposed: Proposed, text: str) -> Tried:
    now = retrieval.search(text, language=proposed.language, limit=1)
    then = retrieval.search_with(proposed, text, limit=1)
    best = then[0] if then else None
    return Tried(
        text=text,
        before=now[0].score if now else 0.0,
        after=best.score if best else 0.0,
        found=best.title if best else "",
        is_hit=best is not None and best.sop_id == proposed.sop_id and best.score >= CONFIDENT,
    )


def is_lost(case: EvalCase, proposed: Proposed) -> bool:
    """Whether the SOP that a case wants is first now, and would not be with the proposed one."""
    now = retrieval.search(case.text, language=case.language, limit=1)
    then = retrieval.search_with(proposed, case.text, limit=1)
    first = bool(now) and now[0].key == case.sop
    return first and not (then and then[0].key == case.sop)


def settle(
    gap: Gap, said: Mapping[str, Any], *, publish: bool, user_id: int | None, seen: int
) -> Sop:
    """Makes the SOP, or renews the gap's own; one that answers customers goes on doing so.

    `seen` is the SOP's last change that its writer knew of, 0 for none. Raises Taken.
    """
    values, _ = checked(Row(1, dict(said)), is_new=True, owners={})
    questions = values.pop("questions")
    with transaction.atomic():
        row = Gap.objects.select_for_update().filter(pk=gap.pk).first()
        if row is None or row.state in (State.SOLVED, State.DISMISSED) or last_change(row) != seen:
            raise Taken("settled")
        sop = row.sop or Sop(owner_id=user_id, enabled=False)
        for name, value in values.items():
            setattr(sop, name, value)
        sop.enabled = sop.enabled or publish
        save(sop)
        word(sop, questions)
        row.sop, row.state = sop, State.SOLVED if publish else State.PROPOSED
        row.save(update_fields=["sop", "state", "updated_at"])
        snapshot.announce()
    return sop


def last_change(gap: Gap) -> int:
    """The number of the last change of the gap's SOP; 0 without one."""
    return audit.latest(gap.sop) if gap.sop is not None else 0


def save(sop: Sop) -> None:
    """Raises Taken."""
    try:
        with transaction.atomic():
            sop.save()
    except IntegrityError:
        raise Taken("key") from None


def word(sop: Sop, questions: Sequence[str]) -> None:
    sop.questions.all().delete()
    retrieval.add_questions([(sop.pk, text) for text in dict.fromkeys((sop.title, *questions))])


def dismiss(gap: Gap) -> bool:
    """Says that nothing is to be made of it; later searches leave it so. False when it is settled already."""
    rows = Gap.objects.filter(pk=gap.pk, state__in=[State.OPEN, State.PROPOSED])
    return bool(rows.update(state=State.DISMISSED))


def reopen(gap: Gap) -> bool:
    return bool(Gap.objects.filter(pk=gap.pk, state=State.DISMISSED).update(state=State.OPEN))


def add_cases(gap: Gap, chosen: EvalSet) -> int:
    """Makes the gap's questions cases that want its SOP, once each; how many are new."""
    if gap.sop is None:
        return 0
    before = chosen.cases.count()
    EvalCase.objects.bulk_create(
        [
            EvalCase(
                set=chosen,
                # Not its place, which another search changes.
                key=f"gap-{gap.pk}-{each['conversation'][:8]}-{each['seq']}",
                language=gap.language,
                text=each["text"],
                sop=gap.sop.key,
                source=EvalCase.Source.MESSAGE,
            )
            for each in gap.questions[:CASES]
        ],
        ignore_conflicts=True,
    )
    return chosen.cases.count() - before
