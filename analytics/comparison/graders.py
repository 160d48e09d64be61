"""Whether an answer is right, by rules alone. Pure."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from analytics.comparison.cases import LABELS, EmotionCase, IdiomCase, ToolCase
from prompts.llm.types import ToolCall

# A letter that stands for itself, and one that is said to be the answer.
LETTER = re.compile(r"(?<![A-Za-z])[A-D](?![A-Za-z])")
DECLARED = re.compile(r"(?:答案|应?选|选择)\s*(?:应该)?\s*[是为：:]?\s*[（(]?([A-D])(?![A-Za-z])")
DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Grade:
    """What was wanted, what was understood of the answer, and whether that is right."""

    right: bool
    wanted: str
    said: str


def idiom(case: IdiomCase, text: str) -> Grade:
    """Right when one letter alone was named, or one was said to be the answer."""
    letters = set(LETTER.findall(text))
    declared = DECLARED.findall(text)
    said = letters.pop() if len(letters) == 1 else (declared[-1] if declared else "")
    return Grade(said == case.answer, case.answer, said)


def emotion(case: EmotionCase, text: str) -> Grade:
    """Right when the wanted label is the only one named, in Chinese or by its key."""
    lowered = text.lower()
    named = [key for key, label in LABELS.items() if label in text or key in lowered]
    said = named[0] if len(named) == 1 else ""
    return Grade(said == case.label, case.label, said)


def tools(case: ToolCase, calls: Sequence[ToolCall], text: str) -> Grade:
    """Right when exactly the wanted tool was called with exactly the wanted arguments, or rightly none was."""
    made = [(call.name, arguments_of(call)) for call in calls]
    wanted = [(case.tool, case.arguments)] if case.tool else []
    right = made == wanted and bool(made or text.strip())
    return Grade(right, as_text(wanted), as_text(made) or shown(text))


def arguments_of(call: ToolCall) -> object:
    """What the model wrote, texts without blanks around them; None where it is no JSON object."""
    try:
        found = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {
        name: value.strip() if isinstance(value, str) else value for name, value in found.items()
    }


def as_text(calls: Sequence[tuple[str, object]]) -> str:
    return "; ".join(f"{name} {json.dumps(given, ensure_ascii=False)}" for name, given in calls)[
        :300
    ]


def shown(text: str) -> str:
    return text.strip()[:300]


def needle(code: str, text: str) -> Grade:
    """Right when the code is among the numbers of the answer."""
    return Grade(code in DIGITS.findall(text), code, " ".join(DIGITS.findall(text))[:300])
