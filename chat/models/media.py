"""Images that customers send, each decoded and written anew before there is a row."""

import uuid

from django.db import models
from django.utils import timezone

from chat.models.conversations import Message
from chat.models.people import Visitor


class Attachment(models.Model):
    """One image. The file is `path` under the media folder; nobody reads it but by a signed address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, related_name="attachments")
    # Set once it was sent; what was uploaded and never sent is swept away.
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, null=True, blank=True, related_name="attachments"
    )
    path = models.CharField(max_length=100)
    type = models.CharField(max_length=20)
    bytes = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)

    def __str__(self) -> str:
        return f"{self.type} {self.width}×{self.height}"
