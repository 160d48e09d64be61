"""What a release that nobody hears would have answered, beside what was."""

import uuid

from django.db import models
from django.utils import timezone

from chat.models.conversations import Turn
from prompts.models import Release


class ShadowAnswer(models.Model):
    """A release's silent answer to a turn that somebody else answered. Goes with the turn when it is erased."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="shadows")
    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="shadows")
    at = models.DateTimeField(default=timezone.now)
    asked = models.TextField()
    # Of both: text, endpoint, SOPs cited, whether a person was offered, milliseconds, CNY.
    said = models.JSONField()
    would_say = models.JSONField()
    similarity = models.FloatField()
    # Keys of chat.shadow.differences.
    differs = models.JSONField(default=list)

    class Meta:
        ordering = ["-at"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["release", "turn"], name="shadow_answer_once")
        ]
        indexes = [models.Index(fields=["release", "-at"], name="shadow_answer_latest")]

    def __str__(self) -> str:
        return self.asked[:40]
