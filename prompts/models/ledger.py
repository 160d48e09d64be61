"""What models cost and how they fared: a row per attempt, budgets, and the tallies the router learns from."""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from prompts.bilingual import pick
from prompts.models.endpoints import NOT_NEGATIVE
from prompts.models.texts import PromptVersion


class ModelCall(models.Model):
    """One attempt at one endpoint: what it cost and how it ended. Holds no text."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    trace_id = models.CharField(max_length=40, db_index=True, help_text="The turn's id")
    purpose = models.CharField(max_length=40)
    inbox = models.CharField(max_length=64, blank=True)
    endpoint = models.CharField(max_length=80)
    model = models.CharField(max_length=120, blank=True)
    prompt_version = models.ForeignKey(
        PromptVersion, on_delete=models.SET_NULL, null=True, blank=True
    )
    attempt = models.PositiveSmallIntegerField(default=1)
    error_class = models.CharField(max_length=20, blank=True)
    wait_ms = models.FloatField(default=0, help_text="Slept before the attempt")
    first_token_ms = models.FloatField(null=True, blank=True)
    total_ms = models.FloatField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    cache_write_tokens = models.PositiveIntegerField(default=0)
    reasoning_tokens = models.PositiveIntegerField(default=0)
    usage = models.JSONField(default=dict, blank=True, help_text="As the vendor sent it")
    usage_estimated = models.BooleanField(default=False)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    currency = models.CharField(max_length=3, default="USD")
    wants_json = models.BooleanField(default=False)
    decision = models.JSONField(
        default=dict, blank=True, help_text='{"cause", "policy", "plan"}; the turn has it whole'
    )
    # The cell of the quality table, and the canary's arm ("" is the control).
    intent = models.CharField(max_length=40, blank=True)
    emotion = models.CharField(max_length=10, blank=True)
    length = models.CharField(max_length=10, blank=True)
    canary = models.CharField(max_length=80, blank=True)
    bucket = models.PositiveSmallIntegerField(null=True, blank=True)
    bucket_source = models.CharField(max_length=12, blank=True)
    release = models.CharField(
        max_length=60, blank=True, db_default="", help_text="Whose wording it was; empty: of none"
    )
    # What came of it: a person took over, the customer's thumb ("up", "down").
    taken_over = models.BooleanField(default=False)
    feedback = models.CharField(max_length=4, blank=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.purpose} {self.error_class or '✓'}"


class Budget(models.Model):
    """What models may cost in one natural day, over everything or in one inbox."""

    inbox = models.CharField(
        max_length=64,
        blank=True,
        unique=True,
        help_text="An inbox's key; empty: all inboxes together",
    )
    per_day = models.DecimalField(
        max_digits=12, decimal_places=2, validators=[NOT_NEGATIVE], help_text="In CNY"
    )
    alert_percent = models.PositiveSmallIntegerField(
        default=80, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    stop = models.BooleanField(default=True, help_text="Used up: SOPs answer until the day is over")
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(per_day__gte=0), name="budget_not_negative")
        ]

    def __str__(self) -> str:
        return self.inbox or pick("全部接入点", "all inboxes")


class QualityCell(models.Model):
    """How an endpoint fared lately at one kind of turn; counted anew from the ledger every few minutes.

    The row with an empty intent, emotion and length is over all its turns.
    """

    endpoint = models.CharField(max_length=80)
    intent = models.CharField(max_length=40, blank=True)
    emotion = models.CharField(max_length=10, blank=True)
    length = models.CharField(max_length=10, blank=True)
    good = models.PositiveIntegerField()
    n = models.PositiveIntegerField()
    p95_ms = models.FloatField(default=0, help_text="To the first token, over the last hour")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "intent", "emotion", "length"], name="quality_cell_once"
            ),
            models.CheckConstraint(condition=Q(good__lte=models.F("n")), name="quality_cell_share"),
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.intent}/{self.emotion}/{self.length}: {self.good}/{self.n}"
