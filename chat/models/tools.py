"""Tools of the shop's systems, and every call of one: the record is the audit."""

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.conversations import Conversation, Turn
from chat.models.inboxes import Inbox
from chat.states import CallState

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EFFECTS = ("read", "write")
CARDS = ("order", "logistics", "product")
TIMEOUT_MOST_SECONDS = 30
STATES = [state.value for state in CallState]


def check_names(value: object) -> None:
    """Raises ValidationError unless `value` lists names."""
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValidationError('Use a list of names, as ["logistics"].')


def check_sources(value: object) -> None:
    """Raises ValidationError unless `value` says from which slot each argument comes."""
    if not isinstance(value, dict) or not all(isinstance(slot, str) for slot in value.values()):
        raise ValidationError('Use an object of argument and slot, as {"order": "order_number"}.')


def check_shown(value: object) -> None:
    """Raises ValidationError unless `value` lists fields of a result, each with a path and two labels."""
    if not isinstance(value, list) or not all(map(is_shown_field, value)):
        raise ValidationError(
            'Use a list of fields, as [{"path": "status", "zh": "状态", "en": "Status"}].'
        )


def is_shown_field(entry: Any) -> bool:
    return isinstance(entry, dict) and all(
        isinstance(entry.get(key), str) and entry[key] for key in ("path", "zh", "en")
    )


class Tool(models.Model):
    """One act of a shop's system that the bot may call: what it needs, where it is, what may be shown of its reply."""

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, related_name="tools")
    name = models.SlugField(max_length=40)
    title_zh = models.CharField(max_length=40)
    title_en = models.CharField(max_length=40)
    description_zh = models.CharField(max_length=400)
    description_en = models.CharField(max_length=400, blank=True)
    effect = models.CharField(max_length=5, choices=[(e, e) for e in EFFECTS], default="read")
    method = models.CharField(max_length=6, choices=[(m, m) for m in METHODS], default="GET")
    url = models.CharField(max_length=500)
    auth_env = models.CharField(max_length=60, blank=True)
    timeout_seconds = models.FloatField(default=5)
    schema = models.JSONField()
    intents = models.JSONField(default=list, blank=True, validators=[check_names])
    sources = models.JSONField(default=dict, blank=True, validators=[check_sources])
    personal = models.JSONField(default=list, blank=True, validators=[check_names])
    # Fails closed: without a thought given to it, nobody anonymous may, and nothing is written unasked.
    needs_verified = models.BooleanField(default=True)
    needs_confirmation = models.BooleanField(default=True)
    owner_path = models.CharField(max_length=100, blank=True)
    shown = models.JSONField(default=list, blank=True, validators=[check_shown])
    reply_zh = models.CharField(max_length=400, blank=True)
    reply_en = models.CharField(max_length=400, blank=True)
    card = models.CharField(max_length=10, choices=[(c, c) for c in CARDS], blank=True)
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["inbox", "name"], name="tool_name_once_per_inbox"),
            models.CheckConstraint(condition=Q(effect__in=EFFECTS), name="tool_effect"),
            models.CheckConstraint(condition=Q(method__in=METHODS), name="tool_method"),
            models.CheckConstraint(
                condition=Q(effect="read") | ~Q(method="GET"), name="tool_write_is_no_get"
            ),
            models.CheckConstraint(
                condition=Q(timeout_seconds__gt=0, timeout_seconds__lte=TIMEOUT_MOST_SECONDS),
                name="tool_timeout",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ToolCall(models.Model):
    """One call, or one that was refused. Arguments and results hold placeholders and masks, never personal data."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tool = models.ForeignKey(Tool, on_delete=models.SET_NULL, null=True, related_name="calls")
    name = models.CharField(max_length=64)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, null=True, related_name="tool_calls"
    )
    turn = models.ForeignKey(Turn, on_delete=models.SET_NULL, null=True, related_name="tool_calls")
    # Who wanted it: "slots", "model", "card" or "staff".
    asked_by = models.CharField(max_length=10)
    state = models.CharField(max_length=10, choices=[(s, s) for s in STATES])
    error = models.CharField(max_length=40, blank=True)
    arguments = models.JSONField(default=dict)
    # Of the tool as it was and the arguments: what was confirmed is what runs.
    digest = models.CharField(max_length=64, blank=True)
    key = models.UUIDField(default=uuid.uuid4, help_text="Idempotency-Key")
    epoch = models.PositiveBigIntegerField(default=0)
    message_seq = models.PositiveBigIntegerField(null=True)
    expires_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True)
    duration_ms = models.FloatField(null=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=STATES), name="toolcall_state"),
            models.CheckConstraint(
                condition=~Q(state=CallState.PROPOSED.value) | Q(expires_at__isnull=False),
                name="toolcall_proposal_expires",
            ),
            models.UniqueConstraint(
                fields=["key"],
                condition=~Q(state=CallState.REFUSED.value),
                name="toolcall_key_once",
            ),
        ]
        indexes = [models.Index(fields=["conversation", "at"], name="toolcall_of_conversation")]

    def __str__(self) -> str:
        return f"{self.name} {self.get_state_display()}"
