"""Who made it easier for a release to pass, since there was something to pass: by the audit, whatever wrote it."""

from collections.abc import Iterator

from django.db.models import Max, Q

from prompts import audit
from prompts.models import AuditEntry, EvalCase, EvalSet, Release

# Of a case, what tells nothing of what it asks for.
ASIDE = {"enabled", "critical", "source", "trace_id", "key"}


def loosened(release: Release, *, by: int | None = None) -> list[AuditEntry]:
    """What somebody, or one person, did to its set since its newest version was made; the latest first."""
    newest = release.versions.aggregate(Max("created_at"))["created_at__max"]
    since = min(newest or release.created_at, release.created_at)
    later = AuditEntry.objects.filter(at__gte=since).exclude(act="added").exclude(actor_id=None)
    if by is not None:
        later = later.filter(actor_id=by)
    of_set = Q(model=audit.model_of(EvalSet), object_pk=str(release.eval_set_id))
    eased = filter(loosens, later.filter(of_set | Q(model=audit.model_of(EvalCase))))
    return list(of_its_own(release, list(eased)))


def of_its_own(release: Release, entries: list[AuditEntry]) -> Iterator[AuditEntry]:
    """Those of its set, and of cases of it; a case that is gone tells which it was of."""
    case = audit.model_of(EvalCase)
    wanted = [int(each.object_pk) for each in entries if each.model == case]
    mine = EvalCase.objects.filter(set=release.eval_set_id, pk__in=wanted)
    kept = set(mine.values_list("pk", flat=True))
    for entry in entries:
        before, _ = entry.changes.get("set_id", (None, None))
        is_there = entry.model != case or int(entry.object_pk) in kept
        if is_there or before == release.eval_set_id:
            yield entry


def loosens(entry: AuditEntry) -> bool:
    """A lower threshold, a judge that is gone; a case gone, off, no longer critical, or that asks for something else."""
    if entry.model == audit.model_of(EvalSet):
        before, after = entry.changes.get("threshold", (0, 0))
        return (after or 0) < (before or 0) or bool(
            {"judge_id", "judge_blocks"} & set(entry.changes)
        )
    if entry.act == AuditEntry.Act.DELETED:
        return True
    eased = [
        entry.changes.get(name, (None, None)) == [True, False] for name in ("enabled", "critical")
    ]
    return any(eased) or bool(set(entry.changes) - ASIDE)


def alone(
    release: Release, by: int | None, known: list[AuditEntry] | None = None
) -> list[AuditEntry]:
    """What one person did to set and hold, and nobody else has agreed to; nothing where two agreed to go without the gate.

    `known` saves reading again what was loosened.
    """
    if by is None or release.override_by_id is not None:
        return []
    mine = (
        loosened(release, by=by)
        if known is None
        else [each for each in known if each.actor_id == by]
    )
    prompts = release.versions.values_list("prompt", flat=True)
    return [*audit.unheld_alone(prompts, by), *mine]
