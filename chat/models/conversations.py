"""What is said: conversations, turns, messages, waits for a person, ratings."""

import uuid

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.choices import among, choices
from chat.models.inboxes import Inbox
from chat.models.people import Agent, Visitor
from chat.states import EscalationEnd, Owner, Role, TurnState
from prompts.bilingual import pick


class Conversation(models.Model):
    """One thread between a visitor and the shop, owned by exactly one of bot, queue and agent.

    Every write that changes owner, epoch or last_seq holds the row lock, so that commit order is seq order.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    visitor = models.ForeignKey(Visitor, on_delete=models.PROTECT, related_name="conversations")
    inbox = models.ForeignKey(Inbox, on_delete=models.PROTECT, related_name="conversations")
    owner = models.CharField(max_length=10, choices=choices(Owner), default=Owner.BOT.value)
    agent = models.ForeignKey(
        Agent, on_delete=models.PROTECT, null=True, blank=True, related_name="conversations"
    )
    # Of whom it waits for one; empty: for anybody.
    team = models.ForeignKey("Team", on_delete=models.SET_NULL, null=True, blank=True)
    epoch = models.PositiveBigIntegerField(default=0)
    # The epoch at which a person was called last, or took over from the bot: its brief belongs to that.
    handover_epoch = models.PositiveBigIntegerField(default=0, editable=False)
    last_seq = models.PositiveBigIntegerField(default=0)
    dialogue = models.JSONField(
        default=dict, blank=True, help_text="Dialogue state after the last turn"
    )
    context = models.JSONField(
        default=dict,
        blank=True,
        help_text="Product, order and page as the shop's page says, unverified",
    )
    form = models.JSONField(default=dict, blank=True, help_text="Answers to the form before it")
    read_seq = models.PositiveBigIntegerField(default=0, help_text="Read by the visitor up to here")
    agent_read_seq = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_activity_at = models.DateTimeField(default=timezone.now, db_index=True)
    waiting_since = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    summary = models.TextField(blank=True, help_text="How it ended, in the agent's words")
    tags = models.JSONField(default=list, blank=True)
    # Put aside by its agent: until then, or until its visitor writes; without a time only that ends it.
    snoozed = models.BooleanField(default=False)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    # The lines up to here are in the row it is searched by.
    searched_seq = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=among("owner", Owner), name="conversation_owner"),
            models.CheckConstraint(
                condition=~Q(owner=Owner.AGENT.value) | Q(agent__isnull=False),
                name="conversation_agent_owner_has_agent",
            ),
            models.CheckConstraint(
                condition=~Q(owner=Owner.QUEUE.value) | Q(waiting_since__isnull=False),
                name="conversation_queue_has_waiting_since",
            ),
            models.UniqueConstraint(
                fields=["visitor"],
                condition=Q(resolved_at__isnull=True),
                name="conversation_one_open_per_visitor",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "waiting_since"], name="conversation_queue"),
            models.Index(
                fields=["snoozed_until"], condition=Q(snoozed=True), name="conversation_snoozed"
            ),
            models.Index(
                fields=["last_activity_at"],
                condition=Q(searched_seq__lt=models.F("last_seq")),
                name="conversation_unsearched",
            ),
            # All that people have or wait for: little, however long the history.
            models.Index(
                fields=["agent"],
                condition=Q(
                    owner__in=[Owner.AGENT.value, Owner.QUEUE.value], resolved_at__isnull=True
                ),
                name="conversation_with_people",
            ),
            GinIndex(fields=["tags"], opclasses=["jsonb_path_ops"], name="conversation_tags"),
        ]

    def __str__(self) -> str:
        return pick(f"会话 {self.pk.hex[:8]}", f"conversation {self.pk.hex[:8]}")


class Turn(models.Model):
    """One bot run over the visitor messages first_seq..last_seq. The row is the outbox of its doorbell."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    first_seq = models.PositiveBigIntegerField()
    last_seq = models.PositiveBigIntegerField()
    epoch = models.PositiveBigIntegerField()
    state = models.CharField(
        max_length=12, choices=choices(TurnState), default=TurnState.QUEUED.value
    )
    worker = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField(default=timezone.now)
    # Set on a turn that waits because the platform is overrun; it does so once.
    not_before = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    timings = models.JSONField(default=dict, blank=True, help_text="Milliseconds by step")
    decision = models.JSONField(default=dict, blank=True, help_text="Why this endpoint answered")
    rendering = models.JSONField(
        default=dict, blank=True, help_text="What the model read first, and the rows it was made of"
    )
    error = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=among("state", TurnState), name="turn_state"),
            models.CheckConstraint(
                condition=Q(last_seq__gte=models.F("first_seq")), name="turn_covers_something"
            ),
            models.CheckConstraint(
                condition=~Q(state=TurnState.RUNNING.value)
                | (Q(lease_until__isnull=False) & ~Q(worker="")),
                name="turn_running_has_lease",
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(state=TurnState.RUNNING.value),
                name="turn_one_running_per_conversation",
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(state=TurnState.QUEUED.value),
                name="turn_one_queued_per_conversation",
            ),
            models.UniqueConstraint(
                fields=["conversation", "first_seq", "epoch"], name="turn_first_seq_once_per_epoch"
            ),
        ]
        indexes = [
            models.Index(
                fields=["queued_at"],
                condition=Q(state=TurnState.QUEUED.value),
                name="turn_queued",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state=TurnState.RUNNING.value),
                name="turn_leases",
            ),
            models.Index(
                fields=["finished_at"],
                condition=Q(decision__has_key="release"),
                name="turn_of_releases",
            ),
            models.Index(fields=["queued_at"], name="turn_by_time"),
        ]

    def __str__(self) -> str:
        return pick(f"轮次 {self.pk.hex[:8]}", f"turn {self.pk.hex[:8]}")


