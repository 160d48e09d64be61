"""Personal data on its way in and out: masked before it is stored, sealed in the vault, shown to its owner only.

Called by actions before a line is stored, and by consumers and api at the last moment before it is sent to the
visitor whose data it is. Everything in between, rows and Redis included, holds placeholders.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from html import unescape
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.utils.html import escape

from chat.models import VaultEntry, Visitor
from prompts.redaction import engine
from prompts.redaction.placeholders import PLACEHOLDER, Placeholders
from prompts.redaction.spans import RedactionFailed, Span, Type
from prompts.redaction.vault import Vault, VaultError

log = structlog.get_logger(__name__)

# A whole line that could not be examined: it is nobody's to read but its owner's.
UNREADABLE = re.compile(r"<MESSAGE_\d+>")
ANY = re.compile(rf"{PLACEHOLDER.pattern}|{UNREADABLE.pattern}")
IN_HTML = re.compile(ANY.pattern.replace("<", "&lt;").replace(">", "&gt;"))


class Book(Placeholders):
    """The placeholders of a visitor, read from the vault once the first is needed."""

    def __init__(self, visitor: Visitor) -> None:
        super().__init__(key=digest_key())
        self.visitor = visitor
        self.is_read = False

    def placeholder(self, value: str, *, type_: Type) -> str:
        self.read()
        return super().placeholder(value, type_=type_)

    def read(self) -> None:
        if not self.is_read:
            entries = VaultEntry.objects.filter(visitor=self.visitor)
            self.known.update(entries.values_list("digest", "placeholder"))
            self.is_read = True


@cache
def load() -> None:
    """Loads what finds personal data, seconds once per process: call it before a transaction, not in one."""
    try:
        engine.warm()
    except Exception as error:  # noqa: BLE001
        # Every line is sealed whole then.
        log.error("redaction_unloaded", error=type(error).__name__)


@dataclass(frozen=True, slots=True)
class Examined:
    """A text somebody is about to write, and where personal data was found in it: None, if that failed."""

    text: str
    spans: list[Span] | None


def mask(visitor: Visitor, text: str) -> str:
    """`examine` and `sealed` at once. The caller holds the lock of the visitor's conversation."""
    return sealed(visitor, examine(visitor, text))


def examine(visitor: Visitor, text: str) -> Examined:
    """Looks for personal data in a text: milliseconds that nobody has to wait for at a lock."""
    load()
    typed = disarmed(text)
    try:
        spans = engine.find(typed, language=visitor.language, not_personal=order_patterns())
    except RedactionFailed as error:
        log.error("redaction_failed", reason=str(error), chars=len(text))
        return Examined(text, None)
    return Examined(typed, spans)


def sealed(visitor: Visitor, found: Examined) -> str:
    """The text with placeholders for personal data, whose values are sealed in the vault.

    The caller holds the lock of the visitor's conversation. A text that could not be examined to the end is sealed
    as a whole: it must not be read by a model, and nothing of it may be lost.
    """
    if found.spans is None:
        return seal_whole(visitor, found.text)
    book = Book(visitor)
    masked = engine.replaced(found.text, found.spans, book=book)
    if masked.values:
        store(visitor, masked.values, digests=book.known)
    return masked.text


def disarmed(text: str) -> str:
    """What was typed like the placeholder of a whole line, in brackets that nothing opens."""
    return UNREADABLE.sub(lambda match: f"‹{match.group()[1:-1]}›", text)


def says_the_same(visitor: Visitor, kept: str, *, masked: str, raw: str) -> bool:
    """Whether a line sent again is the one that was kept, even if only one of the two could be examined."""
    return kept == masked or Values(visitor.pk).in_text(kept) == raw


def store(visitor: Visitor, values: Mapping[str, str], *, digests: Mapping[str, str]) -> None:
    """Seals what the vault does not hold yet; what it holds stays as it is."""
    by_placeholder = {placeholder: digest for digest, placeholder in digests.items()}
    VaultEntry.objects.bulk_create(
        (
            VaultEntry(
                visitor=visitor,
                placeholder=placeholder,
                digest=by_placeholder[placeholder],
                sealed=seal(visitor.pk, placeholder, value),
            )
            for placeholder, value in values.items()
        ),
        ignore_conflicts=True,
    )


def seal_value(visitor: Visitor, value: str, *, type_: Type) -> str:
    """The placeholder of a value whose kind is known; the caller holds the lock of the visitor's conversation."""
    book = Book(visitor)
    placeholder = book.placeholder(value, type_=type_)
    store(visitor, {placeholder: value}, digests=book.known)
    return placeholder


def seal_whole(visitor: Visitor, text: str) -> str:
    digest = hashlib.blake2b(text.encode(), key=digest_key(), digest_size=16).hexdigest()
    known = VaultEntry.objects.filter(visitor=visitor, digest=digest).first()
    if known is not None:
        return known.placeholder
    number = (
        1 + VaultEntry.objects.filter(visitor=visitor, placeholder__startswith="<MESSAGE_").count()
    )
    placeholder = f"<MESSAGE_{number}>"
    VaultEntry.objects.create(
        visitor=visitor,
        placeholder=placeholder,
        digest=digest,
        sealed=seal(visitor.pk, placeholder, text),
    )
    return placeholder


