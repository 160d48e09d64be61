"""What a customer may ask of a shop by law: a copy of everything that is kept, and its erasure.

Called by api for the visitor, by the admin and by commands for staff.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from django.db import transaction
from redis import RedisError

from chat import media, protocol, transcript, vault
from chat.dialogue import read_dialogue
from chat.gaps import searching
from chat.models import Attachment, Conversation, Message, Rating, Turn, VaultEntry, Visitor
from prompts import understanding
from prompts.redis import connection

log = structlog.get_logger(__name__)

ERASED_AT_ONCE = 500


def export(visitor: Visitor) -> dict[str, Any]:
    """Everything kept of a visitor, with the raw values: for the visitor alone."""
    values = vault.Values(visitor.pk)
    conversations = Conversation.objects.filter(visitor=visitor).order_by("created_at")
    return {
        "visitor_id": str(visitor.pk),
        "locale": visitor.locale,
        "tier": visitor.tier,
        "created_at": protocol.iso(visitor.created_at),
        "customer_id": visitor.customer_id,
        "profile": values.in_value(visitor.profile),
        "attributes": values.in_value(visitor.attributes),
        "images": [media.fields(each) for each in Attachment.objects.filter(visitor=visitor)],
        "conversations": [as_export(conversation, values) for conversation in conversations],
    }


def as_export(conversation: Conversation, values: vault.Values) -> dict[str, Any]:
    lines = Message.objects.filter(conversation=conversation).order_by("seq")
    rating = Rating.objects.filter(conversation=conversation).first()
    dialogue = read_dialogue(conversation.dialogue)
    return {
        "id": str(conversation.pk),
        "created_at": protocol.iso(conversation.created_at),
        "slots": as_slots(dialogue.slots, values),
        "topics": [
            {"title": topic.title or topic.intent, "slots": as_slots(topic.slots, values)}
            for topic in dialogue.topics
        ],
        "summary": values.in_text(conversation.summary),
        "tags": [values.in_text(tag) for tag in conversation.tags],
        "context": values.in_value(conversation.context),
        "form": values.in_value(conversation.form),
        "messages": [as_said(line, values) for line in lines],
        "rating": rating
        and {
            "score": rating.score,
            "resolved": rating.resolved,
            "tags": [values.in_text(tag) for tag in rating.tags],
            "comment": values.in_text(rating.comment),
        },
    }


def as_slots(slots: Mapping[str, str], values: vault.Values) -> dict[str, str]:
    return {name: values.in_text(str(value)) for name, value in slots.items()}


def as_said(line: Message, values: vault.Values) -> dict[str, Any]:
    """A line with what stands beside it: how to reach who left it, and why it got its thumb."""
    beside = {
        name: line.meta[name] for name in ("contact", "feedback_reason") if line.meta.get(name)
    }
    return values.in_frame(transcript.as_frame(line)) | {
        name: values.in_value(value) for name, value in beside.items()
    }


def erase(visitor: Visitor) -> dict[str, int]:
    """Removes what a visitor said and gave; how many rows of each kind. Doing it again removes nothing more.

    What models cost stays in the ledger, which names nobody.
    """
    with transaction.atomic():
        hold(visitor)
        conversations = Conversation.objects.filter(visitor=visitor)
        turn_ids = list(
            Turn.objects.filter(conversation__in=conversations).values_list("pk", flat=True)
        )
        images = list(Attachment.objects.filter(visitor=visitor).values_list("path", flat=True))
        counts = {
            "images": len(images),
            "vault": 0,
            "messages": Message.objects.filter(conversation__in=conversations).count(),
            "conversations": conversations.count(),
        }
        searching.forget(conversations.values_list("pk", flat=True))
        understanding.forget_candidates(list(map(str, turn_ids)))
        Message.objects.filter(visitor=visitor).update(visitor=None, client_id=None)
        Conversation.objects.filter(visitor=visitor).delete()
        Attachment.objects.filter(visitor=visitor).delete()
        # Last: what was masked until the locks were held is among them.
        counts["vault"] = VaultEntry.objects.filter(visitor=visitor).delete()[0]
        Visitor.objects.filter(pk=visitor.pk).update(customer_id="", profile={}, attributes={})
    media.remove(images)
    forget(visitor, turn_ids)
    log.warning("visitor_erased", visitor_id=str(visitor.pk), **counts)
    return counts


def hold(visitor: Visitor) -> None:
    """Locks the visitor's conversations and then the visitor, in the order of whoever writes a line; no other can begin.

    One that began in between is not waited for with the visitor in hand: both locks are taken anew.
    """
    while True:
        begun = transaction.savepoint()
        rows = Conversation.objects.select_for_update().filter(visitor=visitor).order_by("pk")
        locked = list(rows.values_list("pk", flat=True))
        Visitor.objects.select_for_update().get(pk=visitor.pk)
        if not Conversation.objects.filter(visitor=visitor).exclude(pk__in=locked).exists():
            return
        transaction.savepoint_rollback(begun)


def forget(visitor: Visitor, turn_ids: list[Any]) -> None:
    """Drops what Redis still holds; all of it would expire by itself."""
    try:
        client = connection()
        keys = list(client.scan_iter(match=f"dialogue:{visitor.pk}:*", count=ERASED_AT_ONCE))
        keys += [f"partial:{turn_id}" for turn_id in turn_ids]
        if keys:
            client.delete(*keys)
    except RedisError as error:
        log.warning("dialogue_unreachable", error=type(error).__name__)
