"""What a visitor or the shop's page tells beside the lines: context, attributes, the form before a conversation.

None of it is verified. Texts are masked like lines: rows hold placeholders. Called by consumers, api and the other actions.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from chat import protocol, vault
from chat.models import Conversation, Visitor
from chat.protocol import ProtocolError
from prompts.redaction.spans import Type

ATTRIBUTES_MOST = 30
PHONE = re.compile(r"\+?[\d\s()-]{5,20}")
EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+")
# What a field holds by its name or kind, whether or not it looks like it.
HOLDS: dict[str, Type] = {"name": "NAME", "phone": "PHONE", "email": "EMAIL", "address": "ADDRESS"}


def set_context(visitor: Visitor, told: protocol.ContextSet) -> None:
    """Keeps what the shop's page says of itself with the latest conversation, and of the customer with the visitor."""
    vault.load()
    with transaction.atomic():
        conversation = lock_latest(visitor)
        context = conversation.context | {
            name: masked(visitor, getattr(told, name))
            for name in told.model_fields_set & {"product", "order", "page"}
        }
        kept = {name: value for name, value in context.items() if value is not None}
        if kept != conversation.context:
            conversation.context = kept
            conversation.save(update_fields=["context"])
        if told.attributes:
            set_attributes(visitor, told.attributes)


def set_attributes(visitor: Visitor, told: Mapping[str, Any]) -> None:
    """Raises ProtocolError `invalid_frame` when there would be too many."""
    known = Visitor.objects.get(pk=visitor.pk).attributes
    after = known | {name: masked(visitor, value) for name, value in told.items()}
    after = {name: value for name, value in after.items() if value is not None}
    if len(after) > ATTRIBUTES_MOST:
        raise ProtocolError("invalid_frame")
    Visitor.objects.filter(pk=visitor.pk).update(attributes=after)


def carried(visitor: Visitor, context: protocol.Context | None) -> dict[str, Any]:
    """The `meta` of a line that was written beside a product or an order."""
    if context is None or not (context.product or context.order):
        return {}
    fields = masked(visitor, context)
    return {"context": {name: fields[name] for name in ("product", "order") if name in fields}}


def masked(visitor: Visitor, value: Any) -> Any:
    """A value of a page with placeholders for personal data; the caller holds the conversation's lock."""
    if isinstance(value, protocol.Frame):
        fields = value.model_dump(exclude_none=True)
        return {name: masked(visitor, each) for name, each in fields.items()}
    if isinstance(value, dict):
        return {name: masked(visitor, each) for name, each in value.items()}
    return vault.mask(visitor, value) if isinstance(value, str) else value


def fill_form(visitor: Visitor, answers: Mapping[str, str]) -> None:
    """Keeps the answers to the inbox's form. Raises ProtocolError `invalid_frame` for answers that do not fit it."""
    fields = {field["name"]: field for field in visitor.inbox.prechat}
    given = {name: text.strip() for name, text in answers.items() if text.strip()}
    required = {name for name, field in fields.items() if field.get("required")}
    if required - given.keys() or not all(
        name in fields and fits(text, field=fields[name]) for name, text in given.items()
    ):
        raise ProtocolError("invalid_frame")
    vault.load()
    with transaction.atomic():
        conversation = lock_latest(visitor)
        conversation.form = {
            name: kept(visitor, text, holds=name if name in HOLDS else fields[name]["kind"])
            for name, text in given.items()
        }
        conversation.save(update_fields=["form"])


def fits(text: str, *, field: Mapping[str, Any]) -> bool:
    match field["kind"]:
        case "phone":
            return bool(PHONE.fullmatch(text))
        case "email":
            return bool(EMAIL.fullmatch(text))
        case "select":
            return any(text in options for options in field["options"].values())
    return True


def kept(visitor: Visitor, text: str, *, holds: str) -> str:
    """The placeholder of a value whose kind the form names; any other text is masked like a line."""
    if holds in HOLDS:
        return vault.seal_value(visitor, text, type_=HOLDS[holds])
    return vault.mask(visitor, text)


def form_is_wanted(conversation: Conversation) -> bool:
    """Whether the form is still to be filled in: before the first line only."""
    return bool(conversation.inbox.prechat) and not conversation.form and not conversation.last_seq


def known_before(visitor: Visitor) -> dict[str, Any]:
    """What a new conversation knows from the one before it."""
    earlier = Conversation.objects.filter(visitor=visitor).order_by("-created_at")
    known = earlier.values_list("context", "form").first()
    return {"context": known[0], "form": known[1]} if known else {}


def lock_latest(visitor: Visitor) -> Conversation:
    """The visitor's latest conversation, resolved or not, locked. Raises ProtocolError `not_found`."""
    known = Conversation.objects.select_for_update(no_key=True).filter(visitor=visitor)
    latest = known.order_by("-created_at").first()
    if latest is None:
        raise ProtocolError("not_found")
    latest.visitor = visitor
    return latest
