"""What customers mean: intents with examples that staff edit, and the classifiers trained from them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from prompts.bilingual import pick
from prompts.models.texts import EMOTIONS, LANGUAGES


class Intent(models.Model):
    """One thing a customer may want. The shipped names stay; staff may add their own."""

    name = models.SlugField(max_length=40, unique=True)
    title_zh = models.CharField(max_length=60, blank=True)
    title_en = models.CharField(max_length=60, blank=True)
    enabled = models.BooleanField(default=True)
    # What the shipped default was when it was loaded; a row that differs from it was edited by staff.
    default_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class IntentExample(models.Model):
    """Words a customer used, and what was meant. A candidate counts only once staff accepted it."""

    class Source(models.TextChoices):
        DEFAULT = "default", "shipped"
        STAFF = "staff", "staff"
        CANDIDATE = "candidate", "candidate"

    intent = models.ForeignKey(Intent, on_delete=models.CASCADE, related_name="examples")
    language = models.CharField(max_length=5, choices=LANGUAGES)
    text = models.CharField(max_length=200)
    emotion = models.CharField(max_length=10, choices=EMOTIONS, default="neutral")
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.STAFF)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Of a candidate: the turn it was said in, and what classifier and model made of it.
    trace_id = models.CharField(max_length=40, blank=True, editable=False, db_index=True)
    opinions = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["intent", "language", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["language", "text"], name="intent_example_once"),
            models.CheckConstraint(
                condition=Q(source__in=["default", "staff", "candidate"]),
                name="intent_example_source",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class Candidate(IntentExample):
    """An example that waits to be judged, on a page of its own; switched off, it was dismissed and stays away."""

    class Meta:
        proxy = True
        ordering = ["-created_at"]


class NluModel(models.Model):
    """A trained classifier. Versions are only added; which one speaks is `active`, and an older one may again."""

    number = models.PositiveIntegerField(unique=True, editable=False)
    weights = models.BinaryField(editable=False)
    digest = models.CharField(max_length=64, editable=False)
    examples = models.PositiveIntegerField(default=0, editable=False)
    accuracy = models.FloatField(default=0, editable=False, help_text="By cross-validation")
    macro_f1 = models.FloatField(default=0, editable=False, help_text="By cross-validation")
    report = models.JSONField(default=dict, editable=False)
    seconds = models.FloatField(default=0, editable=False, help_text="To train")
    active = models.BooleanField(default=False, editable=False)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    class Meta:
        verbose_name = "classifier"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["active"], condition=Q(active=True), name="nlu_model_one_active"
            )
        ]

    def __str__(self) -> str:
        return pick(f"分类器 {self.number}", f"classifier {self.number}")
