"""The rows of the model comparison: a run over endpoints and measures, and every answer in it. Part of analytics.models."""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Comparison(models.Model):
    """One comparison, by whoever holds its lease; what was answered stays, so that it can go on.

    `endpoints` is what the rows of the endpoints said when it began; `options` are comparison.plan.Options.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        PARTIAL = "partial"
        CANCELLED = "cancelled"

    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    # Why it is only a part: "money", "calls", "day" (the day's budget for all models), "endpoints".
    why = models.CharField(max_length=10, blank=True)
    endpoints = models.JSONField(default=list)
    measures = models.JSONField(default=list)
    options = models.JSONField(default=dict)
    max_calls = models.PositiveIntegerField(null=True)
    max_cny = models.DecimalField(
        max_digits=10, decimal_places=4, null=True, validators=[MinValueValidator(0)]
    )
    # Workers go on with it by themselves; a command's run waits for the command.
    in_background = models.BooleanField(default=True)
    lease_until = models.DateTimeField(null=True)
    holder = models.UUIDField(null=True)
    total = models.PositiveIntegerField(default=0)
    # The table so far, as comparison.table makes it.
    report = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        ordering = ["-pk"]
        permissions = [("run_comparison", "Can start model comparisons, which cost money")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "done", "partial", "cancelled"]),
                name="comparison_state",
            )
        ]

    def __str__(self) -> str:
        return f"comparison {self.pk} {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in {self.State.WAITING, self.State.RUNNING}


class ComparedAnswer(models.Model):
    """What an endpoint said to one item of one measure. `right` is None where nothing is graded or nobody answered."""

    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="answers")
    endpoint = models.CharField(max_length=80)
    measure = models.CharField(max_length=20)
    item = models.CharField(max_length=60)
    right = models.BooleanField(null=True)
    # What was meant and what was understood, as labels, letters or calls; of a probe the tokens it was made of.
    wanted = models.CharField(max_length=300, blank=True)
    said = models.CharField(max_length=300, blank=True)
    answer = models.TextField(blank=True)
    error_class = models.CharField(max_length=20, blank=True)
    attempts = models.PositiveSmallIntegerField(default=1)
    # Under load both count from when the request was due.
    first_token_ms = models.FloatField(null=True)
    total_ms = models.FloatField(default=0)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    # Of all its attempts.
    cost_cny = models.DecimalField(max_digits=14, decimal_places=8, default=Decimal(0))
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["comparison", "endpoint", "measure", "item"], name="compared_answer_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.measure} {self.item}"
