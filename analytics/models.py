"""What was measured: an outcome per conversation, counts and sketches by hour and day, and what is still to be counted.

Rows here are made from the rows of chat and prompts and can always be made again, except where those were purged.
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from analytics.comparison_rows import ComparedAnswer, Comparison

__all__ = ["ComparedAnswer", "Comparison"]


class Outcome(models.Model):
    """How one conversation went. Not tied to it by a key: that it is gone has to be noticed and counted."""

    class Kind(models.TextChoices):
        EMPTY = "empty"
        OPEN = "open"
        BOT = "bot"
        AGENT = "agent"
        ABANDONED = "abandoned"
        UNRESOLVED = "unresolved"

    conversation_id = models.UUIDField(primary_key=True)
    visitor_id = models.UUIDField()
    inbox_id = models.BigIntegerField()
    channel = models.CharField(max_length=20, default="widget")
    # As it was when the conversation was first seen.
    tier = models.CharField(max_length=10)
    intent = models.CharField(max_length=40, blank=True)
    release = models.CharField(max_length=60, blank=True)
    agent_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    last_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    escalated = models.BooleanField()
    reopened = models.BooleanField()
    visitor_lines = models.IntegerField()
    bot_lines = models.IntegerField()
    agent_lines = models.IntegerField()
    no_answer = models.IntegerField(help_text="Lines of the bot that were no answer")
    thumbs_up = models.IntegerField()
    thumbs_down = models.IntegerField()
    turns = models.IntegerField()
    failed_turns = models.IntegerField()
    # One sign a turn, in order: "-" negative, "0" neutral, "+" positive.
    moods = models.TextField(blank=True)
    returns = models.IntegerField(help_text="Times the visitor came back after a break")
    breaks = models.IntegerField()
    wait_ms = models.BigIntegerField(null=True, help_text="In the queue until an agent claimed it")
    first_reply_ms = models.BigIntegerField(null=True, help_text="From the claim")
    handle_ms = models.BigIntegerField(null=True)
    responses = models.IntegerField()
    responses_in_time = models.IntegerField()
    score = models.SmallIntegerField(null=True)
    said_resolved = models.BooleanField(null=True)
    cost_micro_cny = models.BigIntegerField()
    tokens = models.BigIntegerField()
    # What it is found by: "escalated", "reason:asked", "model:light", "rated:2", …
    traits = ArrayField(models.TextField(), default=list)

    class Meta:
        permissions = [("view_all_inboxes", "Can see the figures of every inbox")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["empty", "open", "bot", "agent", "abandoned", "unresolved"]),
                name="outcome_kind",
            )
        ]
        indexes = [
            models.Index(fields=["created_at"], name="outcome_created"),
            models.Index(fields=["visitor_id"], name="outcome_visitor"),
            models.Index(fields=["last_at"], condition=Q(kind="open"), name="outcome_open"),
            GinIndex(fields=["traits"], name="outcome_traits"),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id.hex[:8]} {self.kind}"


class Count(models.Model):
    """Counts of one family over one span, for one combination of dimensions; `analytics.stats` names the positions."""

    family = models.CharField(max_length=20)
    start = models.DateTimeField()
    inbox_id = models.BigIntegerField(default=0)
    channel = models.CharField(max_length=20, default="")
    tier = models.CharField(max_length=10, default="")
    intent = models.CharField(max_length=40, default="")
    release = models.CharField(max_length=60, default="")
    model = models.CharField(max_length=80, default="")
    label = models.CharField(max_length=120, default="")
    counts = ArrayField(models.BigIntegerField())

    class Meta:
        abstract = True


DIMENSIONS = ["inbox_id", "channel", "tier", "intent", "release", "model", "label"]
PLACE = ["family", "start", *DIMENSIONS]
SPLITS = DIMENSIONS[1:]
DAY_PLACE = ["family", "split", "start", *DIMENSIONS]
# Of sketches: over all inboxes.
EVERY_INBOX = -1


class HourlyCount(Count):
    """Counts of one hour."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=PLACE, name="hourly_count_once")]

    def __str__(self) -> str:
        return f"{self.family} {self.start:%F %H}"


class DailyCount(Count):
    """Counts of one day of the shop: the sum of its hours, by inbox alone, by one more dimension, and by all of them.

    `split` has a bit for each of `SPLITS` that the row is *not* split by; readers take the rows with the fewest splits.
    """

    split = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=DAY_PLACE, name="daily_count_once")]

    def __str__(self) -> str:
        return f"{self.family} {self.start:%F}"


class Sketch(models.Model):
    """How durations spread over the buckets of a DDSketch; sketches are merged by adding their buckets."""

    measure = models.CharField(max_length=20)
    start = models.DateTimeField()
    inbox_id = models.BigIntegerField(default=0)
    model = models.CharField(max_length=80, default="")
    buckets = ArrayField(models.IntegerField())
    counts = ArrayField(models.BigIntegerField())

    class Meta:
        abstract = True


