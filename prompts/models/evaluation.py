"""Evaluation sets: cases with what a good answer must be, the runs of a set, and what came of every case."""

from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from prompts.models.endpoints import ModelEndpoint
from prompts.models.jobs import Job
from prompts.models.texts import EMOTIONS, LANGUAGES, PromptVersion

CASE_CHARS = 1000


class EvalSet(models.Model):
    """Cases that a wording is tried on. A release passes with `threshold` percent of them and every critical one."""

    name = models.SlugField(max_length=60, unique=True, allow_unicode=True)
    title = models.CharField(max_length=100)
    threshold = models.FloatField(
        default=95.0, validators=[MinValueValidator(0.0), MaxValueValidator(100.0)]
    )
    # The shop whose tools and SOPs its cases are asked with, by the key of its inbox; empty: none.
    inbox = models.CharField(max_length=64, blank=True)
    # Judges the answers of cases that have a rubric.
    judge = models.ForeignKey(
        ModelEndpoint, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Whether a critical case of which only the judge disapproves fails its run.
    judge_blocks = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "evaluation set"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(threshold__gte=0, threshold__lte=100), name="eval_set_threshold"
            )
        ]

    def __str__(self) -> str:
        return self.title


class EvalCase(models.Model):
    """What a customer says after some history, masked, and what is checked. What is empty is not checked."""

    class Source(models.TextChoices):
        HAND = "hand", "written by hand"
        FILE = "file", "from a file"
        MESSAGE = "message", "from a bad answer"
        AGENT = "agent", "from an agent's correction"

    set = models.ForeignKey(EvalSet, on_delete=models.CASCADE, related_name="cases")
    key = models.CharField(max_length=80)
    language = models.CharField(max_length=5, choices=LANGUAGES, default="zh")
    # [["visitor", "…"], ["bot", "…"]], oldest first.
    history = models.JSONField(default=list, blank=True)
    text = models.TextField()
    intent = models.CharField(max_length=40, blank=True)
    emotion = models.CharField(max_length=10, choices=EMOTIONS, blank=True)
    slots = models.JSONField(default=dict, blank=True)
    must_contain = models.JSONField(default=list, blank=True)
    must_not_contain = models.JSONField(default=list, blank=True)
    max_chars = models.PositiveIntegerField(null=True, blank=True)
    apology_first = models.BooleanField(default=False)
    sop = models.CharField(max_length=80, blank=True)
    no_personal_data = models.BooleanField(default=True)
    valid_json = models.BooleanField(default=False)
    # A tool that is called, and what its arguments are at least.
    tool = models.CharField(max_length=64, blank=True)
    tool_arguments = models.JSONField(default=dict, blank=True)
    # What the set's judge is to find in the answer, and what a person said in its place.
    rubric = models.TextField(blank=True, validators=[MaxLengthValidator(CASE_CHARS)])
    reference = models.TextField(blank=True, validators=[MaxLengthValidator(CASE_CHARS)])
    critical = models.BooleanField(default=False)
    enabled = models.BooleanField(default=True)
    source = models.CharField(
        max_length=10, choices=Source.choices, default=Source.HAND, editable=False
    )
    # The turn of the answer it was taken from.
    trace_id = models.CharField(max_length=40, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "evaluation case"
        ordering = ["set", "key"]
        constraints = [
            models.UniqueConstraint(fields=["set", "key"], name="eval_case_key_once"),
            models.CheckConstraint(
                condition=Q(source__in=["hand", "file", "message", "agent"]),
                name="eval_case_source",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class EvalRun(Job):
    """One pass over a set's cases, by a worker that holds a lease. `subject` says what spoke."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"
        DONE = "done", "done"
        CANCELLED = "cancelled", "cancelled"

    set = models.ForeignKey(EvalSet, on_delete=models.CASCADE, related_name="runs")
    # Spoke in the place of its prompt's current one; empty: what customers hear.
    version = models.ForeignKey(
        PromptVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # The release that spoke whole.
    release = models.ForeignKey(
        "prompts.Release", on_delete=models.CASCADE, null=True, blank=True, related_name="runs"
    )
    subject = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    passed = models.PositiveIntegerField(default=0)
    # The set's when it began; empty: of a run from before this was kept.
    threshold = models.FloatField(null=True, blank=True, editable=False)
    # Of the set and its cases when it began, as prompts.releases.gating tells; empty: from before this was kept.
    cases = models.CharField(max_length=32, blank=True, default="", db_default="", editable=False)
    # Critical cases that failed.
    critical = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "evaluation run"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "done", "cancelled"]),
                name="eval_run_state",
            ),
            models.CheckConstraint(condition=Q(passed__lte=F("total")), name="eval_run_share"),
        ]

    def __str__(self) -> str:
        return f"{self.set} #{self.pk}"

    @property
    def wanted(self) -> float:
        """The percent of its cases that it has to pass."""
        return max(self.set.threshold, self.threshold or 0)

    @property
    def passes(self) -> bool:
        """Whether it is done and reached its set's threshold, of then and of now, with no critical case failed."""
        reached = self.passed * 100 >= self.wanted * self.total
        return self.state == self.State.DONE and self.total > 0 and reached and not self.critical


class EvalResult(models.Model):
    """What came of one case in one run: [{"check": …, "wanted": …, "found": …}] for what failed."""

    run = models.ForeignKey(EvalRun, on_delete=models.CASCADE, related_name="results")
    case = models.ForeignKey(EvalCase, on_delete=models.CASCADE, related_name="results")
    passed = models.BooleanField()
    failures = models.JSONField(default=list, blank=True)
    # A critical case that failed, and not for the judge alone where the set says so: the run fails with it.
    blocks = models.BooleanField(default=False)
    # [{"tool": …, "arguments": {…}}] in the order called, and {"passes": …, "reason": …, "endpoint": …} of a judge.
    calls = models.JSONField(default=list, blank=True)
    verdict = models.JSONField(default=dict, blank=True)
    answer = models.TextField(blank=True)
    endpoint = models.CharField(max_length=80, blank=True)
    version = models.ForeignKey(
        PromptVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    total_ms = models.FloatField(default=0)

    class Meta:
        ordering = ["run", "case"]
        constraints = [
            models.UniqueConstraint(fields=["run", "case"], name="eval_result_once_per_case")
        ]

    def __str__(self) -> str:
        return f"{self.case}: {'passed' if self.passed else 'failed'}"
