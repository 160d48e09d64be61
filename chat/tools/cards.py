"""Cards: what a result shows, and what a customer confirms. Shapes of docs/protocol.md §3. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from chat import protocol
from chat.tools import results, wording
from chat.tools.arguments import Arguments
from chat.tools.registry import Spec
from prompts.nlu.slots import TITLES

Card = dict[str, Any]
CONFIRM, CANCEL = "confirm", "cancel"


def result_card(spec: Spec, shown: Mapping[str, str], *, language: str) -> Card:
    """A reply's fields as a card of the tool's kind."""
    return {
        "kind": spec.card,
        "title": spec.title(language),
        "lines": [
            {"label": label, "value": value}
            for label, value in results.labelled(spec, shown, language=language)
        ],
        "buttons": [],
    }


def confirm_card(
    spec: Spec, arguments: Arguments, *, call_id: UUID, expires_at: datetime, language: str
) -> Card:
    """The card that asks whether to go on. Its buttons name the one call they are good for."""
    return {
        "kind": "confirm",
        "title": wording.say(wording.CARD_TITLE, language, title=spec.title(language)),
        "lines": [
            {"label": label_of(spec, name, language), "value": str(value)}
            for name, value in arguments.items()
        ],
        "buttons": [
            button(wording.CONFIRM, f"{CONFIRM}:{call_id}", "primary", language),
            button(wording.CANCEL, f"{CANCEL}:{call_id}", "default", language),
        ],
        "expires_at": protocol.iso(expires_at),
    }


def button(label: wording.Pair, value: str, style: str, language: str) -> dict[str, str]:
    return {"label": wording.say(label, language), "value": value, "style": style}


def label_of(spec: Spec, argument: str, language: str) -> str:
    slot = spec.slot_of(argument)
    return TITLES.get(slot, {}).get(language, slot)


def spoken(act: str, *, language: str) -> str:
    """The label of a confirmation's button, as the visitor's line says it."""
    return wording.say(wording.CONFIRM if act == CONFIRM else wording.CANCEL, language)


def read_value(value: str) -> tuple[str, UUID] | None:
    """(act, call) of a confirmation's button; None for any other value."""
    act, colon, call = value.partition(":")
    if act not in (CONFIRM, CANCEL) or not colon:
        return None
    try:
        return act, UUID(call)
    except ValueError:
        return None


def find_button(meta: Mapping[str, Any], value: str) -> str | None:
    """The label of the button or quick reply with this value in a message's meta."""
    offered = [
        *(b for card in meta.get("cards", ()) for b in card.get("buttons", ())),
        *meta.get("quick_replies", ()),
    ]
    return next((str(each["label"]) for each in offered if each.get("value") == value), None)


def marked(cards: list[Card], call_id: UUID, *, status: str) -> list[Card]:
    """The cards with the one that asked for a call marked as answered; its buttons go."""
    values = {f"{CONFIRM}:{call_id}", f"{CANCEL}:{call_id}"}
    return [
        {**card, "status": status, "buttons": []}
        if values & {each.get("value") for each in card.get("buttons", ())}
        else card
        for card in cards
    ]
