"""The releases that some buckets hear, as every turn needs them. Read by prompts.snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import structlog
from django.db.models import F

from prompts.example_sets import AS_EDITED as EXAMPLES_AS_EDITED
from prompts.llm.router import Policy, PolicyError
from prompts.models import PromptVersion, Release, SopSet
from prompts.retrieval import AS_EDITED

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReleaseTrial:
    """A release with the buckets that hear it. No policy, or no set: what is in force holds."""

    name: str
    first: int
    last: int
    prompts: dict[tuple[str, str], PromptVersion]
    policy: Policy | None
    sop_set: int = AS_EDITED
    example_set: int = EXAMPLES_AS_EDITED

    @property
    def example_sets(self) -> dict[int, int]:
        """The set of examples each of its versions is shown."""
        return {version.pk: self.example_set for version in self.prompts.values()}


@dataclass(frozen=True, slots=True)
class Published:
    """What everybody hears who is in no trial: the release behind each version, and the examples it is shown.

    `others`: the last release whose policy or SOPs are in force, for what a version of no release says.
    """

    releases: Mapping[int, str] = field(default_factory=dict)
    example_sets: Mapping[int, int] = field(default_factory=dict)
    others: str = ""

    def release_of(self, version: PromptVersion | None) -> str:
        """Whose wording a version is; without one, whose SOPs or policy hold; empty: of none."""
        return self.releases.get(version.pk, self.others) if version else self.others


@dataclass(frozen=True, slots=True)
class Shadow:
    """A draft that answers `percent` of turns silently, for `per_day` CNY at most; `release` is its id."""

    release: int
    percent: int
    per_day: Decimal
    trial: ReleaseTrial


def shadows() -> tuple[Shadow, ...]:
    """The drafts that shadow. One that cannot be read is left out with a log line."""
    found = []
    rows = Release.objects.filter(status=Release.Status.DRAFT, shadow_percent__gt=0)
    for row in rows.select_related("policy").order_by("pk"):
        try:
            found.append(Shadow(row.pk, row.shadow_percent, row.shadow_per_day, as_trial(row)))
        except PolicyError:
            log.exception("release_unreadable", release=row.name)
    return tuple(found)


def read() -> tuple[ReleaseTrial, ...]:
    """The releases on canary. One that cannot be read is left out with a log line."""
    found = []
    rows = Release.objects.filter(status=Release.Status.CANARY).select_related("policy")
    for row in rows.order_by("first_bucket"):
        try:
            found.append(as_trial(row))
        except PolicyError:
            log.exception("release_unreadable", release=row.name)
    return tuple(found)


def as_trial(row: Release) -> ReleaseTrial:
    """Raises PolicyError for a policy that cannot be read."""
    versions = row.versions.select_related("prompt")
    policy = row.policy
    return ReleaseTrial(
        name=row.name,
        first=row.first_bucket,
        last=row.last_bucket,
        prompts={(each.prompt.purpose, each.prompt.language): each for each in versions},
        policy=Policy.from_json({**policy.content, "version": str(policy.number)})
        if policy
        else None,
        sop_set=row.sop_set_id or AS_EDITED,
        example_set=row.example_set_id or EXAMPLES_AS_EDITED,
    )


def published() -> Published:
    """Of two releases with the same version the later one."""
    rows = Release.objects.filter(status=Release.Status.PUBLISHED).order_by("published_at", "pk")
    parts = rows.values_list(
        "name", "versions", "example_set", F("policy__active"), F("sop_set__active")
    )
    releases, sets, others = {}, {}, ""
    for name, version, examples, routes, answers in parts:
        releases[version] = name
        sets[version] = examples or EXAMPLES_AS_EDITED
        others = name if routes or answers else others
    return Published(releases, sets, others)


def sops_in_force() -> int:
    """The set of SOPs that everybody hears who is in no trial; AS_EDITED where they hold as they are edited."""
    return SopSet.objects.filter(active=True).values_list("pk", flat=True).first() or AS_EDITED
