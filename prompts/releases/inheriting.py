"""What a release that was published later goes back to, once one that came before it has been taken back."""

from django.db.models import QuerySet

from prompts.models import Release

Status = Release.Status


def published_besides(release: Release) -> QuerySet[Release]:
    return Release.objects.filter(status=Status.PUBLISHED).exclude(pk=release.pk)


def superseded_by(release: Release) -> list[int]:
    """The releases that ended with it; an older row names the one."""
    previous = release.previous
    ended = previous["superseded"] if "superseded" in previous else [previous["release"]]
    return [pk for pk in ended if pk is not None]


def held_elsewhere(release: Release) -> dict[tuple[str, int], set[int]]:
    """By each part of a release: the others that hold the same."""
    others = Release.objects.exclude(pk=release.pk)
    found = {
        ("version", version.pk): set(others.filter(versions=version).values_list("pk", flat=True))
        for version in release.versions.all()
    }
    for kind, name in (("policy", "policy_id"), ("sops", "sop_set_id")):
        part = getattr(release, name)
        if part is not None:
            same = others.filter(**{name: part})
            found[kind, part] = set(same.values_list("pk", flat=True))
    return found


def pass_on(release: Release) -> None:
    """Who replaced something of a release that is taken back gives way, one day, to what that had replaced.

    Not where a further release holds it too that is published, or will be once that one gives way.
    """
    holders = held_elsewhere(release)
    published = set(published_besides(release).values_list("pk", flat=True))
    later = Release.objects.filter(status__in=(Status.PUBLISHED, Status.SUPERSEDED))
    for other in later.exclude(pk=release.pk).exclude(previous={}):
        stay = (published | {*superseded_by(other)}) - {other.pk}
        gone = {part for part, holding in holders.items() if not holding & stay}
        before = dict(other.previous)
        before["prompts"] = {
            prompt: release.previous["prompts"][prompt] if ("version", pk) in gone else pk
            for prompt, pk in before["prompts"].items()
        }
        if ("policy", before["policy"]) in gone:
            before["policy"] = release.previous["policy"]
        if ("sops", before.get("sops")) in gone:
            before |= {name: release.previous[name] for name in ("sops", "edited")}
        if release.pk in superseded_by(other):
            before["superseded"] = [*superseded_by(other), *superseded_by(release)]
        if before != other.previous:
            Release.objects.filter(pk=other.pk).update(previous=before)
