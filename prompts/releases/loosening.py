"""Who made it easier for a release to pass, since there was something to pass: by the audit, whatever wrote it."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Max, Min, Q

from prompts import audit
from prompts.models import AuditEntry, EvalCase, EvalResult, EvalSet, PromptVersion, Release
from prompts.releases.gating import gate

# Of a case, what tells nothing of what it asks for.
ASIDE = {"enabled", "critical", "source", "trace_id", "key"}
# Of a set, beside its threshold, what changes how its cases come out.
OTHERWISE = {"judge_id", "judge_blocks", "inbox"}


def loosened(release: Release) -> list[AuditEntry]:
    """What people did to its set that makes it easier to pass, since the moment that counts; the latest first."""
    case = audit.model_of(EvalCase)
    cases = EvalCase.objects.filter(set=release.eval_set_id).values_list("pk", flat=True)
    # A case that is gone tells which set it was of.
    of_cases = Q(object_pk__in=[str(pk) for pk in cases]) | Q(
        changes__set_id__0=release.eval_set_id
    )
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
    sent = Q(moves__act__in=("start", "publish"), moves__by__isnull=False)
    out = others.filter(sent).aggregate(at=Max("moves__at"))["at"]
    moments: list[datetime | None] = [
        release.created_at,
        out or others.aggregate(at=Min("created_at"))["at"],
    ]
    for version in release.versions.select_related("prompt__current"):
        current = version.prompt.current
        newer = PromptVersion.objects.filter(
            prompt=version.prompt_id, number__gt=current.number if current else 0
        )
        moments.append(newer.aggregate(at=Min("created_at"))["at"])
    return min(moment for moment in moments if moment is not None)


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
    prompts = release.versions.values_list("prompt", flat=True)
    mine = [each for each in eased if each.actor_id == by]
    return [*audit.unheld_alone(prompts, by), *mine]
