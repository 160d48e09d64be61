"""A canary in stages: so many percent for so long, then more, then all; by itself, and only while it does well.

Beat rings every few seconds. Safe to run twice and at once: a step names the stage and the moment it leaves.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from prompts.llm.canary import BUCKETS
from prompts.models import Release
from prompts.releases import evidence, judging, moving
from prompts.releases.history import note
from prompts.releases.sequential import Verdict

log = structlog.get_logger(__name__)

MOST_STAGES = 8
MOST_MINUTES = 14 * 24 * 60
STAGE = re.compile(r"(\d{1,3})\s*%\s*(\d{1,5})\s*(min|m|h|分钟|分|小时|时)", re.IGNORECASE)
HOURS = {"h", "小时", "时"}
BETWEEN = re.compile(r"[\s,，;；、>→-]*")


class BadStages(ValueError):
    """The text is no stages; the message is a key of the page's words."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a staged canary is. `due`: when its hold is over; None while it is paused."""

    at: int
    stages: list[tuple[int, int]]
    since: datetime
    due: datetime | None
    turns: int
    wanted: int
    held: bool
    # Whether the guard has seen enough of this stage to have judged it, and finds nothing.
    judged: bool
    judged_from: int
    guarded: bool
    verdict: Verdict
    # The release that has some of the next stage's tails.
    blocker: Release | None = None

    @property
    def goes_on(self) -> bool:
        """Whether the next stage may begin now."""
        enough = self.turns >= self.wanted and self.verdict.kind != "worse"
        does_well = self.judged and self.guarded and enough
        return self.due is not None and self.held and does_well and self.blocker is None


def read(text: str) -> list[list[int]]:
    """Stages as people write them, "5% 30m, 20% 2h": [percent, minutes] each. Raises BadStages."""
    found = [
        [int(percent), int(much) * (60 if unit.lower() in HOURS else 1)]
        for percent, much, unit in STAGE.findall(text)
    ]
    if BETWEEN.fullmatch(STAGE.sub("", text)) is None:
        raise BadStages("stages_unread")
    percents = [percent for percent, _ in found]
    if len(found) > MOST_STAGES or any(not 1 <= m <= MOST_MINUTES for _, m in found):
        raise BadStages("stages_range")
    if percents != sorted(set(percents)) or any(not 1 <= each < BUCKETS for each in percents):
        raise BadStages("stages_order")
    return found


def written(stages: Sequence[Sequence[int]]) -> str:
    """As `read` reads them."""
    return ", ".join(f"{percent}% {as_hold(minutes)}" for percent, minutes in stages)


def as_hold(minutes: int) -> str:
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def standing(release: Release, *, told: judging.Told | None = None) -> Standing | None:
    """Where it is; None for one that is no canary, or is moved by hand. `told` saves reading again how it fares."""
    if release.status != Release.Status.CANARY or release.stage is None:
        return None
    since = release.stage_since or timezone.now()
    stages = [(percent, minutes) for percent, minutes in release.stages]
    due = since + timedelta(minutes=stages[release.stage][1])
    compared, outcomes = told or judging.told(release)
    # The first stage began with the canary: how that fares is how the stage does.
    arm = outcomes[0] if release.stage == 0 else evidence.read(release, since=since)[0]
    return Standing(
        at=release.stage,
        stages=stages,
        since=since,
        due=None if release.paused_at else due,
        turns=arm.turns,
        wanted=release.stage_samples,
        held=timezone.now() >= due,
        judged=arm.turns >= max(release.min_samples, 1),
        judged_from=release.min_samples,
        guarded=compared.breach is None,
        verdict=evidence.judged(*outcomes),
        blocker=blocker(release),
    )


def blocker(release: Release) -> Release | None:
    """Another release on tails that this one wants next: those of its next stage, of a draft its own."""
    if release.status == Release.Status.DRAFT:
        return moving.overlapping(release)
    following = release.stage + 1 if release.stage is not None else None
    if following is None or following >= len(release.stages):
        return None
    return moving.overlapping(moving.at_stage(release, following))


def pause(release: Release, *, by: int | None) -> bool:
    """Keeps it at its stage until it is resumed; False when it is in none, or paused."""
    rows = Release.objects.filter(stage__isnull=False, paused_at=None)
    return changed(release, rows, "pause", by=by, paused_at=Now())


def resume(release: Release, *, by: int | None) -> bool:
    """Lets it go on; what its stage has held already counts. False when it is not paused."""
    rows = Release.objects.exclude(paused_at=None)
    later = F("stage_since") + (Now() - F("paused_at"))
    return changed(release, rows, "resume", by=by, stage_since=later, paused_at=None)


def changed(release: Release, rows: Any, act: str, *, by: int | None, **values: Any) -> bool:
    canary = Release.Status.CANARY
    with transaction.atomic():
        done = bool(rows.filter(pk=release.pk, status=canary).update(**values))
        if done:
            note(release, act, before=canary, after=canary, by=by)
    return done


def advance() -> list[str]:
    """Takes every canary whose stage has held, and that does well, to its next one; their names."""
    gone = []
    running = Release.objects.filter(
        status=Release.Status.CANARY, stage__isnull=False, paused_at=None
    )
    for release in running.select_related("eval_set"):
        try:
            # What costs nothing is asked first.
            free = is_due(release) and blocker(release) is None
            if free and may_go_on(release) and step(release):
                gone.append(release.name)
        except DatabaseError:
            log.exception("release_not_advanced", release=release.name)
    return gone


def is_due(release: Release) -> bool:
    """Whether its hold is over; asked before anything is counted."""
    held = timedelta(minutes=release.stages[release.stage or 0][1])
    return timezone.now() >= (release.stage_since or timezone.now()) + held


def may_go_on(release: Release) -> bool:
    found = standing(release)
    return found is not None and found.goes_on


def step(release: Release) -> bool:
    """One stage further, or to all; False when somebody else moved, paused or stepped it meanwhile."""
    here = {
        "stage": release.stage,
        "stage_since": release.stage_since,
        "paused_at__isnull": True,
    }
    following = (release.stage or 0) + 1
    if following == len(release.stages):
        return moving.publish(release, only=here)
    return moving.to_stage(release, following, only=here)
