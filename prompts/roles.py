"""The roles of the studio, as groups with rights. Brought up to date by `manage.py sync_defaults`, at every start.

A role gets each of its rights once: what a later version adds comes along, and what whoever gives the rights took away
or added stays as they want it.
"""

from collections.abc import Mapping

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from prompts.models import RoleGrant

READ = (
    "prompt", "promptversion", "promptdraft", "fewshotexample", "sop", "sopquestion", "sopfinding", "sopimport",
    "evalset", "evalcase", "evalrun", "evalresult", "release", "releasemove", "publishrequest",
    "routepolicy", "canary", "intent", "intentexample", "auditentry",
)  # fmt: skip
EVALUATION = ("evalset", "evalcase")
WRITTEN = ("prompt", "fewshotexample", "sop", "sopquestion", "intent", "intentexample")
# What customers asked and nobody could answer stands beside their conversations.
GAPS = ("gap", "gapsearch")
VIEWED = {f"view_{name}" for name in (*READ, *GAPS)}
REVIEWED = {
    # One click on a bad message makes a case of it; a thread is asked once more on another version.
    "view_message", "view_conversation", "view_turn",
    *(f"{act}_{name}" for act in ("add", "change", "delete") for name in EVALUATION),
    "view_shadowanswer",
    "add_gapsearch",
}  # fmt: skip
EDITED = {
    *REVIEWED,
    *(f"{act}_{name}" for act in ("add", "change") for name in WRITTEN),
    "delete_fewshotexample", "delete_sop", "delete_sopquestion", "change_sopfinding", "add_release", "change_gap",
}  # fmt: skip
ROLES = {
    "studio viewer": VIEWED,
    "studio reviewer": VIEWED | REVIEWED,
    "studio editor": VIEWED | EDITED,
    "studio publisher": VIEWED | REVIEWED | {"add_release", "publish_release"},
}


@transaction.atomic
def make() -> dict[str, list[str]]:
    """Makes the groups that are missing and gives each what it was never given: names of rights by group."""
    Group.objects.bulk_create([Group(name=name) for name in ROLES], ignore_conflicts=True)
    # In one order, so that of two starts at once the second waits and finds nothing to do.
    groups = list(Group.objects.filter(name__in=ROLES).order_by("pk").select_for_update())
    rights = dict(
        Permission.objects.filter(content_type__app_label__in=["prompts", "chat"]).values_list(
            "codename", "pk"
        )
    )
    given = dict(RoleGrant.objects.filter(group__in=groups).values_list("group", "given"))
    new = {
        group: sorted((ROLES[group.name] & rights.keys()) - set(given.get(group.pk, ())))
        for group in groups
    }
    give({group: names for group, names in new.items() if names}, rights, given)
    return {group.name: names for group, names in new.items() if names}


def give(
    new: Mapping[Group, list[str]], rights: Mapping[str, int], given: Mapping[int, list[str]]
) -> None:
    """Adds rights to groups, and notes that they were given."""
    member = Group.permissions.through
    added = [
        member(group_id=group.pk, permission_id=rights[name])
        for group, names in new.items()
        for name in names
    ]
    member.objects.bulk_create(added, ignore_conflicts=True)
    RoleGrant.objects.bulk_create(
        [
            RoleGrant(group=group, given=sorted({*given.get(group.pk, ()), *names}))
            for group, names in new.items()
        ],
        update_conflicts=True,
        unique_fields=["group"],
        update_fields=["given"],
    )
