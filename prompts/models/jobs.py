"""Work that somebody asked for and one worker does, while others look on."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Job(models.Model):
    """What prompts.lease takes and keeps, beside a `state` of its own: who asked for how much, and when it was over."""

    lease_until = models.DateTimeField(null=True, blank=True)
    total = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        abstract = True
