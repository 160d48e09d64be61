"""What an inbox says in each language, with what is said where staff wrote nothing.

A value by language is {"zh-CN": …, "en": …}; a reader gets the own language, else one of the same script or family,
else that of the inbox.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from chat.inbox.problem import Problem

T = TypeVar("T")
LOCALES = ("zh-CN", "zh-TW", "en")
# The longest each text may be, in characters.
TEXT_CHARS = {
    "welcome": 500,
    "placeholder": 60,
    "offline": 500,
    "consent": 1000,
    "rating": 100,
}
DEFAULTS: dict[str, dict[str, str]] = {
    "zh-CN": {
        "welcome": "您好，请问有什么可以帮您？",
        "placeholder": "输入消息…",
        "offline": "现在不在服务时间。请留言，我们上班后会尽快回复。",
        "rating": "请评价本次服务",
    },
    "zh-TW": {
        "welcome": "您好，請問有什麼可以幫您？",
        "placeholder": "輸入訊息…",
        "offline": "現在不在服務時間。請留言，我們上班後會盡快回覆。",
        "rating": "請為本次服務評分",
    },
    "en": {
        "welcome": "Hello! How can we help you?",
        "placeholder": "Write a message…",
        "offline": "We are closed right now. Leave a message and we will get back to you.",
        "rating": "How did we do?",
    },
}


def find(by_language: Mapping[str, T], *, locale: str, fallback: str) -> T | None:
    """What is said to a reader of `locale`, if anything is said in any language."""
    family = [known for known in LOCALES if known[:2] == locale[:2]]
    for wanted in (locale, *family, fallback, *by_language):
        if by_language.get(wanted):
            return by_language[wanted]
    return None


def texts(
    written: Mapping[str, Mapping[str, str]], *, locale: str, fallback: str
) -> dict[str, str]:
    """Every text for a reader of `locale`; one without a default is missing unless staff wrote it."""
    defaults = DEFAULTS.get(locale, DEFAULTS["en"])
    return defaults | {
        name: text
        for name in TEXT_CHARS
        if (text := find(written.get(name, {}), locale=locale, fallback=fallback))
    }


def check_texts(value: object) -> None:
    """Raises Problem unless `value` is {"welcome": {"en": "…"}} of known texts, none too long."""
    if not isinstance(value, dict) or set(value) - set(TEXT_CHARS):
        raise Problem("没有这样的文案。", "There is no such text.")
    for name, by_language in value.items():
        check_languages(by_language)
        for text in by_language.values():
            check_text(text, chars=TEXT_CHARS[name])


def check_lists(value: object, *, most: int, chars: int) -> None:
    """Raises Problem unless `value` is {"en": ["…"]} with at most `most` texts of `chars` each."""
    for listed in check_languages(value).values():
        if not isinstance(listed, list) or len(listed) > most:
            raise Problem(f"每种语言最多 {most} 条。", f"At most {most} in each language.")
        for text in listed:
            check_text(text, chars=chars)


def check_languages(value: object) -> dict[str, Any]:
    """The mapping. Raises Problem unless its keys are languages."""
    if not isinstance(value, dict) or set(value) - set(LOCALES):
        raise Problem(
            f"请按语言填写：{'、'.join(LOCALES)}。", f"Give it by language: {', '.join(LOCALES)}."
        )
    return value


def check_text(text: object, *, chars: int) -> None:
    if not isinstance(text, str) or not text.strip() or len(text) > chars:
        raise Problem(f"每条 1 到 {chars} 个字。", f"Between 1 and {chars} characters each.")
