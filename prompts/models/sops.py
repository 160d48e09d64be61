"""SOPs: how kinds of questions are answered, where and when they hold, their imports, and what clashes among them."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from prompts.models.texts import LANGUAGES

ANSWER_CHARS = 4000


class Sop(models.Model):
    """How one kind of question is answered: the customer's words, the answer, the steps behind it.

    The same key in the other language is its pair. Empty lists of shops, SKUs or channels do not narrow it.
    """

    key = models.CharField(max_length=80)
    language = models.CharField(max_length=5, choices=LANGUAGES)
    title = models.CharField(max_length=100)
    category = models.CharField(max_length=40, db_index=True)
    intent = models.CharField(max_length=40)
    answer = models.TextField(validators=[MaxLengthValidator(ANSWER_CHARS)])
    steps = models.JSONField(default=list, blank=True)
    required_slots = models.JSONField(default=list, blank=True)
    tool = models.CharField(max_length=40, blank=True)
    # Where it holds: keys of inboxes, SKUs, channels.
    shops = models.JSONField(default=list, blank=True)
    skus = models.JSONField(default=list, blank=True)
    channels = models.JSONField(default=list, blank=True)
    # When it holds: from the first moment on, and no longer at the second.
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    review_on = models.DateField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)
    # What the shipped default was when it was loaded; a row that differs from it was edited by staff.
    default_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        verbose_name = "SOP"
        verbose_name_plural = "SOPs"
        ordering = ["language", "category", "key"]
        indexes = [models.Index(fields=["language", "category", "key"], name="sop_order")]
        constraints = [
            models.UniqueConstraint(fields=["key", "language"], name="sop_key_language_once"),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_to__isnull=True)
                | Q(valid_from__lt=F("valid_to")),
                name="sop_valid_range",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Raises ValidationError for a time that ends before it begins."""
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise ValidationError({"valid_to": "It ends before it begins. 失效时间早于生效时间。"})


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


class SopFinding(models.Model):
    """Two SOPs that ask nearly the same: near-duplicates, or in conflict because they answer differently."""

    class Kind(models.TextChoices):
        DUPLICATE = "duplicate", "near-duplicate"
        CONFLICT = "conflict", "conflict"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    sop = models.ForeignKey(Sop, on_delete=models.CASCADE, related_name="findings")
    other = models.ForeignKey(Sop, on_delete=models.CASCADE, related_name="+")
    wording = models.CharField(max_length=300)
    other_wording = models.CharField(max_length=300)
    score = models.FloatField(help_text="How alike the wordings are, 0 to 1")
    answers_alike = models.FloatField(help_text="How alike the answers are, 0 to 1")
    ignored = models.BooleanField(default=False)
    found_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["ignored", "kind", "-score"]
        constraints = [
            models.UniqueConstraint(fields=["sop", "other"], name="sop_finding_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["duplicate", "conflict"]), name="sop_finding_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wording} / {self.other_wording}"


class SopImport(models.Model):
    """A file of SOPs on its way in: checked first, which changes nothing, then applied whole or not at all."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting to be checked"
        CHECKED = "checked", "checked"
        APPLYING = "applying", "being applied"
        DONE = "done", "applied"
        FAILED = "failed", "failed"

    file_name = models.CharField(max_length=200)
    file = models.BinaryField(editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    # Why the file could not be read or applied, as a key of prompts.sops' problems with its values.
    problem = models.JSONField(default=dict, blank=True)
    # Each row's fate: [{"row": 2, "key": …, "language": …, "fate": …, "problems": [{"column": …, …}]}]
    fates = models.JSONField(default=list, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    # While a worker checks or applies it.
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "checked", "applying", "done", "failed"]),
                name="sop_import_state",
            )
        ]

    def __str__(self) -> str:
        return self.file_name