class Message(models.Model):
    """One line of a conversation. `seq` is gapless from 1 within it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    seq = models.PositiveBigIntegerField()
    role = models.CharField(max_length=10, choices=choices(Role))
    text = models.TextField()
    html = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)
    author = models.JSONField(null=True, blank=True, help_text='{"name": …, "avatar": …}')
    # Set on a visitor's own lines only: the idempotency key holds for ever, across conversations.
    visitor = models.ForeignKey(Visitor, on_delete=models.PROTECT, null=True, blank=True)
    client_id = models.UUIDField(null=True, blank=True)
    turn = models.ForeignKey(
        Turn, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    epoch = models.PositiveBigIntegerField(default=0)
    ai = models.BooleanField(default=False)
    meta = models.JSONField(
        default=dict, blank=True, help_text="citations, cards, endpoint, prompt"
    )

    class Meta:
        ordering = ["conversation", "seq"]
        constraints = [
            models.CheckConstraint(condition=among("role", Role), name="message_role"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="message_seq_from_one"),
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq_once"),
            models.UniqueConstraint(
                fields=["visitor", "client_id"],
                condition=Q(client_id__isnull=False, visitor__isnull=False),
                name="message_client_id_once_per_visitor",
            ),
            models.UniqueConstraint(
                fields=["conversation", "client_id"],
                condition=Q(client_id__isnull=False),
                name="message_client_id_once_per_conversation",
            ),
            models.UniqueConstraint(
                fields=["turn"],
                condition=Q(role=Role.BOT.value),
                name="message_one_answer_per_turn",
            ),
        ]
        indexes = [
            models.Index(
                fields=["turn"], condition=Q(meta__feedback="down"), name="message_disliked"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} #{self.seq}"


class Rating(models.Model):
    """What the visitor thought of a conversation; the last word counts."""

    conversation = models.OneToOneField(Conversation, on_delete=models.CASCADE)
    score = models.PositiveSmallIntegerField()
    resolved = models.BooleanField()
    tags = models.JSONField(default=list, blank=True)
    comment = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(score__gte=1, score__lte=5), name="rating_score_1_to_5"
            )
        ]
        indexes = [models.Index(fields=["at"], name="rating_by_time")]

    def __str__(self) -> str:
        return f"{self.score}/5"


class Escalation(models.Model):
    """One wait for a person: why it began and how it ended."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="escalations"
    )
    opened_at = models.DateTimeField(default=timezone.now)
    reasons = models.JSONField(default=list, blank=True, help_text='[{"code": …, "points": …}]')
    ended_at = models.DateTimeField(null=True, blank=True)
    end = models.CharField(
        max_length=10, blank=True, choices=choices(EscalationEnd), default=EscalationEnd.WAITING
    )
    agent = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=among("end", EscalationEnd), name="escalation_end"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end="")
                | (Q(ended_at__isnull=False) & ~Q(end="")),
                name="escalation_ends_once",
            ),
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(ended_at=None), name="escalation_one_open"
            ),
        ]
        indexes = [models.Index(fields=["end", "ended_at"], name="escalation_of_day")]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.opened_at):%Y-%m-%d %H:%M}"


class EscalationPolicy(models.Model):
    """The one row that says when a person takes over; see chat.escalation.decide."""

    hand_over_at = models.FloatField(default=1.0)
    offer_at = models.FloatField(default=0.5)
    furious_from = models.FloatField(default=0.9)
    # Both empty on a fresh row: then the points and words of chat.escalation.decide hold.
    points = models.JSONField(default=dict, blank=True)
    restricted = models.TextField(blank=True)
    amount_limit = models.FloatField(default=0.0)

    class Meta:
        verbose_name_plural = "escalation policy"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="escalation_policy_one_row")]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
