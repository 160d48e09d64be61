"""What other systems are to be told: rows in the transaction of what happened, doorbells after it.

Called by whoever writes a conversation. Where no endpoint listens it costs nothing. The sending is chat.webhooks'.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import structlog
from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from chat import protocol
from chat.models import Conversation, WebhookDelivery, WebhookEndpoint
from chat.states import Delivered, Event
from prompts import snapshot

log = structlog.get_logger(__name__)

DELIVER = "chat.tasks.deliver_webhook"


@dataclass(frozen=True, slots=True)
class Listening:
    """The endpoints in force, with the inbox and the events of each; none of either means all."""

    taken_at: float
    endpoints: tuple[tuple[int, int | None, frozenset[str]], ...]

    def ids(self, inbox_id: int, event: Event) -> list[int]:
        return [
            pk
            for pk, of_inbox, events in self.endpoints
            if of_inbox in {None, inbox_id} and (not events or event in events)
        ]


def take() -> Listening:
    taken_at = time.monotonic()
    rows = WebhookEndpoint.objects.filter(enabled=True).exclude(secret="")
    found = rows.values_list("pk", "inbox_id", "events")
    return Listening(taken_at, tuple((pk, inbox, frozenset(said)) for pk, inbox, said in found))


CACHE: snapshot.Cache[Listening] = snapshot.also_drop(snapshot.Cache(take))


def note(conversation: Conversation, event: Event, data: Callable[[], dict[str, Any]]) -> None:
    """Keeps the event for every endpoint that wants it. Inside the transaction of what happened."""
    wanted = CACHE.get().ids(conversation.inbox_id, event)
    if not wanted:
        return
    body = envelope(event, data(), conversation_id=conversation.pk)
    rows = [
        WebhookDelivery(endpoint_id=pk, event=event.value, conversation=conversation, body=body)
        for pk in wanted
    ]
    WebhookDelivery.objects.bulk_create(rows)
    transaction.on_commit(lambda: ring(row.pk for row in rows))


def envelope(event: Event, data: dict[str, Any], *, conversation_id: UUID | None) -> dict[str, Any]:
    """The body that is sent. Its `id` stays the same for every endpoint and attempt."""
    return {
        "event": event.value,
        "id": str(uuid4()),
        "conversation": conversation_id and str(conversation_id),
        "data": data,
        "timestamp": protocol.iso(timezone.now()),
    }


def try_out(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Sends an endpoint a `ping`, whatever it listens to."""
    with transaction.atomic():
        body = envelope(Event.PING, {"name": endpoint.name}, conversation_id=None)
        row = WebhookDelivery.objects.create(
            endpoint=endpoint, event=Event.PING.value, conversation=None, body=body
        )
        transaction.on_commit(lambda: ring([row.pk]))
    return row


def again(ids: Collection[UUID]) -> int:
    """Sends deliveries that came to an end once more, under their ids; how many."""
    with transaction.atomic():
        ended = WebhookDelivery.objects.filter(pk__in=ids).exclude(state=Delivered.PENDING.value)
        locked = list(ended.select_for_update().values_list("pk", flat=True))
        WebhookDelivery.objects.filter(pk__in=locked).update(
            state=Delivered.PENDING.value,
            attempt=0,
            next_at=timezone.now(),
            ended_at=None,
            error="",
        )
        transaction.on_commit(lambda: ring(locked))
    return len(locked)


def ring(ids: Any) -> None:
    """Rings for each; without a broker the sweep finds them."""
    try:
        for pk in ids:
            current_app.send_task(DELIVER, [str(pk)])
    except (OperationalError, OSError) as error:
        log.warning("webhook_doorbell_lost", error=type(error).__name__)
