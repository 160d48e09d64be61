"""Fills a JSON Schema with values that are right by construction; used for JSON answers and tool arguments.

Names and enumerations it knows get what the customer said; everything else the smallest legal value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from tests.fakes.provider_types import Json

_MAX_DEPTH = 8
_SPOKEN = re.compile(r"^\d+ (?:顾客|Customer)：(.+)$", re.MULTILINE)
_TELLING_CHARS = 6
MOOD_WORDS = {
    "angry": ("angry", "anger", "negative", "furious", "生气", "愤怒", "负"),
    "anxious": ("anxious", "worried", "impatient", "negative", "着急", "焦虑", "负"),
    "happy": ("happy", "positive", "satisfied", "开心", "满意", "正"),
    "calm": ("calm", "neutral", "平静", "中性"),
}
MOOD_SCORES = {"angry": 0.9, "anxious": 0.6, "happy": 0.1, "calm": 0.2}
_PATTERNS = {
    "phone": re.compile(r"<PHONE_\d+>|(?<!\d)1[3-9]\d{9}(?!\d)"),
    "email": re.compile(r"<EMAIL_\d+>|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII),
    "address": re.compile(
        r"<ADDRESS_\d+>|(?<=地址[改换])[^,，。\n]{4,60}|(?<=address to )[^\n.]{4,80}"
    ),
}
_FIXED_FORMATS = {
    "date": "2025-01-01",
    "date-time": "2025-01-01T00:00:00Z",
    "email": "name@example.com",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known about one conversation that a field of a schema may ask for."""

    said: str
    reply: str
    language: str
    mood: str
    wants_human: bool
    topic_names: tuple[str, ...]
    order_number: str | None = None


def fill_text(schema: Mapping[str, Json], facts: Facts) -> str:
    """The JSON text of a value for `schema`; an empty schema gives `{"reply": ..., "intent": ...}`."""
    if not schema:
        return _dump({"reply": facts.reply, "intent": facts.topic_names[0]})
    return _dump(_Filler(schema, facts).value(schema, "", 0))


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def last_words(said: str) -> str:
    """The customer's last line that says something: of a thread in one text, as `3 顾客：…`, or of what was said."""
    spoken = _SPOKEN.findall(said)
    telling = [line for line in spoken if len(line) >= _TELLING_CHARS]
    return (telling or spoken or said.split("\n"))[-1]


@dataclass(slots=True)
class _Filler:
    root: Mapping[str, Json]
    facts: Facts
    _texts: dict[str, str | None] = field(default_factory=dict)

    def value(self, schema: Mapping[str, Json], name: str, depth: int) -> Json:
        schema = self._resolved(schema, name)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choice(schema["enum"], name)
        match self._kind(schema, name):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "string":
                return self._string(schema, name)
            case "number" | "integer" as kind:
                return self._number(schema, name, whole=kind == "integer")
            case "boolean":
                return self.facts.wants_human and bool(
                    re.search("human|transfer|escalat|handoff|handover", name)
                )
            case _:
                return None

    def _resolved(self, schema: Mapping[str, Json], name: str) -> Mapping[str, Json]:
        for _ in range(_MAX_DEPTH):
            if "$ref" in schema:
                schema = self._referenced(str(schema["$ref"]))
            elif "allOf" in schema:
                schema = {key: value for part in schema["allOf"] for key, value in part.items()}
            elif options := schema.get("anyOf") or schema.get("oneOf"):
                schema = self._option(cast("list[Mapping[str, Json]]", options), name)
            else:
                break
        return schema

    def _referenced(self, pointer: str) -> Mapping[str, Json]:
        found: Json = self.root
        for part in pointer.removeprefix("#").strip("/").split("/"):
            found = found.get(part, {}) if part else found
        return cast("Mapping[str, Json]", found)

    def _option(self, options: list[Mapping[str, Json]], name: str) -> Mapping[str, Json]:
        nullable = any(option.get("type") == "null" for option in options)
        solid = [option for option in options if option.get("type") != "null"]
        if (
            nullable
            and solid[0].get("type") in {"string", "integer", "number"}
            and self._known(name) is None
        ):
            return {"type": "null"}
        return solid[0]

    def _kind(self, schema: Mapping[str, Json], name: str) -> str:
        kind = schema.get("type") or ("object" if "properties" in schema else "string")
        if isinstance(kind, str):
            return kind
        nullable, solid = "null" in kind, [each for each in kind if each != "null"]
        unknown = nullable and solid[:1] == ["string"] and self._known(name) is None
        return "null" if unknown or not solid else str(solid[0])

    def _object(self, schema: Mapping[str, Json], depth: int) -> dict[str, Json]:
        fields: Mapping[str, Mapping[str, Json]] = schema.get("properties", {})
        required = schema.get("required", list(fields))
        wanted = [name for name in fields if name in required or self._known(name) is not None]
        if depth >= _MAX_DEPTH:
            return {}
        return {name: self.value(fields[name], name.lower(), depth + 1) for name in wanted}

    def _array(self, schema: Mapping[str, Json], name: str, depth: int) -> list[Json]:
        items = schema.get("items", {})
        worth_one = "intent" in name and depth < _MAX_DEPTH
        count = max(int(schema.get("minItems", 0)), int(worth_one))
        return [self.value(items, name, depth + 1) for _ in range(count)]

    def _string(self, schema: Mapping[str, Json], name: str) -> str:
        known = self._known(name)
        text = known if known is not None else _FIXED_FORMATS.get(schema.get("format", ""), "")
        text = text.ljust(int(schema.get("minLength", 0)), "-")
        return text[: int(schema.get("maxLength", len(text)))]

    def _number(self, schema: Mapping[str, Json], name: str, *, whole: bool) -> float:
        wanted = (
            MOOD_SCORES[self.facts.mood] if re.search("emotion|anger|mood|sentiment", name) else 0.9
        )
        low, high = (
            schema.get("minimum", 0),
            schema.get("maximum", max(1, schema.get("minimum", 0))),
        )
        value = min(max(wanted, low), high)
        return int(max(low, value // 1)) if whole else float(value)

    def _choice(self, options: list[Json], name: str) -> Json:
        wanted: tuple[str, ...] = self.facts.topic_names
        if re.search("emotion|mood|sentiment", name):
            wanted = MOOD_WORDS[self.facts.mood]
        if re.search("lang", name):
            wanted = (self.facts.language,)
        fitting = (option for word in wanted for option in options if word in str(option).lower())
        fallback = next(
            (option for option in options if str(option).lower() in {"other", "unknown", "其他"}),
            options[0],
        )
        return next(fitting, fallback)

    def _known(self, name: str) -> str | None:
        if name not in self._texts:
            self._texts[name] = self._look_up(name.lower())
        return self._texts[name]

    def _look_up(self, name: str) -> str | None:
        facts = self.facts
        if re.search("order|订单", name):
            return facts.order_number
        for key, pattern in _PATTERNS.items():
            if key in name or (key == "phone" and re.search("mobile|tel", name)):
                found = pattern.search(facts.said)
                return found.group() if found else None
        if re.search("reply|answer|response|message|content|^text", name):
            return facts.reply
        if re.search("summary|reason|query|question|note|^need$", name):
            return last_words(facts.said)[:40]
        if re.search("intent|topic|category", name):
            return facts.topic_names[0]
        return facts.language if "lang" in name else None
