"""What the roles of the studio were given by the platform."""

from django.contrib.auth.models import Group
from django.db import models


class RoleGrant(models.Model):
    """The rights that a group was given once, whatever became of them since."""

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="+")
    # Code names of permissions.
    given = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.group.name
