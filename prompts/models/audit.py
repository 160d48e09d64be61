"""Who changed what: a row per change of what staff edit, written by triggers in the same transaction."""

from django.db import models
from django.utils import timezone


class AuditEntry(models.Model):
    """One change of one row, field by field. Triggers write it, whatever wrote the row; nobody changes or deletes it."""

    class Act(models.TextChoices):
        ADDED = "added", "added"
        CHANGED = "changed", "changed"
        DELETED = "deleted", "deleted"

    at = models.DateTimeField(default=timezone.now)
    # No foreign key: what somebody did stays when their account goes.
    actor_id = models.BigIntegerField(null=True)
    # The user's name, or what acted without one; empty: the platform by itself.
    actor = models.CharField(max_length=150, blank=True)
    # As "prompts.sop".
    model = models.CharField(max_length=60)
    object_pk = models.CharField(max_length=40)
    label = models.CharField(max_length=200, blank=True)
    act = models.CharField(max_length=10, choices=Act.choices)
    # {field: [before, after]}, phone and card numbers and the like masked by a trigger of the table
    changes = models.JSONField(default=dict)
    # The same for all that was changed in one transaction.
    together = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "change"
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["model", "object_pk", "-id"], name="audit_of_object"),
            models.Index(fields=["actor_id", "-id"], name="audit_of_actor"),
            models.Index(fields=["at"], name="audit_at"),
            models.Index(fields=["together"], name="audit_together"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.model} {self.label}"
