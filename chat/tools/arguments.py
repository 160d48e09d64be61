"""Arguments: taken from slots or from a model, held to their schema, personal data put in at the last moment."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from django.conf import settings
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from chat import vault
from chat.tools import addresses
from chat.tools.calling import Call
from chat.tools.registry import Spec

TYPES = ("string", "integer", "number", "boolean")
# What a schema leaves open is bounded here.
STRING_CHARS, MODEL_CHARS = 300, 4000
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
DOTS = frozenset({"", ".", ".."})
Arguments = dict[str, Any]


class BadArguments(ValueError):
    """The arguments cannot be used; `argument` names the one that is wrong, if one is."""

    def __init__(self, code: str, argument: str = "") -> None:
        super().__init__(f"{code} {argument}".strip())
        self.code, self.argument = code, argument


def schema_problem(schema: object) -> tuple[str, str] | None:
    """Why a schema cannot be that of a tool's arguments, in Chinese and English; None when it can."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return '最外层需要 "type": "object"。', 'The schema begins with "type": "object".'
    properties = schema.get("properties", {})
    if not isinstance(properties, dict) or not all(map(NAME.fullmatch, properties)):
        return (
            "参数名用小写字母、数字和下划线。",
            "Arguments are named in lower case, as order_number.",
        )
    for name, each in properties.items():
        if not isinstance(each, dict) or each.get("type") not in TYPES:
            return (
                f"{name}：类型须是 {'、'.join(TYPES)} 之一。",
                f"{name}: one of {', '.join(TYPES)}.",
            )
    if "$ref" in json.dumps(schema) or "$dynamicRef" in json.dumps(schema):
        return "不支持 $ref。", "References are not followed: write it out."
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"不是有效的 JSON Schema：{error.message}", f"No valid JSON Schema: {error.message}"
    if not set(schema.get("required", [])) <= set(properties):
        return "required 里有未定义的参数。", "Something in required is no property."
    return None


def from_slots(spec: Spec, slots: Mapping[str, str]) -> Arguments:
    """What the slots give of a tool's arguments."""
    # JSON columns forget the order of keys, not that of lists: what is required comes first, as staff put it.
    names = dict.fromkeys((*spec.required, *spec.properties))
    found = {name: slots.get(spec.slot_of(name), "") for name in names}
    return {
        name: converted(value, spec.properties.get(name, {}).get("type", "string"))
        for name, value in found.items()
        if value
    }


def converted(value: str, kind: str) -> Any:
    """The slot's text as the schema's type, where it is one; else as it is, to be refused."""
    try:
        return {"integer": int, "number": float}.get(kind, str)(value)
    except ValueError:
        return value


def from_model(spec: Spec, text: str) -> Arguments:
    """The arguments as a model wrote them. Raises BadArguments."""
    if len(text) > MODEL_CHARS:
        raise BadArguments("too_long")
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        raise BadArguments("no_json") from None
    if not isinstance(found, dict):
        raise BadArguments("no_object")
    check(spec, found)
    return found


def missing(spec: Spec, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The slots that are still to be asked for."""
    return tuple(spec.slot_of(name) for name in spec.required if name not in arguments)


def check(spec: Spec, arguments: Mapping[str, Any]) -> None:
    """Raises BadArguments unless the schema allows them, and personal data is where it belongs, as placeholders."""
    for name, value in arguments.items():
        if name not in spec.properties:
            raise BadArguments("unknown_argument", name)
        if isinstance(value, str):
            check_text(spec, name, value)
    schema = {**spec.schema, "additionalProperties": False}
    for error in Draft202012Validator(schema).iter_errors(arguments):
        raise BadArguments("schema", str(error.path[0]) if error.path else "")


def check_text(spec: Spec, name: str, value: str) -> None:
    if len(value) > STRING_CHARS or not value.isprintable():
        raise BadArguments("schema", name)
    if bool(vault.ANY.search(value)) != (name in spec.personal):
        raise BadArguments("personal", name)


def opened(spec: Spec, arguments: Arguments, *, visitor_id: UUID | None) -> Arguments:
    """The arguments with the visitor's own values for placeholders. Raises BadArguments where one is not theirs."""
    if visitor_id is None or not spec.personal & arguments.keys():
        return arguments
    values = vault.Values(visitor_id)
    found = dict(arguments)
    for name in spec.personal & arguments.keys():
        found[name] = values.in_text(str(arguments[name]))
        if vault.ANY.search(found[name]):
            raise BadArguments("personal", name)
    return found


def digest(spec: Spec, arguments: Mapping[str, Any]) -> str:
    """Names a tool as it is now and the arguments: what was confirmed and what runs must be the same."""
    said = [spec.id, spec.name, spec.method, spec.url, spec.effect, arguments]
    text = json.dumps(said, sort_keys=True, ensure_ascii=False)
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def request_of(spec: Spec, arguments: Arguments, *, headers: Mapping[str, str]) -> Call:
    """What goes on the wire: arguments in the path, the rest as query or body. Raises BadArguments."""
    places = set(addresses.PLACE.findall(spec.url))
    for name in places:
        if str(arguments.get(name, "")) in DOTS:
            raise BadArguments("schema", name)
    url = addresses.PLACE.sub(lambda place: quote(in_url(arguments[place[1]]), safe=""), spec.url)
    rest = {name: value for name, value in arguments.items() if name not in places}
    body = rest if spec.method in {"POST", "PUT", "PATCH"} else None
    if body is None and rest:
        url += ("&" if "?" in url else "?") + urlencode(
            {name: in_url(value) for name, value in rest.items()}
        )
    return Call(spec.method, url, headers, body, spec.timeout_seconds)


def in_url(value: Any) -> str:
    """A value as JSON writes it, without quotes: true, not True."""
    return value if isinstance(value, str) else json.dumps(value)
