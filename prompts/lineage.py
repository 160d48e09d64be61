"""What became of a prompt's versions, and which one its editor goes on from. Only reads; called by versions and the studio.

That a version was heard is told by the audit (it was in force) and by releases (it was on canary).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from prompts import audit
from prompts.models import AuditEntry, Prompt, PromptVersion, Release

Status = Release.Status


@dataclass(frozen=True, slots=True)
class Lineage:
    """The version in force, the newest one, and the ids of those that customers heard before or hear on canary."""

    current: PromptVersion | None
    newest: PromptVersion | None
    heard: frozenset[int] = frozenset()
    # Names of the releases that have it on canary, by version.
    on_canary: Mapping[int, str] = field(default_factory=dict)

    @property
    def opened(self) -> PromptVersion | None:
        """What its editor goes on from: the newest version while it waits or is on canary, else the one in force."""
        newest = self.newest
        if newest is None or not self.is_newer(newest) or self.is_taken_back(newest):
            return self.current
        return newest

    def is_newer(self, version: PromptVersion) -> bool:
        """Than the one in force."""
        return self.current is None or version.number > self.current.number

    def is_taken_back(self, version: PromptVersion) -> bool:
        """Customers heard it; now they hear an older one, or nothing."""
        heard = version.pk in self.heard and version.pk not in self.on_canary
        return heard and self.is_newer(version)

    def is_waiting(self, version: PromptVersion) -> bool:
        """It is newer than the one in force, and no customer ever heard it."""
        return self.is_newer(version) and version.pk not in {*self.heard, *self.on_canary}


def read(prompt: Prompt) -> Lineage:
    newest = prompt.versions.select_related("created_by").order_by("-number").first()
    held = Release.versions.through.objects.filter(
        promptversion__prompt=prompt, release__status__in=[Status.CANARY, Status.ROLLED_BACK]
    )
    rows = list(held.values_list("promptversion_id", "release__status", "release__name"))
    return Lineage(
        prompt.current,
        newest,
        spoken(prompt).union(pk for pk, status, _ in rows if status == Status.ROLLED_BACK),
        {pk: name for pk, status, name in rows if status == Status.CANARY},
    )


def spoken(prompt: Prompt) -> frozenset[int]:
    """Ids of the versions that were in force at some time."""
    rows = AuditEntry.objects.filter(model=audit.model_of(prompt), object_pk=str(prompt.pk))
    changes = rows.filter(changes__has_key="current_id").values_list(
        "changes__current_id", flat=True
    )
    return frozenset(pk for change in changes for pk in change if pk is not None)
