"""The releases that some buckets hear, as every turn needs them. Read by prompts.snapshot."""

from dataclasses import dataclass

import structlog

from prompts.llm.router import Policy, PolicyError
from prompts.models import PromptVersion, Release

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ReleaseTrial:
    """A release with the buckets that hear it. No policy: the one in force holds."""

    name: str
    first: int
    last: int
    prompts: dict[tuple[str, str], PromptVersion]
    policy: Policy | None


def read() -> tuple[ReleaseTrial, ...]:
    """The releases on canary. One that cannot be read is left out with a log line."""
    found = []
    rows = Release.objects.filter(status=Release.Status.CANARY).select_related("policy")
    for row in rows.defer("sops").order_by("first_bucket"):
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
    )


def published() -> str:
    """The release everybody hears who is in no trial; empty: none."""
    names = Release.objects.filter(status=Release.Status.PUBLISHED).values_list("name", flat=True)
    return names.first() or ""
