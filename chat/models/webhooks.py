"""Whom other systems' ears belong to, and what was told to each of them."""

import uuid

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.choices import among, choices
from chat.models.conversations import Conversation
from chat.models.inboxes import Inbox
from chat.states import Delivered, Event


def check_events(value: object) -> None:
    """Raises ValidationError unless `value` lists events that there are."""
    known = {event.value for event in Event}
    if not isinstance(value, list) or not known.issuperset(map(str, value)):
        raise ValidationError(f"Use a list of {', '.join(sorted(known))}.")


class WebhookEndpoint(models.Model):
    """An address of another system that hears of conversations. Without a secret nothing is sent."""

    name = models.CharField(max_length=60)
    url = models.CharField(max_length=500)
    inbox = models.ForeignKey(
        Inbox, on_delete=models.CASCADE, null=True, blank=True, related_name="webhooks"
    )
    events = models.JSONField(default=list, blank=True, validators=[check_events])
    enabled = models.BooleanField(default=True)
    # Sealed; what it was is shown once.
    secret = models.TextField(blank=True, editable=False)
    # Nothing is tried before: it did not answer at all a moment ago.
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One event for one endpoint, written in the transaction of what happened. Holds placeholders."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No constraint: an endpoint deleted this moment must not stop a customer's line.
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, db_constraint=False, related_name="deliveries"
    )
    event = models.CharField(max_length=40, choices=choices(Event))
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, null=True, related_name="+"
    )
    body = models.JSONField(help_text="{event, id, conversation, data, timestamp}")
    state = models.CharField(
        max_length=10, choices=choices(Delivered), default=Delivered.PENDING.value
    )
    attempt = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    status_code = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=40, blank=True)
    duration_ms = models.FloatField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.CheckConstraint(condition=among("state", Delivered), name="delivery_state"),
            models.CheckConstraint(condition=among("event", Event), name="delivery_event"),
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                condition=Q(state=Delivered.PENDING.value),
                name="delivery_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} · {self.get_state_display()}"
