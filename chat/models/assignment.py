"""Who is given what waits: skills, the rules of giving, and each time an agent was asked to take a conversation."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.choices import among, choices
from chat.models.conversations import Conversation
from chat.models.inboxes import Inbox
from chat.models.people import Agent
from chat.states import Intake, RingEnd


def check_intents(value: object) -> None:
    """Raises ValidationError unless `value` is a list of names."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValidationError('Use a list of names, as ["refund"].')


class Skill(models.Model):
    """What some agents are good at, and which conversations need it: those of an inbox, or about some intents, or both."""

    name = models.CharField(max_length=60, unique=True)
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, null=True, blank=True)
    intents = models.JSONField(default=list, blank=True, validators=[check_intents])
    agents = models.ManyToManyField(Agent, related_name="skills", blank=True)

    def __str__(self) -> str:
        return self.name


class IntakePolicy(models.Model):
    """The one row that says how waiting conversations reach agents."""

    mode = models.CharField(max_length=4, choices=choices(Intake), default=Intake.PULL.value)
    paused = models.BooleanField(default=False)
    ring_seconds = models.PositiveSmallIntegerField(default=20)
    misses_most = models.PositiveSmallIntegerField(default=3)
    affinity = models.BooleanField(default=True)
    over_capacity = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "intake policy"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="intake_policy_one_row"),
            models.CheckConstraint(condition=among("mode", Intake), name="intake_mode"),
            models.CheckConstraint(
                condition=Q(ring_seconds__gte=5, ring_seconds__lte=600), name="intake_ring_seconds"
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class Ring(models.Model):
    """One agent is asked to take one conversation, until it is taken or the time is over."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="rings")
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="rings")
    at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end = models.CharField(
        max_length=10, blank=True, choices=choices(RingEnd), default=RingEnd.RINGING.value
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=among("end", RingEnd), name="ring_end"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end="")
                | (Q(ended_at__isnull=False) & ~Q(end="")),
                name="ring_ends_once",
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(ended_at=None),
                name="ring_one_per_conversation",
            ),
        ]
        indexes = [
            models.Index(fields=["until"], condition=Q(ended_at=None), name="ring_open"),
            models.Index(fields=["agent", "at"], name="ring_of_agent"),
        ]

    def __str__(self) -> str:
        return f"{self.agent_id} {self.end or 'ringing'}"
