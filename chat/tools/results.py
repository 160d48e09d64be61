"""What may be shown of a tool's reply: the fields that staff chose, without anybody's personal data."""

import re
from collections.abc import Mapping
from typing import Any

from chat import vault
from chat.tools.registry import Spec, said_in
from prompts.redaction import engine
from prompts.redaction.spans import RedactionFailed, Span

# So much is read for personal data before it is cut: half a phone number is not seen as one.
VALUE_CHARS, READ_CHARS = 200, 2000
SHOWN_MOST = 12
KEPT_HEAD, KEPT_TAIL = 3, 4
# Of these the ends may be seen, as people know it from parcels.
PARTLY = frozenset({"PHONE", "COURIER"})
HIDDEN = "***"
REPLY_PLACE = re.compile(r"\{([a-z][A-Za-z0-9_.]*)\}")


def at_path(found: Any, path: str, *, otherwise: Any = None) -> Any:
    """What a reply holds at "latest.text" or "events.0.text"; `otherwise` where there is no such place."""
    for step in path.split("."):
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            return otherwise
    return found


def shown_of(spec: Spec, found: Any, *, language: str) -> dict[str, str]:
    """{path: text} of the fields that may be shown, masked."""
    values = {path: at_path(found, path) for path, _, _ in spec.shown[:SHOWN_MOST]}
    return {
        path: masked(as_text(value), language=language)[:VALUE_CHARS]
        for path, value in values.items()
        if value not in (None, "") and not isinstance(value, Mapping | list)
    }


def as_text(value: Any) -> str:
    text = ("✓" if value else "✗") if isinstance(value, bool) else str(value)
    return " ".join(text.split())[:READ_CHARS]


def masked(text: str, *, language: str) -> str:
    """The text with stars for personal data; whose it is, nobody here knows."""
    try:
        spans = engine.find(
            text,
            language="en" if language == "en" else "zh",
            not_personal=vault.order_patterns(),
        )
    except RedactionFailed:
        return HIDDEN
    for span in reversed(spans):
        text = text[: span.start] + stars(text[span.start : span.end], span) + text[span.end :]
    return text


def stars(value: str, span: Span) -> str:
    if span.type in PARTLY and len(value) > 2 * (KEPT_HEAD + KEPT_TAIL) - 4:
        return f"{value[:KEPT_HEAD]}****{value[-KEPT_TAIL:]}"
    return HIDDEN


def labelled(spec: Spec, shown: Mapping[str, str], *, language: str) -> list[tuple[str, str]]:
    """(label, text) in the order staff chose."""
    return [
        (said_in((zh, en), language), shown[path]) for path, zh, en in spec.shown if path in shown
    ]


def sentence(
    spec: Spec, arguments: Mapping[str, Any], shown: Mapping[str, str], *, language: str
) -> str:
    """What is said of a call that went well: the tool's own words, else its fields one by one."""
    known = {**{name: str(value) for name, value in arguments.items()}, **shown}
    words = said_in(spec.replies, language) or spec.replies[0]
    if words:
        return REPLY_PLACE.sub(lambda place: known.get(place[1], "—"), words)
    listed = [f"{label}: {text}" for label, text in labelled(spec, shown, language=language)]
    return "; ".join([spec.title(language), *listed])
