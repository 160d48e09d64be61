"""What a visitor's browser is told of an inbox, in the visitor's language. Called by api, views and admin.

An allow-list: no key, secret, prompt or address of staff is in it.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from chat import assets, media
from chat.inbox import forms, hours, wording
from chat.inbox.wording import find
from chat.models import Inbox


def is_open(inbox: Inbox, at: datetime) -> bool:
    """Whether the shop's people are there at an aware moment, by the inbox's business hours."""
    return hours.is_open(inbox.hours, at=at)


def inbox_fields(inbox: Inbox, *, locale: str | None = None) -> dict[str, Any]:
    """The `inbox` object of docs/protocol.md §3 for a reader of `locale`."""
    language = locale or inbox.locale
    said = {"locale": language, "fallback": inbox.locale}
    return {
        **look(inbox),
        "locale": inbox.locale,
        "reception": inbox.reception,
        "ai_label": inbox.ai_label,
        "quick_questions": find(inbox.quick_questions, **said) or [],
        "texts": wording.texts(inbox.texts, **said),
        "open": is_open(inbox, timezone.now()),
        "hours_text": hours.as_text(inbox.hours, locale=language),
        "hours_zone": inbox.hours.get("time_zone"),
        "prechat": forms.fields_for(inbox.prechat, **said),
        "rating_tags": find(inbox.rating_tags, **said) or [],
        "greetings": forms.greetings_for(inbox.greetings, **said),
        "upload": upload(inbox),
    }


def look(inbox: Inbox) -> dict[str, Any]:
    """What does not depend on the reader."""
    return {
        "name": inbox.name,
        "bot_name": inbox.bot_name,
        "theme": inbox.theme,
        "color": inbox.color or None,
        "logo": logo_url(inbox),
        "position": inbox.position,
        "sound": inbox.sound,
        "version": assets.widget().version,
    }


def launcher_fields(inbox: Inbox) -> dict[str, Any]:
    """What embed.js needs before the widget is opened; greetings in every language, as the page may change it."""
    return {**look(inbox), "key": inbox.key, "locale": inbox.locale, "greetings": inbox.greetings}


def logo_url(inbox: Inbox) -> str | None:
    """Where the logo is; the address changes with it."""
    name = inbox.logo.rpartition("/")[2]
    return reverse("widget-logo", args=[inbox.key, name]) if name else None


def upload(inbox: Inbox) -> dict[str, Any] | None:
    """What may be attached, or None where nothing may."""
    if not inbox.uploads:
        return None
    return {"max_bytes": settings.UPLOAD_MAX_BYTES, "types": list(media.TYPES)}
