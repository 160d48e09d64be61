"""What customers asked and nobody could answer: searches for it, and the groups of questions they found."""

from django.db import models
from django.db.models import F, Q

from prompts.models import LANGUAGES, Job, Sop


class GapSearch(Job):
    """One look through the badly answered questions of some days, by a worker that holds a lease."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    # Questions compared so far, of `total`.
    done = models.PositiveIntegerField(default=0)
    # Bad answers in those days, how many of them were looked at, questions that stand alone.
    bad = models.PositiveIntegerField(default=0)
    looked_at = models.PositiveIntegerField(default=0)
    alone = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "done", "failed"]),
                name="gap_search_state",
            ),
            models.CheckConstraint(condition=Q(since__lt=F("until")), name="gap_search_range"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Gap(models.Model):
    """Questions that ask the same and got no good answer. Texts hold placeholders, as the lines they were."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        PROPOSED = "proposed", "proposed"
        SOLVED = "solved", "solved"
        DISMISSED = "dismissed", "dismissed"

    # The latest search that found it.
    search = models.ForeignKey(GapSearch, on_delete=models.CASCADE, related_name="gaps")
    title = models.CharField(max_length=200)
    language = models.CharField(max_length=5, choices=LANGUAGES)
    intent = models.CharField(max_length=40, blank=True)
    terms = models.JSONField(default=list, blank=True)
    coherence = models.FloatField(default=0)
    size = models.PositiveIntegerField(default=0)
    conversations = models.PositiveIntegerField(default=0)
    # Conversations in which a person had to take over after the question.
    takeovers = models.PositiveIntegerField(default=0)
    # [{"text": …, "conversation": …, "seq": …, "why": ["unanswered"]}], the most typical first.
    questions = models.JSONField(default=list, blank=True)
    # [{"text": …, "conversation": …, "seq": …, "score": …, "rating": …, "resolved": …}], the best first.
    answers = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    # What was made of it; who wrote what and when is in the history of the SOP.
    sop = models.ForeignKey(Sop, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-takeovers", "-size", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "proposed", "solved", "dismissed"]),
                name="gap_state",
            )
        ]

    def __str__(self) -> str:
        return self.title
