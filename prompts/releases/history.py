"""The story of a release, step by step."""

from prompts.models import Release, ReleaseMove


def note(
    release: Release, act: str, *, before: str, after: str, by: int | None = None, detail: str = ""
) -> None:
    """Adds a step, in the transaction of the move itself. `by` nobody: it went by itself."""
    ReleaseMove.objects.create(
        release_id=release.pk, act=act, before=before, after=after, by_id=by, detail=detail[:300]
    )
