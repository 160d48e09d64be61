"""Moves a release: to some buckets, to all, and back. Every move is one conditional update, on record with who and why."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Literal

import structlog
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from prompts import retrieval
from prompts.llm import canary as arithmetic
from prompts.locks import Lock
from prompts.models import Prompt, PromptVersion, Release, RoutePolicy, SopSet
from prompts.releases.gating import gate, newer_in_force
from prompts.releases.history import note
from prompts.releases.inheriting import pass_on, published_besides, superseded_by
from prompts.releases.loosening import alone
from prompts.snapshot import announce

log = structlog.get_logger(__name__)

Status = Release.Status
IS_HELD = Q(by_release_only=True) | Q(by_release_only=None, guarded_by__isnull=False)


def start(release: Release, *, by: int | None = None) -> bool:
    """Sends the release's buckets to it; False when its gate is shut, it was no draft, or another has its buckets.

    Nor by whoever made its gate easier to pass, as long as nobody else agreed. One with stages begins with its first.
    """
    now = timezone.now()
    with transaction.atomic():
        lock()
        if overlapping(release) is not None or not gate(release).is_open or alone(release, by):
            return False
        changes: dict[str, Any] = {"started_at": now}
        if release.stages:
            changes |= {"stage": 0, "stage_since": now}
        told = range_text(release)
        return move(
            release, "start", Status.DRAFT, to=Status.CANARY, by=by, detail=told, changes=changes
        )


def widen(release: Release, *, first: int, last: int, by: int | None = None) -> bool:
    """Gives a running canary other buckets; False when it does not run, or another has some of them.

    Whoever does so by hand goes on by hand: its stages are over.
    """
    buckets = {"first_bucket": first, "last_bucket": last}
    with transaction.atomic():
        lock()
        wanted = Release(pk=release.pk, **buckets)
        if not 0 <= first <= last < arithmetic.BUCKETS or overlapping(wanted) is not None:
            return False
        told = f"{range_text(release)} → {range_text(wanted)}"
        changes = {**buckets, "stage": None, "paused_at": None}
        return move(
            release, "widen", Status.CANARY, to=Status.CANARY, by=by, detail=told, changes=changes
        )


def shadow(release: Release, *, percent: int, per_day: Decimal, by: int | None) -> bool:
    """Lets a draft answer so many percent of turns silently, for so many CNY a day; False when it is no draft."""
    return move(
        release,
        "shadow",
        Status.DRAFT,
        to=Status.DRAFT,
        by=by,
        detail=f"{percent}%, CNY {per_day}",
        changes={"shadow_percent": percent, "shadow_per_day": per_day},
    )


def to_stage(release: Release, number: int, *, only: Mapping[str, Any]) -> bool:
    """Begins a further stage of a canary that is as `only` says; False when it is not, or another has the buckets."""
    wanted = at_stage(release, number)
    with transaction.atomic():
        lock()
        if overlapping(wanted) is not None:
            return False
        return move(
            release,
            "stage",
            Status.CANARY,
            to=Status.CANARY,
            detail=f"{number + 1}/{len(release.stages)}: {range_text(wanted)}",
            changes={
                "last_bucket": wanted.last_bucket,
                "stage": number,
                "stage_since": timezone.now(),
            },
            only=only,
        )


def at_stage(release: Release, number: int) -> Release:
    """The tails it has at a stage; not stored."""
    last = release.first_bucket + release.stages[number][0] - 1
    return Release(pk=release.pk, first_bucket=release.first_bucket, last_bucket=last)


def publish(
    release: Release,
    *,
    by: int | None = None,
    over: Collection[int] = (),
    only: Mapping[str, Any] | None = None,
) -> bool:
    """Lets everybody hear the release; False when its gate is shut, it is neither draft nor canary, or not as `only` says.

    Nor where it would go back behind versions in force that are newer, except for those named in `over`, nor by
    whoever made its gate easier to pass, as long as nobody else agreed.
    """
    with transaction.atomic():
        lock()
        if not gate(release).is_open or alone(release, by):
            return False
        lock_prompts(release)
        if {each.prompt.current_id for each in newer_in_force(release)} - set(over):
            return False
        replaced = {**put_in_force(release), "superseded": supersede(release)}
        now = timezone.now()
        done = move(
            release,
            "publish",
            Status.DRAFT,
            Status.CANARY,
            to=Status.PUBLISHED,
            by=by,
            changes={
                "previous": replaced,
                "started_at": release.started_at or now,
                "published_at": now,
            },
            only=only,
        )
        if not done:
            # Somebody else moved it meanwhile: nothing of the above holds.
            transaction.set_rollback(True)
        return done


def supersede(release: Release) -> list[int]:
    """Ends every published release of which nothing is left in force that is not this one's, too; their ids."""
    ended = []
    for other in Release.objects.filter(status=Status.PUBLISHED).exclude(pk=release.pk):
        if not speaks(other, besides=release):
            move(other, "supersede", Status.PUBLISHED, to=Status.SUPERSEDED, detail=release.name)
            ended.append(other.pk)
    return ended


