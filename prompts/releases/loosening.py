"""Who made it easier for a release to pass, since there was something to pass: by the audit, whatever wrote it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import CharField, Q, QuerySet, Subquery
from django.db.models.functions import Cast, Coalesce

from prompts import audit
from prompts.models import (
    AuditEntry,
    EvalCase,
    EvalResult,
    EvalSet,
    Prompt,
    PromptVersion,
    Release,
    ReleaseMove,
)
from prompts.releases.gating import gate

# Of a case, what tells nothing of what it asks for.
ASIDE = {"enabled", "critical", "source", "trace_id", "key"}
# Of a set, beside its threshold, what changes how its cases come out.
OTHERWISE = {"judge_id", "judge_blocks", "inbox"}


def loosened(release: Release) -> list[AuditEntry]:
    """What people did to its set that makes it easier to pass, since the moment that counts; the latest first."""
    case = audit.model_of(EvalCase)
    cases = EvalCase.objects.filter(set=release.eval_set_id).values(named=Cast("pk", CharField()))
    # A case that is gone tells which set it was of.
    of_cases = Q(object_pk__in=cases) | Q(changes__set_id__0=release.eval_set_id)
    of_set = Q(model=audit.model_of(EvalSet), object_pk=str(release.eval_set_id))
    later = AuditEntry.objects.filter(of_set | Q(of_cases, model=case), at__gte=since(release))
    entries = list(later.exclude(Q(act="added") & ~Q(model=case)))
    padding = padded(release, {int(each.object_pk) for each in entries if adds(each)})
    eased = (loosens(each) or (padding and adds(each)) for each in entries)
    pairs = zip(entries, eased, strict=True)
    return [entry for entry, is_easier in pairs if is_easier and entry.actor_id is not None]


def since(release: Release) -> datetime:
    """From when on it counts: nothing that a release's author makes anew moves it.

    The last time a person let a release of the set go out: that person had made nothing easier alone. Before there
    was one, the first release of the set. Never later than what has waited longest to replace what is in force.
    """
    others = Release.objects.filter(eval_set=release.eval_set_id).exclude(pk=release.pk)
    sent = ReleaseMove.objects.filter(release__in=others, act__in=("start", "publish"))
    by_people = sent.exclude(by=None).order_by("-at").values("at")
    newer = PromptVersion.objects.filter(
        prompt__in=Prompt.objects.filter(versions__releases=release),
        number__gt=Coalesce("prompt__current__number", 0),
    )
    parts = (
        Coalesce(Subquery(by_people[:1]), oldest(others)),
        oldest(newer),
        "created_at",
    )
    # One statement, as the page of a release asks for it, too.
    moments: tuple[datetime | None, ...] = Release.objects.values_list(*parts).get(pk=release.pk)
    return min(moment for moment in moments if moment is not None)


def oldest(rows: QuerySet[Any]) -> Subquery:
    return Subquery(rows.order_by("created_at").values("created_at")[:1])


def loosens(entry: AuditEntry) -> bool:
    """A lower threshold, another judge or shop; a case gone, off, no longer critical, or that asks for something else."""
    if entry.model == audit.model_of(EvalSet):
        before, after = entry.changes.get("threshold", (0, 0))
        return (after or 0) < (before or 0) or bool(OTHERWISE & set(entry.changes))
    if entry.act == AuditEntry.Act.DELETED:
        return True
    if entry.act == AuditEntry.Act.ADDED:
        return False
    eased = [
        entry.changes.get(name, (None, None)) == [True, False] for name in ("enabled", "critical")
    ]
    return any(eased) or bool(set(entry.changes) - ASIDE)


def adds(entry: AuditEntry) -> bool:
    """Whether a case is asked since then: a new one, or one that was off."""
    _, enabled = entry.changes.get("enabled", (None, None))
    return entry.model == audit.model_of(EvalCase) and enabled is True


def padded(release: Release, added: Collection[int]) -> bool:
    """Whether the latest run passed for the cases that were added: those that stood before miss the threshold."""
    run = gate(release).run if added else None
    if run is None:
        return False
    stood = EvalResult.objects.filter(run=run).exclude(case__in=added)
    came = list(stood.values_list("passed", flat=True))
    return sum(came) * 100 < run.wanted * len(came)


def alone(
    release: Release, by: int | None, known: list[AuditEntry] | None = None
) -> list[AuditEntry]:
    """What one person did to set and hold, and nobody else has agreed to; nothing where two agreed to go without the gate.

    `known` saves reading again what was loosened.
    """
    if by is None or release.override_by_id is not None:
        return []
    eased = loosened(release) if known is None else known
    prompts = [version.prompt_id for version in release.versions.all()]
    mine = [each for each in eased if each.actor_id == by]
    return [*audit.unheld_alone(prompts, by), *mine]
