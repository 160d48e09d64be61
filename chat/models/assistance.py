"""What a model wrote for agents: the brief of a hand-over with its grade, and drafts, summaries and words anew.

All of it holds placeholders, like every line.
"""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.choices import among, choices
from chat.models.conversations import Conversation, Message
from chat.models.people import Agent
from chat.states import Grade, Help, Writing


class Brief(models.Model):
    """One hand-over: what a model said of it, if it did, and what the agent thought of what was shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="briefs")
    # Conversation.handover_epoch of that time.
    epoch = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=choices(Writing), default=Writing.QUEUED.value)
    # Of the latest attempt; also what tells it from an earlier one.
    started_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=12, blank=True, help_text="Why no model wrote it")
    endpoint = models.CharField(max_length=80, blank=True)
    content = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(default=timezone.now)
    grade = models.CharField(
        max_length=4, blank=True, choices=choices(Grade), default=Grade.NONE.value
    )
    grade_word = models.CharField(max_length=200, blank=True)
    graded_by = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, blank=True)
    graded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "epoch"], name="brief_once"),
            models.CheckConstraint(condition=among("state", Writing), name="brief_state"),
            models.CheckConstraint(condition=among("grade", Grade), name="brief_grade"),
        ]
        indexes = [models.Index(fields=["at"], name="brief_by_time")]

    def __str__(self) -> str:
        return f"brief of {self.conversation_id} at {self.epoch}"

    @property
    def source(self) -> str:
        """Who wrote what agents see: "model" or "template"."""
        return "model" if self.state == Writing.DONE else "template"


class Suggestion(models.Model):
    """Something an agent asked a model to write. Short-lived: a day later it is removed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="suggestions"
    )
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="suggestions")
    client_id = models.UUIDField()
    kind = models.CharField(max_length=12, choices=choices(Help))
    style = models.CharField(max_length=12, blank=True)
    language = models.CharField(max_length=2, default="zh")
    # What the agent had typed, and the placeholders of personal data typed there: only those are shown as values.
    typed = models.TextField(blank=True)
    own = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=10, choices=choices(Writing), default=Writing.QUEUED.value)
    why = models.CharField(max_length=12, blank=True)
    text = models.TextField(blank=True)
    # [{"sentence", "promise"}]: what no tool has made.
    doubts = models.JSONField(default=list, blank=True)
    endpoint = models.CharField(max_length=80, blank=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "client_id"], name="suggestion_once"),
            models.CheckConstraint(condition=among("kind", Help), name="suggestion_kind"),
            models.CheckConstraint(condition=among("state", Writing), name="suggestion_state"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"


class Translation(models.Model):
    """A line in another language, "zh" or "en"."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="translations")
    language = models.CharField(max_length=2)
    text = models.TextField(blank=True)
    # What the model wrote could not be used; it is not asked, and paid, again.
    refused = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "language"], name="translation_once"),
            models.CheckConstraint(
                condition=Q(refused=True, text="") | Q(Q(refused=False), ~Q(text="")),
                name="translation_or_refused",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} in {self.language}"
