"""What keeps a release from customers until its evaluation set passed on it, and how two people go without."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from prompts.models import EvalRun, Release
from prompts.releases.history import note

Status = Release.Status


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a release may go to customers; `run` is the latest finished run of its set on it."""

    is_open: bool
    run: EvalRun | None
    overridden: bool


def gate(release: Release) -> Gate:
    """Open when the latest finished run of its set on it passed, or two people agreed to go without."""
    runs = EvalRun.objects.filter(release=release, set=release.eval_set_id, state="done")
    run = runs.select_related("set").order_by("-pk").first()
    overridden = release.override_by_id is not None
    return Gate(overridden or (run is not None and run.passes), run, overridden)


def ask_to_override(release: Release, *, reason: str, user_id: int) -> bool:
    """Asks another person to let a draft out in spite of its gate; False without a reason, or when it is no draft."""
    said = reason.strip()[:200]
    if not said:
        return False
    rows = Release.objects.filter(pk=release.pk, status=Status.DRAFT, override_by=None)
    asked = {"override_reason": said, "override_asked_by_id": user_id}
    return written(release, rows.update, asked, act="override_asked", by=user_id, detail=said)


def agree_to_override(release: Release, *, user_id: int) -> bool:
    """Agrees; False for whoever asked, and where nobody did."""
    asked = Release.objects.filter(pk=release.pk, status=Status.DRAFT, override_by=None)
    others = asked.exclude(override_asked_by=None).exclude(override_asked_by=user_id)
    agreed = {"override_by_id": user_id}
    return written(release, others.update, agreed, act="override_agreed", by=user_id)


def written(
    release: Release,
    update: Callable[..., int],
    changes: dict[str, Any],
    *,
    act: str,
    by: int,
    detail: str = "",
) -> bool:
    """The change of a draft with its step on record; False when there was nothing to change."""
    with transaction.atomic():
        done = bool(update(**changes))
        if done:
            note(release, act, before=Status.DRAFT, after=Status.DRAFT, by=by, detail=detail)
    return done
