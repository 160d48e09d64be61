"""Sends what chat.outbox keeps to the systems that listen: signed, with back-off, to public or named hosts only.

Called by tasks, and by the admin for secrets. A delivery may arrive twice: its id is the same each time.
"""

import hashlib
import hmac
import json
import secrets
import time
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from chat import vault
from chat.models import WebhookDelivery, WebhookEndpoint
from chat.states import Delivered
from chat.tools import calling
from chat.tools.calling import Call, Reply
from prompts.redaction.vault import VaultError

log = structlog.get_logger(__name__)

SECRET_BYTES = 32
TIMEOUT_SECONDS = 5.0
# A worker that dies while it sends leaves the delivery to another after this long.
LEASE = timedelta(seconds=30)
# Until the next attempt, by how many there were; after the last the delivery has failed.
BACK_OFF_SECONDS = (10, 60, 300, 1800, 7200, 21600)
# An endpoint that does not answer at all is left alone for so long, and nothing else waits for it.
PAUSE = timedelta(seconds=30)
SILENT = frozenset({"unreachable", "timeout"})
# No later attempt would help.
FINAL = frozenset({"blocked", "bad_url", "secret"})
GONE = 410
KEPT = timedelta(days=30)
SWEPT_AT_ONCE = 100


def renew_secret(endpoint: WebhookEndpoint) -> str:
    """Gives the endpoint a new secret and returns it, the only time it is seen."""
    secret = f"whsec_{secrets.token_urlsafe(SECRET_BYTES)}"
    endpoint.secret = vault.vault().seal(secret, bound_to=binding(endpoint))
    endpoint.save(update_fields=["secret"])
    return secret


def rotate(endpoint: WebhookEndpoint) -> bool:
    """Seals the secret with the first vault key; False when it already is."""
    fresh = vault.vault().rotate(endpoint.secret, bound_to=binding(endpoint))
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk, secret=endpoint.secret)
    return fresh != endpoint.secret and bool(rows.update(secret=fresh))


def binding(endpoint: WebhookEndpoint) -> str:
    return f"webhook:{endpoint.pk}"


def signature(secret: str, *, timestamp: str, body: bytes) -> str:
    """`X-Yingda-Signature`: over the timestamp, a dot and the very bytes of the body."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def deliver(delivery_id: UUID) -> None:
    """Makes one attempt, if it is time for one and nobody else makes it."""
    delivery = claim(delivery_id)
    if delivery is None:
        return
    started = time.perf_counter()
    reply = send(delivery)
    finish(delivery, reply, duration_ms=(time.perf_counter() - started) * 1000)


def claim(delivery_id: UUID) -> WebhookDelivery | None:
    """The delivery, counted as tried once more; None when it is not due, or its endpoint is to be left alone."""
    now = timezone.now()
    awake = Q(endpoint__paused_until=None) | Q(endpoint__paused_until__lte=now)
    due = WebhookDelivery.objects.filter(
        awake,
        pk=delivery_id,
        state=Delivered.PENDING.value,
        next_at__lte=now,
        endpoint__enabled=True,
    )
    if not due.exists():
        return None
    mine = WebhookDelivery.objects.filter(
        pk=delivery_id, state=Delivered.PENDING.value, next_at__lte=now
    )
    if not mine.update(attempt=F("attempt") + 1, next_at=now + LEASE):
        return None
    return WebhookDelivery.objects.select_related("endpoint").filter(pk=delivery_id).first()


def send(delivery: WebhookDelivery) -> Reply:
    endpoint = delivery.endpoint
    try:
        secret = vault.vault().open_sealed(endpoint.secret, bound_to=binding(endpoint))
    except VaultError:
        log.error("webhook_secret_unopened", endpoint=endpoint.pk)
        return Reply(error="secret")
    body = json.dumps(delivery.body, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = str(int(time.time()))
    headers = {
        "User-Agent": "Yingda-Webhook/1",
        "X-Yingda-Event": delivery.event,
        "X-Yingda-Timestamp": timestamp,
        "X-Yingda-Delivery": str(delivery.pk),
        "X-Yingda-Signature": signature(secret, timestamp=timestamp, body=body),
    }
    call = Call("POST", endpoint.url, headers, None, TIMEOUT_SECONDS)
    return calling.tell(call, body, named=settings.TOOL_HOSTS)


def finish(delivery: WebhookDelivery, reply: Reply, *, duration_ms: float) -> None:
    """Keeps what came of this attempt, unless a later one is under way."""
    now = timezone.now()
    mine = WebhookDelivery.objects.filter(
        pk=delivery.pk, attempt=delivery.attempt, state=Delivered.PENDING.value
    )
    state = state_after(delivery.attempt, reply)
    wait = BACK_OFF_SECONDS[min(delivery.attempt, len(BACK_OFF_SECONDS)) - 1]
    mine.update(
        state=state.value,
        next_at=now + timedelta(seconds=wait),
        ended_at=None if state is Delivered.PENDING else now,
        status_code=reply.status or None,
        error=reply.error,
        duration_ms=round(duration_ms, 1),
    )
    if reply.error in SILENT:
        WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).update(paused_until=now + PAUSE)
    log.info("webhook_sent", delivery=str(delivery.pk), state=state.value, error=reply.error)


def state_after(attempt: int, reply: Reply) -> Delivered:
    if not reply.error:
        return Delivered.DONE
    is_last = attempt > len(BACK_OFF_SECONDS)
    gives_up = reply.error in FINAL or reply.status == GONE or is_last
    return Delivered.FAILED if gives_up else Delivered.PENDING


def due() -> list[UUID]:
    """Deliveries whose doorbell was lost, or whose next attempt has come; the oldest first."""
    now = timezone.now()
    awake = Q(endpoint__paused_until=None) | Q(endpoint__paused_until__lte=now)
    rows = WebhookDelivery.objects.filter(
        awake, state=Delivered.PENDING.value, next_at__lte=now, endpoint__enabled=True
    )
    return list(rows.order_by("next_at").values_list("pk", flat=True)[:SWEPT_AT_ONCE])


def forget_old() -> int:
    """Removes deliveries of long ago that have ended, or whose endpoint is out of use; how many."""
    old = WebhookDelivery.objects.filter(created_at__lt=timezone.now() - KEPT)
    in_use = WebhookEndpoint.objects.filter(enabled=True).values("pk")
    ended = ~Q(state=Delivered.PENDING.value) | ~Q(endpoint__in=in_use)
    return old.filter(ended)._raw_delete(old.db)