def speaks(release: Release, *, besides: Release | None = None) -> bool:
    """Whether a version, the policy or the SOPs of a release are in force, and not because `besides` holds them."""
    versions = Prompt.objects.filter(current__releases=release)
    if besides is not None:
        versions = versions.exclude(current__in=besides.versions.all())
    policy = RoutePolicy.objects.filter(releases=release, active=True)
    sops = SopSet.objects.filter(releases=release, active=True)
    return (
        versions.exists()
        or (not (besides and besides.policy_id == release.policy_id) and policy.exists())
        or (not (besides and besides.sop_set_id == release.sop_set_id) and sops.exists())
    )


def lock_prompts(release: Release) -> None:
    """A version published beside the release waits, or what it replaced would be forgotten."""
    mine = Prompt.objects.filter(versions__releases=release).order_by("pk")
    list(mine.select_for_update(no_key=True))


def put_in_force(release: Release) -> dict[str, Any]:
    """Makes its versions, SOPs and policy the current ones; what they replaced, by id."""
    versions = list(release.versions.select_related("prompt"))
    before = {str(version.prompt_id): version.prompt.current_id for version in versions}
    for version in versions:
        Prompt.objects.filter(pk=version.prompt_id).update(current=version)
    active = RoutePolicy.objects.filter(active=True).first()
    if release.policy_id:
        activate(release.policy_id)
    sops = put_sops_in_force(release.sop_set_id) if release.sop_set_id else {}
    return {"prompts": before, "policy": active.pk if active else None, **sops}


def put_sops_in_force(sop_set: int) -> dict[str, Any]:
    """What everybody heard until now is kept as a set, too, so that a rollback brings just that back."""
    heard = SopSet.objects.filter(active=True).values_list("pk", flat=True).first()
    before = {"sops": heard or retrieval.freeze().pk, "edited": heard is None}
    activate_sops(sop_set)
    return before


def activate_sops(sop_set: int | None) -> None:
    """Lets one set be heard by everybody; None: SOPs hold as they are edited."""
    ended = {"active": False, "follow_asked_by": None, "follow_reason": ""}
    SopSet.objects.filter(active=True).update(**ended)
    if sop_set is not None:
        SopSet.objects.filter(pk=sop_set).update(**{**ended, "active": True})


def activate(policy_id: int | None) -> None:
    """Puts one policy into force; None: the built-in one."""
    RoutePolicy.objects.filter(active=True).update(active=False)
    if policy_id is not None:
        RoutePolicy.objects.filter(pk=policy_id).update(active=True)


def follow_edits(*, reason: str, by: int | None) -> Literal["done", "asked", "no"]:
    """Lets everybody hear the SOPs as they are edited, from now on; "no" when they do already.

    Where prompts go out by releases only another person has to agree first: then it is "asked".
    """
    with transaction.atomic():
        lock()
        heard = SopSet.objects.filter(active=True).defer("members", "terms").first()
        if heard is None:
            return "no"
        if Prompt.objects.filter(IS_HELD).exists():
            asked = {"follow_reason": reason, "follow_asked_by_id": by}
            SopSet.objects.filter(pk=heard.pk).update(**asked)
            return "asked"
        unfreeze(heard, reason=reason, by=by)
        return "done"