SKETCH_PLACE = ["measure", "start", "inbox_id", "model"]


class HourlySketch(Sketch):
    """Durations of one hour."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=SKETCH_PLACE, name="hourly_sketch_once")]

    def __str__(self) -> str:
        return f"{self.measure} {self.start:%F %H}"


class DailySketch(Sketch):
    """Durations of one day of the shop, by inbox and over EVERY_INBOX."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=SKETCH_PLACE, name="daily_sketch_once")]

    def __str__(self) -> str:
        return f"{self.measure} {self.start:%F}"


class FillState(models.Model):
    """The one row that says up to when activity was looked at."""

    seen_until = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="fill_state_one_row")]

    def __str__(self) -> str:
        return f"{self.seen_until:%F %T}"


class Dirty(models.Model):
    """An hour or day whose counts are to be made anew. Stays until that is done, whoever dies meanwhile."""

    grain = models.CharField(max_length=4)
    start = models.DateTimeField()
    # Counts the times it was marked: one that was marked again while it was filled stays.
    marks = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["grain", "start"], name="dirty_once"),
            models.CheckConstraint(condition=Q(grain__in=["hour", "day"]), name="dirty_grain"),
        ]

    def __str__(self) -> str:
        return f"{self.grain} {self.start:%F %H}"


class LateFact(models.Model):
    """Something that changed after its hour was counted, noted by triggers. Only added and drained: nobody waits."""

    conversation_id = models.UUIDField(null=True)
    at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"late fact {self.pk}"


class Export(models.Model):
    """A file of conversations on its way out: asked for, written by a worker that holds a lease, fetched by whoever asked."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    user = models.ForeignKey("auth.User", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=4)
    # The address's query, and the inboxes its reader might see when it was asked for; null: all.
    query = models.JSONField(default=dict)
    inboxes = models.JSONField(null=True)
    language = models.CharField(max_length=10)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    lease_until = models.DateTimeField(null=True)
    written = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    file = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["csv", "xlsx"]), name="export_kind"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running", "done", "failed"]), name="export_state"
            ),
        ]

    def __str__(self) -> str:
        return f"export {self.pk} {self.state}"


class LoadTest(models.Model):
    """A load test: how much of what was asked of the platform, and the figures of it."""

    id = models.UUIDField(primary_key=True, help_text="Made where it ran: a run is kept once")
    at = models.DateTimeField()
    mode = models.CharField(max_length=6)
    users = models.PositiveIntegerField()
    rate = models.FloatField(null=True, help_text="Questions a second; of open runs")
    cores = models.PositiveIntegerField()
    record = models.JSONField(help_text="As analytics.loadtests.record has it")
    kept_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(mode="closed", rate=None) | Q(mode="open", rate__gt=0),
                name="load_test_mode",
            )
        ]
        indexes = [models.Index(fields=["-at"], name="load_test_at")]

    def __str__(self) -> str:
        return f"{self.at:%F %H:%M} {self.mode}"


class ReportSubscription(models.Model):
    """Whoever gets the overview by mail, and up to which day it was sent."""

    class Every(models.TextChoices):
        DAY = "day", "every day"
        WEEK = "week", "every week"

    user = models.OneToOneField("auth.User", on_delete=models.CASCADE, related_name="+")
    every = models.CharField(max_length=4, choices=Every.choices, default=Every.WEEK)
    language = models.CharField(
        max_length=10, choices=[("zh-hans", "简体中文"), ("en", "English")], default="zh-hans"
    )
    enabled = models.BooleanField(default=True)
    # The last day of the newest report that was sent.
    sent_until = models.DateField(null=True, blank=True, editable=False)
    # Whoever holds the lease sends the next one; how often that of `begun_for` was begun and nobody knows how it ended.
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    begun = models.PositiveSmallIntegerField(default=0, editable=False)
    begun_for = models.DateField(null=True, editable=False)
    problem = models.CharField(max_length=80, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(every__in=["day", "week"]), name="report_subscription_every"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.every}"

    def clean(self) -> None:
        """Raises ValidationError for somebody no mail can reach."""
        if self.user_id and not self.user.email:
            raise ValidationError(
                {"user": "This account has no e-mail address. 该账号没有填写邮箱。"}
            )


class InboxAccess(models.Model):
    """An inbox whose figures a member of staff may see."""

    user = models.ForeignKey("auth.User", on_delete=models.CASCADE, related_name="+")
    inbox = models.ForeignKey("chat.Inbox", on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name_plural = "inbox access"
        constraints = [models.UniqueConstraint(fields=["user", "inbox"], name="inbox_access_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.inbox}"
