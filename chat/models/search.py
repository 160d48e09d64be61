"""What conversations are searched by: a row beside each, filled a moment later, never on a message's path."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from chat.models.conversations import Conversation


class SearchEntry(models.Model):
    """The words of one conversation, as chat.search cuts them; no personal data, for lines hold none."""

    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, primary_key=True, related_name="search_entry"
    )
    at = models.DateTimeField(db_index=True)
    words = SearchVectorField()

    class Meta:
        verbose_name_plural = "search entries"
        indexes = [GinIndex(fields=["words"], name="search_words")]

    def __str__(self) -> str:
        return str(self.conversation_id)
