"""Releases: wordings, SOPs and a policy that were tried together, and go to customers together."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from prompts.models.evaluation import EvalSet
from prompts.models.frozen import ExampleSet, SopSet
from prompts.models.routing import BUCKET, POINTS, RoutePolicy
from prompts.models.texts import PromptVersion


class Release(models.Model):
    """What it holds is fixed when it is made; then it only moves: draft, canary, published, and back.

    A canary sends some buckets to it, under guard; published, its versions are their
    prompts' current ones, until others have replaced them all.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "draft"
        CANARY = "canary", "canary"
        PUBLISHED = "published", "published"
        SUPERSEDED = "superseded", "superseded"
        ROLLED_BACK = "rolled_back", "rolled back"

    name = models.SlugField(max_length=60, unique=True)
    note = models.CharField(max_length=200)
    versions = models.ManyToManyField(PromptVersion, related_name="releases", blank=True)
    policy = models.ForeignKey(
        RoutePolicy, on_delete=models.PROTECT, null=True, blank=True, related_name="releases"
    )
    eval_set = models.ForeignKey(EvalSet, on_delete=models.PROTECT, related_name="releases")
    # The SOPs as they were when it was made; none: those in force stay.
    sop_set = models.ForeignKey(
        SopSet,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="releases",
    )
    # The examples its versions are shown, as they were when it was made; none: as they are edited.
    example_set = models.ForeignKey(
        ExampleSet,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="releases",
    )
    status = models.CharField(
        max_length=12, choices=Status.choices, default=Status.DRAFT, editable=False
    )
    first_bucket = models.PositiveSmallIntegerField(default=0, validators=BUCKET)
    last_bucket = models.PositiveSmallIntegerField(default=4, validators=BUCKET)
    # [[percent, minutes], …] in growing percent, then all; empty: moved by hand.
    stages = models.JSONField(default=list, blank=True)
    # Turns a stage has to see before the next one begins.
    stage_samples = models.PositiveIntegerField(default=100, db_default=100)
    # Where it is: None where it is moved by hand.
    stage = models.PositiveSmallIntegerField(null=True, editable=False)
    stage_since = models.DateTimeField(null=True, editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)
    # While it is a draft it answers this share of turns silently, for so many CNY a day at most.
    shadow_percent = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False, validators=[MaxValueValidator(100)]
    )
    shadow_per_day = models.DecimalField(
        max_digits=8, decimal_places=2, default=5, db_default=5, editable=False
    )
    automatic = models.BooleanField(default=True)
    min_samples = models.PositiveIntegerField(default=200)
    max_error_points = models.FloatField(default=2.0, validators=POINTS)
    max_negative_points = models.FloatField(default=10.0, validators=POINTS)
    max_takeover_points = models.FloatField(default=5.0, validators=POINTS)
    max_p99_factor = models.FloatField(default=1.5, validators=[MinValueValidator(1.0)])
    # What publishing replaced, by id: {"prompts": {prompt: version}, "policy": policy, "sops": set,
    # "edited": whether SOPs held as they were edited, "superseded": the releases of which nothing was left}.
    previous = models.JSONField(default=dict, editable=False)
    # Goes out though its set did not pass: one person asks and says why, another agrees.
    override_reason = models.CharField(max_length=200, blank=True, editable=False)
    override_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )
    override_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    started_at = models.DateTimeField(null=True, editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    reason = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        ordering = ["-pk"]
        permissions = [("publish_release", "Can publish and roll back releases")]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_bucket__lte=F("last_bucket"), last_bucket__lte=99),
                name="release_range",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["draft", "canary", "published", "superseded", "rolled_back"]
                ),
                name="release_status",
            ),
            models.CheckConstraint(
                condition=Q(override_by=None) | ~Q(override_by=F("override_asked_by")),
                name="release_override_by_another",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError for a range that ends before it begins."""
        if self.first_bucket > self.last_bucket:
            raise ValidationError(
                {"last_bucket": "The range ends before it begins. 区间的终点早于起点。"}
            )


class ReleaseMove(models.Model):
    """One step of a release: who (nobody: it went by itself), when, from which state to which, and why."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="moves")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    act = models.CharField(max_length=20)
    before = models.CharField(max_length=12)
    after = models.CharField(max_length=12)
    detail = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.release_id}: {self.act} ({self.before} → {self.after})"
