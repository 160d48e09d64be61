"""What agents write for each other, and what personal data they looked at."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.conversations import Conversation
from chat.models.people import Agent, Visitor


class Note(models.Model):
    """A line among agents; no visitor ever sees it. Holds placeholders like every line."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT)
    client_id = models.UUIDField()
    text = models.TextField()
    after_seq = models.PositiveBigIntegerField(help_text="The last message when it was written")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "client_id"], name="note_client_id_once"
            )
        ]
        indexes = [models.Index(fields=["conversation", "at"], name="note_of_conversation")]

    def __str__(self) -> str:
        return f"note of {self.agent_id} after #{self.after_seq}"


class Mention(models.Model):
    """That a note calls an agent, who has read it or not."""

    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="mentions")
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="mentions")
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["note", "agent"], name="mention_once_per_note")
        ]
        indexes = [models.Index(fields=["agent"], condition=Q(read_at=None), name="mention_unread")]

    def __str__(self) -> str:
        return f"{self.agent_id} in a note"


class Reveal(models.Model):
    """That an agent saw a value of the vault, and why. Kept as it is; it names no value."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT)
    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, related_name="reveals")
    conversation = models.ForeignKey(Conversation, on_delete=models.SET_NULL, null=True)
    placeholder = models.CharField(max_length=30)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["visitor", "at"], name="reveal_of_visitor"),
            models.Index(fields=["at"], name="reveal_by_time"),
        ]

    def __str__(self) -> str:
        return self.placeholder
