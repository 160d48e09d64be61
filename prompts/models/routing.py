"""Who answers which turn: route policies by version, canaries, and what happens under load."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from prompts.bilingual import pick
from prompts.models.endpoints import ModelEndpoint

BUCKET = [MinValueValidator(0), MaxValueValidator(99)]
POINTS = [MinValueValidator(0.0), MaxValueValidator(100.0)]


class RoutePolicy(models.Model):
    """One version of how endpoints are chosen, as `prompts.llm.router.Policy` reads it. Versions are only added."""

    number = models.PositiveIntegerField(unique=True, editable=False)
    content = models.JSONField(default=dict, blank=True)
    note = models.CharField(max_length=200, blank=True)
    active = models.BooleanField(default=False, editable=False)
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
        verbose_name_plural = "route policies"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["active"], condition=Q(active=True), name="route_policy_one_active"
            )
        ]

    def __str__(self) -> str:
        return pick(f"策略 {self.number}", f"policy {self.number}")


class Canary(models.Model):
    """Sends the conversations of some buckets (order number tail % 100) to another endpoint, under guard."""

    class Status(models.TextChoices):
        DRAFT = "draft", "draft"
        RUNNING = "running", "running"
        ROLLED_BACK = "rolled_back", "rolled back"
        FINISHED = "finished", "finished"

    name = models.CharField(max_length=80, unique=True)
    endpoint = models.ForeignKey(ModelEndpoint, on_delete=models.PROTECT, related_name="canaries")
    first_bucket = models.PositiveSmallIntegerField(default=0, validators=BUCKET)
    last_bucket = models.PositiveSmallIntegerField(default=4, validators=BUCKET)
    status = models.CharField(
        max_length=12, choices=Status.choices, default=Status.DRAFT, editable=False
    )
    automatic = models.BooleanField(
        default=True, help_text="Roll back by itself when a guard is broken"
    )
    min_samples = models.PositiveIntegerField(
        default=200, help_text="Turns of the arm before a guard may speak"
    )
    max_error_points = models.FloatField(
        default=2.0,
        validators=POINTS,
        help_text="Failed calls above the control, in percentage points",
    )
    max_json_points = models.FloatField(
        default=2.0, validators=POINTS, help_text="Unusable JSON answers above the control"
    )
    max_takeover_points = models.FloatField(
        default=5.0, validators=POINTS, help_text="Takeovers by people above the control"
    )
    max_p99_factor = models.FloatField(
        default=1.5,
        validators=[MinValueValidator(1.0)],
        help_text="p99 of the answer, times the control's",
    )
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    reason = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "canaries"
        ordering = ["-started_at", "name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_bucket__lte=F("last_bucket"), last_bucket__lte=99),
                name="canary_range",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "running", "rolled_back", "finished"]),
                name="canary_status",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.first_bucket}-{self.last_bucket})"

    def clean(self) -> None:
        """Raises ValidationError for a range that ends before it begins."""
        if self.first_bucket > self.last_bucket:
            raise ValidationError(
                {"last_bucket": "The range ends before it begins. 区间的终点早于起点。"}
            )


class LoadPolicy(models.Model):
    """The one row of thresholds for requests a second over all processes, and the level set by hand."""

    enter_light = models.FloatField(
        default=50.0, help_text="Above: others than VIPs get light models"
    )
    enter_sop = models.FloatField(default=75.0, help_text="Above: they get SOP answers")
    enter_queue = models.FloatField(default=100.0, help_text="Above: they wait")
    leave_light = models.FloatField(default=40.0)
    leave_sop = models.FloatField(default=60.0)
    leave_queue = models.FloatField(default=80.0)
    hold_seconds = models.FloatField(
        default=10.0, help_text="How long the rate must stay below before a level is left"
    )
    mean_seconds = models.PositiveSmallIntegerField(default=3)
    forced_level = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)
    forced_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "load policy"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="load_policy_one_row"),
            models.CheckConstraint(
                condition=Q(forced_level__isnull=True) | Q(forced_level__lte=3),
                name="load_policy_forced_level",
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
