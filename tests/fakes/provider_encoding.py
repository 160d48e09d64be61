"""Values into the bytes of a wire: compact JSON, and UTF-8 that cannot fail."""

from __future__ import annotations

import json

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def utf8(text: str) -> bytes:
    """The bytes of `text`. A lone surrogate of a question may come back in an answer; its replacement is sent."""
    return text.encode("utf-8", "replace")


def json_bytes(value: object) -> bytes:
    """`value` as a body."""
    return utf8(encode(value))
