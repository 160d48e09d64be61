"""The roles of the studio, as groups with rights. Made by `manage.py sync_defaults` where they are missing.

A group that is there is left alone: whoever gives the rights decides what a role may do.
"""

from django.contrib.auth.models import Group, Permission

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
    *(f"{act}_{name}" for act in ("add", "change", "delete") for name in EVALUATION),
    "view_shadowanswer",
    "add_gapsearch",
}
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


def make() -> list[str]:
    """Makes the groups that are missing; their names."""
    known = set(Group.objects.filter(name__in=ROLES).values_list("name", flat=True))
    missing = [name for name in ROLES if name not in known]
    if not missing:
        return []
    Group.objects.bulk_create([Group(name=name) for name in missing], ignore_conflicts=True)
    ids = dict(
        Permission.objects.filter(content_type__app_label__in=["prompts", "chat"]).values_list(
            "codename", "pk"
        )
    )
    given = Group.permissions.through
    given.objects.bulk_create(
        [
            given(group_id=group.pk, permission_id=ids[codename])
            for group in Group.objects.filter(name__in=missing)
            for codename in sorted(ROLES[group.name] & ids.keys())
        ],
        ignore_conflicts=True,
    )
    return missing
