"""The rows of prompts: texts, few-shots, SOPs with their question variants, endpoints and the ledger of calls."""

import uuid

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils import timezone

LANGUAGES = [("zh", "中文"), ("en", "English")]
EMOTIONS = [("negative", "negative"), ("neutral", "neutral"), ("positive", "positive")]
PROVIDERS = [("openai", "OpenAI wire"), ("sop", "SOP answers, no model")]


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


class ModelEndpoint(models.Model):
    """A model at a server. The key is named by its environment variable and never stored."""

    name = models.CharField(max_length=80, unique=True)
    provider = models.CharField(max_length=20, choices=PROVIDERS)
    model = models.CharField(max_length=120, blank=True)
    base_url = models.URLField(blank=True, help_text="Empty: the provider's own, or its *_BASE_URL")
    api_key_env = models.CharField(max_length=80, blank=True)
    enabled = models.BooleanField(default=True)
    priority = models.SmallIntegerField(default=100, help_text="The lowest is asked first")
    context_tokens = models.PositiveIntegerField(default=0)
    max_output_tokens = models.PositiveIntegerField(default=512)
    capabilities = models.JSONField(default=dict, blank=True)
    timeout_seconds = models.FloatField(default=15.0)
    deadline_seconds = models.FloatField(default=30.0)
    price_in = models.DecimalField(max_digits=12, decimal_places=6, default=0, help_text="Per 1k")
    price_out = models.DecimalField(max_digits=12, decimal_places=6, default=0, help_text="Per 1k")
    currency = models.CharField(max_length=3, default="USD")
    # What the shipped default was when it was loaded; a row that differs from it was edited by staff.
    default_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["priority", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(provider__in=[name for name, _ in PROVIDERS]), name="endpoint_provider"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ModelCall(models.Model):
    """One attempt at one endpoint: what it cost and how it ended. Holds no text."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    trace_id = models.CharField(max_length=40, db_index=True, help_text="The turn's id")
    purpose = models.CharField(max_length=40)
    endpoint = models.CharField(max_length=80)
    model = models.CharField(max_length=120, blank=True)
    prompt_version = models.ForeignKey(
        PromptVersion, on_delete=models.SET_NULL, null=True, blank=True
    )
    attempt = models.PositiveSmallIntegerField(default=1)
    error_class = models.CharField(max_length=20, blank=True)
    first_token_ms = models.FloatField(null=True, blank=True)
    total_ms = models.FloatField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    usage = models.JSONField(default=dict, blank=True)
    usage_estimated = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.purpose} {self.error_class or 'ok'}"