def agree_to_follow(*, by: int) -> bool:
    """Agrees that edits hold at once; False for whoever asked, and where nobody did."""
    with transaction.atomic():
        lock()
        asked = SopSet.objects.filter(active=True).exclude(follow_asked_by=None)
        heard = asked.exclude(follow_asked_by=by).defer("members", "terms").first()
        if heard is None:
            return False
        unfreeze(heard, reason=heard.follow_reason, by=by)
        return True


def unfreeze(heard: SopSet, *, reason: str, by: int | None) -> None:
    """On record with why in the audit, and on the page of the last release that held these SOPs, if one did."""
    ended = {"active": False, "follow_asked_by": None, "follow_reason": reason[:200]}
    SopSet.objects.filter(pk=heard.pk).update(**ended)
    went_out = Release.objects.filter(sop_set=heard).exclude(published_at=None)
    release = went_out.order_by("-published_at").first()
    if release is not None:
        same = {"before": release.status, "after": release.status}
        note(release, "follow_edits", **same, by=by, detail=reason)
    announce()


def roll_back(
    release: Release,
    reason: str,
    *,
    by: int | None = None,
    only: Mapping[str, Any] | None = None,
) -> bool:
    """Takes a release back, wherever it went; False when no customer hears it, or it is not as `only` says.

    What was put into force after it stays: only what is still the release's own gives way to what it replaced.
    """
    ended = {"ended_at": timezone.now(), "reason": reason[:200]}
    with transaction.atomic():
        lock()
        for status in (Status.CANARY, Status.PUBLISHED):
            if move(
                release,
                "roll_back",
                status,
                to=Status.ROLLED_BACK,
                by=by,
                detail=reason,
                changes=ended,
                only=only,
            ):
                if status == Status.PUBLISHED:
                    put_back(Release.objects.get(pk=release.pk))
                return True
        return False


def put_back(release: Release) -> None:
    """What another published release holds as well stays."""
    others = published_besides(release)
    theirs = PromptVersion.objects.filter(releases__in=others)
    for version in release.versions.exclude(pk__in=theirs):
        before = release.previous["prompts"][str(version.prompt_id)]
        Prompt.objects.filter(pk=version.prompt_id, current=version).update(current_id=before)
    policy = release.policy
    if (
        policy is not None
        and policy.active
        and policy.pk not in others.values_list("policy", flat=True)
    ):
        activate(release.previous["policy"])
    if release.sop_set_id not in others.values_list("sop_set", flat=True):
        put_sops_back(release)
    pass_on(release)
    for earlier in Release.objects.filter(pk__in=superseded_by(release)):
        if speaks(earlier):
            told = release.name
            move(earlier, "restore", Status.SUPERSEDED, to=Status.PUBLISHED, detail=told)


def put_sops_back(release: Release) -> None:
    """The SOPs that were heard before it. Where they held as edited and nothing was edited since, they do again."""
    heard = release.sop_set is not None and release.sop_set.active
    if not heard or "sops" not in release.previous:
        return
    before = release.previous["sops"]
    unchanged = release.previous["edited"] and not retrieval.differences(before)
    activate_sops(None if unchanged else before)


def move(
    release: Release,
    act: str,
    *from_: str,
    to: str,
    by: int | None = None,
    detail: str = "",
    changes: Mapping[str, Any] | None = None,
    only: Mapping[str, Any] | None = None,
) -> bool:
    """Moves it from one of the states, with the step on record; False when it was in none, or not as `only` says."""
    rows = Release.objects.filter(pk=release.pk, **(only or {}))
    with transaction.atomic():
        for before in from_:
            if rows.filter(status=before).update(status=to, **(changes or {})):
                note(release, act, before=before, after=to, by=by, detail=detail)
                announce()
                log.warning("release_moved", release=release.name, act=act, status=str(to))
                return True
    return False


def lock() -> None:
    """One move at a time, or two that overlap could each find that the other does not run yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.MOVING_RELEASES])


def range_text(release: Release) -> str:
    """As "00–04 (5%)"."""
    width = release.last_bucket - release.first_bucket + 1
    return f"{release.first_bucket:02d}–{release.last_bucket:02d} ({width}%)"


def overlapping(release: Release) -> Release | None:
    """Another release on some of the same buckets."""
    running = Release.objects.filter(
        status=Status.CANARY,
        first_bucket__lte=release.last_bucket,
        last_bucket__gte=release.first_bucket,
    )
    return running.exclude(pk=release.pk).first()
