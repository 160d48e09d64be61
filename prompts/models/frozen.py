"""SOPs and examples as they were at a moment: by their content, and the sets of them that releases hold."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from prompts.models.sops import ANSWER_CHARS


class SopVersion(models.Model):
    """What an SOP said and where it held, once for all sets that hold it. Written by prompts.retrieval only."""

    digest = models.CharField(max_length=32, unique=True)
    key = models.CharField(max_length=80)
    language = models.CharField(max_length=5)
    title = models.CharField(max_length=100)
    category = models.CharField(max_length=40)
    intent = models.CharField(max_length=40)
    answer = models.TextField(max_length=ANSWER_CHARS)
    steps = models.JSONField(default=list)
    required_slots = models.JSONField(default=list)
    tool = models.CharField(max_length=40, blank=True)
    shops = models.JSONField(default=list)
    skus = models.JSONField(default=list)
    channels = models.JSONField(default=list)
    valid_from = models.DateTimeField(null=True)
    valid_to = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.title


class SopVersionQuestion(models.Model):
    """One wording of a version's question, searchable as that of an SOP is."""

    version = models.ForeignKey(SopVersion, on_delete=models.CASCADE, related_name="questions")
    text = models.CharField(max_length=300)
    vector = SearchVectorField(null=True)

    class Meta:
        indexes = [GinIndex(fields=["vector"], name="sop_version_vector", fastupdate=False)]

    def __str__(self) -> str:
        return self.text


class SopSet(models.Model):
    """The SOPs of one moment. The active set is what everybody hears who is in no canary; none: SOPs as edited."""

    digest = models.CharField(max_length=32, unique=True)
    members = ArrayField(models.BigIntegerField())
    # {term: [SOPs that hold it, questions that hold it]}
    terms = models.JSONField(default=dict)
    active = models.BooleanField(default=False)
    # Somebody wants edits to hold at once instead; where a gate holds prompts, another has to agree.
    follow_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    follow_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "SOP set"
        constraints = [
            models.UniqueConstraint(
                fields=["active"], condition=Q(active=True), name="sop_set_one_active"
            )
        ]

    def __str__(self) -> str:
        return self.digest[:8]


class ExampleVersion(models.Model):
    """What a few-shot example said, once for all sets that hold it. Written by prompts.example_sets only."""

    digest = models.CharField(max_length=32, unique=True)
    key = models.CharField(max_length=80)
    language = models.CharField(max_length=5)
    intent = models.CharField(max_length=40)
    emotion = models.CharField(max_length=10)
    messages = models.JSONField(default=list)
    tags = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.key} ({self.language})"


class ExampleSet(models.Model):
    """The examples of one moment, shown beside the versions of the releases that hold it."""

    digest = models.CharField(max_length=32, unique=True)
    members = ArrayField(models.BigIntegerField())
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "example set"

    def __str__(self) -> str:
        return self.digest[:8]
