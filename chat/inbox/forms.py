"""The form before a conversation, and the greetings that speak first: lists of small records, checked.

A field: {"name": "phone", "kind": "phone", "required": true, "label": {"en": "Phone"}, "options": {"en": ["…"]}}.
A greeting: {"page": "/cart*", "dwell_seconds": 20, "returning": null, "text": {"en": "…"}}.
"""

import re
from collections.abc import Mapping
from typing import Any

from chat.inbox import wording
from chat.inbox.problem import Problem

KINDS = ("text", "phone", "email", "select")
FIELDS_MOST, OPTIONS_MOST, GREETINGS_MOST = 8, 20, 10
NAME = re.compile("[a-z][a-z0-9_]{0,29}")
LABEL_CHARS, GREETING_CHARS, PAGE_CHARS = 60, 200, 200
DWELL_MOST_SECONDS = 600


def check_fields(value: object) -> None:
    """Raises Problem unless `value` lists the fields of a form, each with a name of its own."""
    if not isinstance(value, list) or len(value) > FIELDS_MOST:
        raise Problem(f"最多 {FIELDS_MOST} 个字段。", f"At most {FIELDS_MOST} fields.")
    for field in value:
        check_field(field)
    names = [field["name"] for field in value]
    if len(names) != len(set(names)):
        raise Problem("字段名不能重复。", "Each field needs a name of its own.")


def check_field(field: object) -> None:
    if not isinstance(field, dict) or set(field) - {"name", "kind", "required", "label", "options"}:
        raise Problem("字段的格式有误。", "This is no field.")
    if not isinstance(field.get("name"), str) or not NAME.fullmatch(field["name"]):
        raise Problem(
            "字段名请用小写字母、数字和下划线。",
            "A field's name takes small letters, digits and underscores.",
        )
    if field.get("kind") not in KINDS:
        raise Problem(f"字段类型：{'、'.join(KINDS)}。", f"A field is one of {', '.join(KINDS)}.")
    if not isinstance(field.get("required", False), bool):
        raise Problem("必填请写 true 或 false。", "`required` is true or false.")
    check_labels(field.get("label"))
    check_options(field)


def check_labels(value: object) -> None:
    labels = wording.check_languages(value)
    if not labels:
        raise Problem("请至少用一种语言写明字段名称。", "Label the field in one language at least.")
    for label in labels.values():
        wording.check_text(label, chars=LABEL_CHARS)


def check_options(field: Mapping[str, Any]) -> None:
    options = field.get("options", {})
    wording.check_lists(options, most=OPTIONS_MOST, chars=LABEL_CHARS)
    if (field["kind"] == "select") != bool(options):
        raise Problem(
            "下拉字段要有选项，其他字段没有。", "A select has options, and no other field."
        )


def check_greetings(value: object) -> None:
    """Raises Problem unless `value` lists greetings."""
    if not isinstance(value, list) or len(value) > GREETINGS_MOST:
        raise Problem(f"最多 {GREETINGS_MOST} 条问候。", f"At most {GREETINGS_MOST} greetings.")
    for greeting in value:
        check_greeting(greeting)


def check_greeting(greeting: object) -> None:
    if not isinstance(greeting, dict) or set(greeting) != {
        "page",
        "dwell_seconds",
        "returning",
        "text",
    }:
        raise Problem("问候的格式有误。", "This is no greeting.")
    wording.check_text(greeting["page"], chars=PAGE_CHARS)
    seconds = greeting["dwell_seconds"]
    if (
        not isinstance(seconds, int)
        or isinstance(seconds, bool)
        or not 0 <= seconds <= DWELL_MOST_SECONDS
    ):
        raise Problem(
            f"停留时间为 0 到 {DWELL_MOST_SECONDS} 秒。",
            f"Dwell between 0 and {DWELL_MOST_SECONDS} seconds.",
        )
    if greeting["returning"] is not None and not isinstance(greeting["returning"], bool):
        raise Problem("回访请写 true、false 或 null。", "`returning` is true, false or null.")
    texts = wording.check_languages(greeting["text"])
    if not texts:
        raise Problem("请写问候语。", "Say what the greeting says.")
    for text in texts.values():
        wording.check_text(text, chars=GREETING_CHARS)


def fields_for(fields: list[dict[str, Any]], *, locale: str, fallback: str) -> list[dict[str, Any]]:
    """The form as a reader of `locale` sees it: label and options are plain texts."""
    shown = []
    for field in fields:
        plain = {
            "name": field["name"],
            "label": wording.find(field["label"], locale=locale, fallback=fallback),
            "kind": field["kind"],
            "required": field.get("required", False),
        }
        options = wording.find(field.get("options", {}), locale=locale, fallback=fallback)
        shown.append({**plain, "options": options} if options else plain)
    return shown


def greetings_for(
    greetings: list[dict[str, Any]], *, locale: str, fallback: str
) -> list[dict[str, Any]]:
    return [
        {**greeting, "text": wording.find(greeting["text"], locale=locale, fallback=fallback)}
        for greeting in greetings
    ]
