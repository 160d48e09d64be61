"""What staff write for a model: prompts with drafts and versions, few-shot examples with what came of them."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
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
    # Its versions are tried on this set; releases that hold one are gated by it.
    guarded_by = models.ForeignKey(
        "prompts.EvalSet",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="guards",
    )
    # Whether a version goes to customers by a release only; not said: where a set guards it.
    by_release_only = models.BooleanField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["purpose", "language"], name="prompt_purpose_language_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} ({self.language})"

    @property
    def is_held(self) -> bool:
        """Whether publishing a version of it by itself would go around the gate."""
        if self.by_release_only is not None:
            return self.by_release_only
        return self.guarded_by_id is not None


class Wording(models.Model):
    """What a version says: a frame with {{variables}}, the parts it may be made of, examples and limits.

    The frame names a part as any variable, as {{persona}}; `prompts.rendering.PARTS` lists them.
    """

    class Examples(models.TextChoices):
        NONE = "none", "none"
        FIXED = "fixed", "the same for every turn"
        NEAREST = "nearest", "nearest to the customer's message"

    text = models.TextField()
    variables = models.JSONField(default=list, blank=True)
    persona = models.TextField(blank=True)
    rules = models.TextField(blank=True)
    slots_block = models.TextField(blank=True)
    emotion_addendum = models.TextField(blank=True, help_text="Said only to a negative mood")
    privacy_line = models.TextField(blank=True)
    resume_text = models.TextField(
        blank=True,
        help_text="Offers to go on with the earlier topic; else the prompt `resume` does",
    )
    example_mode = models.CharField(max_length=10, choices=Examples.choices, default=Examples.FIXED)
    # Fixed: these keys in this order; none: the first ones. Nearest: only examples with one of the tags, if any.
    example_keys = models.JSONField(default=list, blank=True)
    example_tags = models.JSONField(default=list, blank=True)
    example_limit = models.PositiveSmallIntegerField(default=3, validators=[MaxValueValidator(20)])
    example_tokens = models.PositiveIntegerField(default=600, validators=[MaxValueValidator(8000)])
    # What the bot may write; empty: whatever the endpoint allows.
    max_chars = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(10), MaxValueValidator(2000)]
    )
    max_output_tokens = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(16), MaxValueValidator(8192)]
    )

    class Meta:
        abstract = True


class PromptVersion(Wording):
    """A wording that stays as it is: a trigger refuses changes. Which one is used is `Prompt.current`."""

    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True)
    # What the shipped default was when it was loaded; a row that differs from it was edited by staff.
    default_digest = models.CharField(max_length=64, blank=True, editable=False)
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
        ordering = ["prompt", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["prompt", "number"], name="prompt_version_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.prompt} v{self.number}"


class PublishRequest(models.Model):
    """One person asks to publish a version without a release, and why; another agrees, and it is published."""

    version = models.ForeignKey(PromptVersion, on_delete=models.CASCADE, related_name="requests")
    reason = models.CharField(max_length=200)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    agreed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    agreed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=Q(agreed_by=None), name="publish_request_one_open"
            ),
            models.CheckConstraint(
                condition=Q(agreed_by=None) | ~Q(agreed_by=models.F("asked_by")),
                name="publish_request_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version_id}: {self.reason}"


class PromptDraft(Wording):
    """The one draft of a prompt. Whoever saves names the revision they saw; another one's is not written over."""

    prompt = models.OneToOneField(Prompt, on_delete=models.CASCADE, related_name="draft")
    text = models.TextField(blank=True)
    revision = models.PositiveIntegerField(default=1)
    note = models.CharField(max_length=200, blank=True)
    based_on = models.ForeignKey(
        PromptVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    def __str__(self) -> str:
        return f"{self.prompt} draft {self.revision}"


class FewShotExample(models.Model):
    """A short dialogue shown to the model, as [{"role": "visitor", "text": …}, {"role": "bot", "text": …}]."""

    class Source(models.TextChoices):
        DEFAULT = "default", "shipped"
        HAND = "hand", "written by hand"
        CONVERSATION = "conversation", "from a conversation"

    key = models.CharField(max_length=80)
    language = models.CharField(max_length=5, choices=LANGUAGES)
    intent = models.CharField(max_length=40)
    emotion = models.CharField(max_length=10, choices=EMOTIONS, default="neutral")
    messages = models.JSONField(default=list)
    tags = models.JSONField(default=list, blank=True)
    enabled = models.BooleanField(default=True)
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.HAND)
    # The turn it was taken from.
    trace_id = models.CharField(max_length=40, blank=True, editable=False)
    # Personal data was looked for and stands as placeholders.
    masked = models.BooleanField(default=False, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    # What the shipped default was when it was loaded; a row that differs from it was edited by staff.
    default_digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["language", "key"]
        constraints = [
            models.UniqueConstraint(fields=["key", "language"], name="example_key_language_once"),
            models.CheckConstraint(
                condition=Q(source__in=["default", "hand", "conversation"]), name="example_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.language})"


class ExampleUse(models.Model):
    """How often an example was shown lately and how often the answer was good; counted anew from the ledger."""

    example = models.OneToOneField(FewShotExample, on_delete=models.CASCADE, related_name="use")
    shown = models.PositiveIntegerField()
    good = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(good__lte=models.F("shown")), name="example_use_share"
            )
        ]

    def __str__(self) -> str:
        return f"{self.good} of {self.shown}"
