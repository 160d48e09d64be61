"""What a message says, found without a model: its language, its slots, whether it answers the resume offer.

Pure functions, called by turn.
"""

import re
from dataclasses import dataclass

HAN = re.compile("[\u3400-\u9fff]")
RESUME_REPLIES = frozenset({"1", "\uff11", "\u2460", "一"})
# A run of 8 to 24 digits, perhaps behind letters, not cut out of a longer one. Shorter runs after the words
# "order" or "tail number" count too: customers name an order by its last four digits.
ORDER_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:[A-Za-z]{1,4})?\d{8,24}(?![0-9A-Za-z])")
ORDER_TAIL = re.compile(r"(?:尾号|订单号?|order|ending in)\D{0,4}(\d{4,7})(?!\d)", re.IGNORECASE)
PHONE = re.compile(r"(?:\+?86)?1[3-9]\d{9}")


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known of the visitor's lines before a model is asked."""

    language: str
    slots: dict[str, str]
    takes_up_earlier: bool


def analyse(lines: list[str], *, language: str) -> Analysis:
    """The analysis of the visitor's unanswered lines, oldest first."""
    text = "\n".join(lines)
    return Analysis(
        language=language_of(text, otherwise=language),
        slots=slots_of(text),
        takes_up_earlier=len(lines) == 1 and lines[0].strip() in RESUME_REPLIES,
    )


def language_of(text: str, *, otherwise: str) -> str:
    """ "zh" or "en": Chinese as soon as a Han character occurs, `otherwise` when no letter does."""
    if HAN.search(text):
        return "zh"
    return "en" if re.search("[A-Za-z]{2}", text) else otherwise


def slots_of(text: str) -> dict[str, str]:
    """Slots by pattern: {"order_number": "…"}. A later number replaces an earlier one."""
    numbers = [n for n in ORDER_NUMBER.findall(text) if not PHONE.fullmatch(n)]
    numbers += ORDER_TAIL.findall(text) if not numbers else []
    return {"order_number": numbers[-1]} if numbers else {}