def is_readable(text: str) -> bool:
    """False for a line of which nothing may be shown to a model."""
    return not UNREADABLE.search(text)


def only(text: str, visitor_id: UUID, *, own: Iterable[str]) -> str:
    """`text` with the values of those of a visitor's placeholders that are named, and no others."""
    values, shown = Values(visitor_id), set(own)
    return PLACEHOLDER.sub(
        lambda match: values.in_text(match.group()) if match.group() in shown else match.group(),
        text,
    )


class Values:
    """What a visitor's placeholders stand for, opened when first needed. Lives as long as a request or a socket."""

    def __init__(self, visitor_id: UUID) -> None:
        self.visitor_id = visitor_id
        self.opened: dict[str, str] = {}

    def in_text(self, text: str) -> str:
        """`text` with this visitor's own values."""
        if "_" not in text:
            return text
        self.open(match.group() for match in ANY.finditer(text))
        return ANY.sub(lambda match: self.opened.get(match.group(), match.group()), text)

    def in_html(self, html: str) -> str:
        """Sanitised HTML with this visitor's own values, escaped."""
        if "_" not in html:
            return html
        self.open(unescape(match.group()) for match in IN_HTML.finditer(html))
        return IN_HTML.sub(self.as_html, html)

    def as_html(self, match: re.Match[str]) -> str:
        value = self.opened.get(unescape(match.group()))
        return match.group() if value is None else escape(value).replace("\n", "<br>")

    def in_frame(self, frame: dict[str, Any]) -> dict[str, Any]:
        """A frame for the visitor, with its own values in every text."""
        shown = dict(frame)
        if "text" in frame:
            shown["text"] = self.in_text(frame["text"])
        if "html" in frame:
            shown["html"] = self.in_html(frame["html"])
        if "context" in frame:
            shown["context"] = self.in_value(frame["context"])
        if "partial" in frame:
            shown["partial"] = self.in_frame(frame["partial"])
        if "cards" in frame:
            shown["cards"] = [self.in_card(card) for card in frame["cards"]]
        if "messages" in frame:
            shown["messages"] = [self.in_frame(line) for line in frame["messages"]]
        return shown

    def in_value(self, value: Any) -> Any:
        """A JSON value with this visitor's own values in every text."""
        if isinstance(value, dict):
            return {name: self.in_value(each) for name, each in value.items()}
        return self.in_text(value) if isinstance(value, str) else value

    def in_card(self, card: dict[str, Any]) -> dict[str, Any]:
        """A card with this visitor's own values in its lines."""
        lines = [{**line, "value": self.in_text(line["value"])} for line in card.get("lines", ())]
        return {**card, "lines": lines}

    def open(self, placeholders: Iterable[str]) -> None:
        missing = set(placeholders) - self.opened.keys()
        if missing:
            mine = VaultEntry.objects.filter(visitor_id=self.visitor_id, placeholder__in=missing)
            self.opened |= {entry.placeholder: opened_or_not(entry) for entry in mine}


def opened_or_not(entry: VaultEntry) -> str:
    """The value of an entry; its placeholder when its key is gone, so that the rest can still be read."""
    try:
        return unseal(entry)
    except VaultError:
        log.error("vault_entry_unopened", entry=str(entry.pk))
        return entry.placeholder


def holds_placeholders(text: str) -> bool:
    """Whether a text, a piece of HTML or a frame in JSON holds anything that is kept in a vault."""
    return "_" in text and bool(ANY.search(text) or IN_HTML.search(text))


def seal(visitor_id: UUID, placeholder: str, value: str) -> str:
    # Bound to its row: no token can be moved to another visitor or placeholder.
    return vault().seal(value, bound_to=f"{visitor_id.hex}{placeholder}")


def unseal(entry: VaultEntry) -> str:
    """The value of an entry. Raises VaultError when its key is gone."""
    bound_to = f"{entry.visitor_id.hex}{entry.placeholder}"
    return vault().open_sealed(entry.sealed, bound_to=bound_to)


def rotate(entry: VaultEntry) -> bool:
    """Seals an entry with the first key; False when it already is."""
    bound_to = f"{entry.visitor_id.hex}{entry.placeholder}"
    fresh = vault().rotate(entry.sealed, bound_to=bound_to)
    if fresh == entry.sealed:
        return False
    changed = VaultEntry.objects.filter(pk=entry.pk, sealed=entry.sealed).update(sealed=fresh)
    return bool(changed)


@cache
def vault() -> Vault:
    return Vault(settings.VAULT_KEYS)


@cache
def order_patterns() -> tuple[re.Pattern[str], ...]:
    """What the shop's order numbers look like: they are nobody's personal data."""
    return tuple(re.compile(pattern) for pattern in settings.ORDER_NUMBER_PATTERNS)


@cache
def digest_key() -> bytes:
    return hashlib.sha256(b"yingda placeholders" + settings.SECRET_KEY.encode()).digest()
