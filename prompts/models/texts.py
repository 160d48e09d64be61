"""What staff write: prompts and their versions, few-shot examples, SOPs with their question variants."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils import timezone

LANGUAGES = [("zh", "中文"), ("en", "English")]
EMOTIONS = [("negative", "negative"), ("neutral", "neutral"), ("positive", "positive")]


class Prompt(models.Model):
    """One purpose in one language, as answer/zh. Its versions hold the text."""

    purpose = models.CharField(max_length=40)
    language = models.CharField(max_length=5, choices=LANGUAGES)
    title = models.CharField(max_length=100)
    current = models.ForeignKey(
        "PromptVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="current_of"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["purpose", "language"], name="prompt_purpose_language_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} ({self.language})"


class PromptVersion(models.Model):
    """A text with {{variables}}. Versions are only added; which one is used is `Prompt.current`."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    variables = models.JSONField(default=list, blank=True)
    note = models.CharField(max_length=200, blank=True)
    # What the shipped default was when it was loaded; a row that differs from it was edited by staff.
    default_digest = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["prompt", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["prompt", "number"], name="prompt_version_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.prompt} v{self.number}"


class FewShotExample(models.Model):
    """A short dialogue shown to the model, as [{"role": "visitor", "text": …}, {"role": "bot", "text": …}]."""

    key = models.CharField(max_length=80)
    language = models.CharField(max_length=5, choices=LANGUAGES)
    intent = models.CharField(max_length=40)
    emotion = models.CharField(max_length=10, choices=EMOTIONS, default="neutral")
    messages = models.JSONField(default=list)
    tags = models.JSONField(default=list, blank=True)
    enabled = models.BooleanField(default=True)
    # What the shipped default was when it was loaded; a row that differs from it was edited by staff.
    default_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "language"], name="example_key_language_once")
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.language})"


class Sop(models.Model):
    """How one kind of question is answered: the customer's words, the answer, the steps behind it."""

    key = models.CharField(max_length=80)
    language = models.CharField(max_length=5, choices=LANGUAGES)
    title = models.CharField(max_length=100)
    category = models.CharField(max_length=40, db_index=True)
    intent = models.CharField(max_length=40)
    answer = models.TextField()
    steps = models.JSONField(default=list, blank=True)
    required_slots = models.JSONField(default=list, blank=True)
    tool = models.CharField(max_length=40, blank=True)
    enabled = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)
    # What the shipped default was when it was loaded; a row that differs from it was edited by staff.
    default_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = "SOP"
        verbose_name_plural = "SOPs"
        ordering = ["language", "category", "key"]
        constraints = [
            models.UniqueConstraint(fields=["key", "language"], name="sop_key_language_once")
        ]

    def __str__(self) -> str:
        return self.title


class SopQuestion(models.Model):
    """One wording of an SOP's question; the title counts as one. `vector` is kept by prompts.retrieval."""

    sop = models.ForeignKey(Sop, on_delete=models.CASCADE, related_name="questions")
    text = models.CharField(max_length=300)
    vector = SearchVectorField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sop", "text"], name="sop_question_once_per_sop")
        ]
        indexes = [GinIndex(fields=["vector"], name="sop_question_vector", fastupdate=False)]

    def __str__(self) -> str:
        return self.text
