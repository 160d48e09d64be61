"""What a release that nobody hears would have answered, beside what was."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from chat.models.conversations import Turn
from prompts.models import Release


class ShadowAnswer(models.Model):
    """A release's silent answer to a turn that somebody else answered. Goes with the turn when it is erased."""

    class Verdict(models.TextChoices):
        BETTER = "better", "better"
        SAME = "same", "as good"
        WORSE = "worse", "worse"

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
    # What staff think of the silent answer beside the other; the last word counts.
    verdict = models.CharField(max_length=6, choices=Verdict.choices, blank=True)
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    judged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["release", "turn"], name="shadow_answer_once"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["", "better", "same", "worse"]),
                name="shadow_answer_verdict",
            ),
        ]
        indexes = [
            models.Index(fields=["release", "-at"], name="shadow_answer_latest"),
            models.Index(fields=["at"], name="shadow_answer_by_time"),
        ]

    def __str__(self) -> str:
        return self.asked[:40]
