"""Webhooks: written with what happened, signed, sent once it is due, tried again, and never to where they must not go."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from chat import outbox, protocol, webhooks
from chat.actions import agent as agent_actions
from chat.actions import privacy
from chat.actions import visitor as actions
from chat.models import Agent, Conversation, Inbox, Visitor, WebhookDelivery, WebhookEndpoint
from tests.fakes import webhook_server
from tests.fakes.webhook_server import Receiver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

HERE = "127.0.0.1"


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with webhook_server.running() as heard:
        settings.TOOL_HOSTS = [heard.host]
        outbox.CACHE.clear()
        yield heard
        outbox.CACHE.clear()


def listen(receiver: Receiver, **columns: Any) -> tuple[WebhookEndpoint, str]:
    endpoint = WebhookEndpoint.objects.create(name="ERP", **{"url": receiver.url, **columns})
    secret = webhooks.renew_secret(endpoint)
    outbox.CACHE.clear()
    return endpoint, secret


def say(visitor: Visitor, text: str) -> Conversation:
    posted = actions.post_message(visitor, client_id=uuid.uuid4(), text=text, address=HERE)
    return Conversation.objects.get(pk=posted.conversation_id)


def events() -> list[str]:
    return list(WebhookDelivery.objects.order_by("created_at").values_list("event", flat=True))


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def hurry(delivery: WebhookDelivery) -> None:
    """The next attempt has come."""
    past = timezone.now() - timedelta(seconds=1)
    WebhookDelivery.objects.filter(pk=delivery.pk).update(next_at=past)
    WebhookEndpoint.objects.update(paused_until=None)


def test_a_delivery_is_signed_over_its_timestamp_and_its_bytes(
    receiver: Receiver, visitor: Visitor
) -> None:
    _, secret = listen(receiver, events=["message.created"])
    conversation = say(visitor, "我的电话13812345678")
    webhooks.deliver(only().pk)

    [(headers, body)] = receiver.received
    signed = headers["x-yingda-timestamp"].encode() + b"." + body
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-yingda-signature"] == f"sha256={wanted}"
    assert headers["x-yingda-delivery"] == str(only().pk)
    told = json.loads(body)
    assert told.keys() == {"event", "id", "conversation", "data", "timestamp"}
    assert (told["event"], told["conversation"]) == ("message.created", str(conversation.pk))
    assert (told["data"]["role"], told["data"]["seq"]) == ("visitor", 1)
    assert "13812345678" not in body.decode()
    assert "<PHONE_1>" in told["data"]["text"]
    assert (only().state, only().attempt, only().status_code) == ("done", 1, 200)


def test_the_life_of_a_conversation_is_told_in_order(
    receiver: Receiver, visitor: Visitor, agent: Agent
) -> None:
    listen(receiver)
    pk = say(visitor, "在吗").pk
    actions.request_human(visitor)
    agent_actions.claim(pk, agent=agent)
    agent_actions.resolve(pk, agent=agent, summary="已补发", tags=["物流"])
    actions.rate(visitor, protocol.Rate(type="rate", score=5, resolved=True))
    assert [event for event in events() if event != "message.created"] == [
        "conversation.opened",
        "conversation.queued",
        "conversation.claimed",
        "conversation.resolved",
        "conversation.rated",
    ]
    told = {row.event: row.body["data"] for row in WebhookDelivery.objects.all()}
    assert told["conversation.queued"]["reasons"] == ["asked"]
    assert told["conversation.claimed"]["agent"] == {"id": agent.pk, "name": agent.name}
    assert (told["conversation.resolved"]["summary"], told["conversation.resolved"]["tags"]) == (
        "已补发",
        ["物流"],
    )


def test_only_what_is_wanted_is_kept(receiver: Receiver, visitor: Visitor) -> None:
    listen(receiver, events=["conversation.rated"])
    listen(receiver, inbox=Inbox.objects.create(name="another"))
    listen(receiver, enabled=False)
    unsigned, _ = listen(receiver)
    WebhookEndpoint.objects.filter(pk=unsigned.pk).update(secret="")
    outbox.CACHE.clear()
    say(visitor, "在吗")
    assert events() == []


def test_what_was_rolled_back_is_not_told(receiver: Receiver, visitor: Visitor) -> None:
    listen(receiver)
    with transaction.atomic():
        say(visitor, "在吗")
        transaction.set_rollback(True)
    assert events() == []


def test_an_endpoint_that_was_deleted_a_moment_ago_stops_nobody(
    receiver: Receiver, visitor: Visitor
) -> None:
    endpoint, _ = listen(receiver, events=["message.created"])
    say(visitor, "在吗")
    WebhookEndpoint.objects.filter(pk=endpoint.pk)._raw_delete("default")
    say(visitor, "还在吗")
    for row in WebhookDelivery.objects.all():
        webhooks.deliver(row.pk)
    assert receiver.received == []


def test_a_failure_is_tried_again_later_and_later_until_it_has_failed(
    receiver: Receiver, visitor: Visitor
) -> None:
    listen(receiver, events=["message.created"])
    say(visitor, "在吗")
    receiver.statuses = [500] * 7
    waits = []
    for _ in range(7):
        hurry(only())
        webhooks.deliver(only().pk)
        waits.append(round((only().next_at - timezone.now()).total_seconds(), -1))
    assert waits[:6] == [10, 60, 300, 1800, 7200, 21600]
    assert (only().state, only().attempt, only().error, only().status_code) == (
        "failed",
        7,
        "http",
        500,
    )
    hurry(only())
    webhooks.deliver(only().pk)
    assert len(receiver.received) == 7


def test_nothing_is_sent_before_it_is_due_or_twice_at_once(
    receiver: Receiver, visitor: Visitor
) -> None:
    listen(receiver, events=["message.created"])
    say(visitor, "在吗")
    pk = only().pk

    def attempt(_: int) -> None:
        try:
            webhooks.deliver(pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(attempt, range(4)))
    assert len(receiver.received) == 1
    receiver.statuses = [503]
    outbox.again([pk])
    webhooks.deliver(pk)
    webhooks.deliver(pk)
    assert len(receiver.received) == 2
    assert webhooks.due() == []
    hurry(only())
    assert webhooks.due() == [pk]


def test_a_redirect_is_not_followed_and_internal_addresses_are_refused(
    receiver: Receiver, visitor: Visitor, settings: Any
) -> None:
    listen(receiver, events=["message.created"])
    receiver.statuses = [302]
    say(visitor, "在吗")
    webhooks.deliver(only().pk)
    assert (only().state, only().error, len(receiver.received)) == ("pending", "redirect", 1)
    settings.TOOL_HOSTS = []
    hurry(only())
    webhooks.deliver(only().pk)
    assert (only().state, only().error, len(receiver.received)) == ("failed", "blocked", 1)


def test_an_endpoint_that_is_silent_keeps_nothing_else_waiting(
    receiver: Receiver, visitor: Visitor, settings: Any
) -> None:
    settings.TOOL_HOSTS = [receiver.host, "127.0.0.1:9"]
    dead, _ = listen(receiver, url="http://127.0.0.1:9/", events=["message.created"])
    say(visitor, "一")
    say(visitor, "二")
    first, second = WebhookDelivery.objects.order_by("created_at")
    webhooks.deliver(first.pk)
    webhooks.deliver(second.pk)
    attempts = WebhookDelivery.objects.order_by("created_at").values_list("attempt", "error")
    assert list(attempts) == [(1, "unreachable"), (0, "")]
    dead.refresh_from_db()
    assert dead.paused_until is not None
    assert webhooks.due() == []


def test_a_customer_who_is_erased_is_erased_here_too(receiver: Receiver, visitor: Visitor) -> None:
    listen(receiver)
    say(visitor, "在吗")
    privacy.erase(visitor)
    assert events() == []


# --- the admin ----------------------------------------------------------------------------------------


@pytest.fixture
def staff(client: Any) -> Any:
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


def test_a_new_endpoint_is_given_a_secret_that_is_seen_once(staff: Any, receiver: Receiver) -> None:
    form = {"name": "ERP", "url": receiver.url, "events": ["message.created"], "enabled": "on"}
    page = staff.post(reverse("admin:chat_webhookendpoint_add"), form)
    endpoint = WebhookEndpoint.objects.get()
    assert page.url == reverse("admin:chat_webhookendpoint_secret_page", args=[endpoint.pk])
    assert "whsec_" not in staff.get(page.url).content.decode()
    assert "whsec_" in staff.post(page.url, {"secret": "1"}).content.decode()
    assert "whsec_" not in staff.get(page.url).content.decode()
    endpoint.refresh_from_db()
    assert endpoint.secret
    assert "whsec_" not in endpoint.secret
    staff.post(page.url, {"test": "1"})
    webhooks.deliver(only().pk)
    assert json.loads(receiver.received[0][1])["event"] == "ping"


@pytest.mark.parametrize("url", ["ftp://a/", "http://user@host/", "http://a b/", "//x"])
def test_an_address_that_cannot_be_called_is_refused(staff: Any, url: str) -> None:
    page = staff.post(reverse("admin:chat_webhookendpoint_add"), {"name": "x", "url": url})
    assert (page.status_code, WebhookEndpoint.objects.count()) == (200, 0)


def test_a_delivery_is_sent_again_by_those_who_may(
    staff: Any, receiver: Receiver, visitor: Visitor, client: Any
) -> None:
    listen(receiver, events=["message.created"])
    say(visitor, "在吗")
    webhooks.deliver(only().pk)
    url = reverse("admin:chat_webhookdelivery_changelist")
    wanted = {"action": "send_again", "_selected_action": [str(only().pk)]}
    assert "已送达" in staff.get(url).content.decode()
    staff.post(url, wanted)
    assert only().state == "pending"
    webhooks.deliver(only().pk)
    (first, _), (second, _) = receiver.received
    assert first["x-yingda-delivery"] == second["x-yingda-delivery"]
    shown = staff.get(reverse("admin:chat_webhookdelivery_change", args=[only().pk]))
    assert "message.created" in shown.content.decode()
