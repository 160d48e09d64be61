"""Placeholders of one conversation: <PHONE_1> stands for the same number wherever it is said.

A book knows values only by a keyed digest, so it can be stored as it is. Called by prompts.redaction.engine and by
whoever puts values back: the stream to the visitor and the tools.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from prompts.redaction.spans import TYPES, Type

PLACEHOLDER = re.compile(rf"<({'|'.join(TYPES)})_([1-9]\d{{0,3}})>")
# What a customer may type and a model may tidy up into a placeholder.
LOOKALIKE = re.compile(
    rf"[<＜‹〈《]\s*({'|'.join(TYPES)})\s*[_＿]\s*([\d０-９]{{1,4}})\s*[>＞›〉》]", re.IGNORECASE
)
SEPARATORS = re.compile(r"[\s._·()-]+")
NUMBERS: frozenset[Type] = frozenset(
    {"PHONE", "ID_CARD", "BANK_CARD", "IBAN", "COURIER", "PLATE", "PASSPORT"}
)


@dataclass(slots=True)
class Placeholders:
    """`key` is the secret of the digests, 16 bytes or more; `known` is {digest: placeholder}, for storage."""

    key: bytes
    known: dict[str, str] = field(default_factory=dict)

    def placeholder(self, value: str, *, type_: Type) -> str:
        """The placeholder of a value, a new one if it is new. Blanks, dashes, width and case make no other value."""
        digest = self.digest(value, type_=type_)
        if digest not in self.known:
            taken = sum(name.startswith(f"<{type_}_") for name in self.known.values())
            self.known[digest] = f"<{type_}_{taken + 1}>"
        return self.known[digest]

    def digest(self, value: str, *, type_: Type) -> str:
        """HMAC-SHA-256 of kind and value, 32 hexadecimal digits of it."""
        message = f"{type_}\0{canonical(value, type_=type_)}".encode("utf-8", "surrogatepass")
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()[:32]


def canonical(value: str, *, type_: Type) -> str:
    """The value without what people write differently: width, case, separators, the country code of China."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    if type_ not in NUMBERS:
        return " ".join(folded.split())
    bare = SEPARATORS.sub("", folded)
    if type_ == "PHONE":
        bare = re.sub(r"^(?:\+86|0086|86)(?=1\d{10}$)", "", bare)
    return bare


def restore(text: str, values: Mapping[str, str], *, allowed: Collection[str]) -> str:
    """`text` with the values of those placeholders that are both known and allowed; all others stay as they are."""

    def value(match: re.Match[str]) -> str:
        placeholder = match.group()
        return values.get(placeholder, placeholder) if placeholder in allowed else placeholder

    return PLACEHOLDER.sub(value, text)


def disarmed(text: str) -> str:
    """What was typed like a placeholder, in brackets that nothing restores."""
    return LOOKALIKE.sub(lambda match: f"‹{match[1]}_{match[2]}›", text)
