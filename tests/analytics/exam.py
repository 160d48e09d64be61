"""The questions of the model comparison as an exam for the provider fake, which answers them as well as is planted."""

from random import Random
from typing import Any

from analytics.comparison import cases
from analytics.comparison.plan import idiom_item
from tests.fakes.provider_types import Json


def exam(skills: dict[str, dict[str, float]], **more: Json) -> dict[str, Json]:
    """All three sets, with their right answers and some wrong ones of every kind."""
    return {
        "questions": {**idioms(), **tools(), **emotions()},
        "skills": skills,
        "needle": r"取件码是 (\d{6})",
        **more,
    }


def idioms() -> dict[str, Any]:
    return {
        idiom_item(case).request.lines[-1].text: {
            "topic": "idioms",
            "right": {"text": f"{case.answer}。"},
            "wrong": [{"text": letter} for letter in "ABCD" if letter != case.answer],
        }
        for case in cases.idioms()
    }


def emotions() -> dict[str, Any]:
    return {
        case.text: {
            "topic": "emotions",
            "right": {"text": cases.LABELS[case.label]},
            "wrong": [{"text": name} for key, name in cases.LABELS.items() if key != case.label],
        }
        for case in cases.emotions()
    }


def tools() -> dict[str, Any]:
    """Wrong: nothing called, another tool, an argument made up, one left out."""
    names = sorted({case.tool for case in cases.tools() if case.tool})
    found = {}
    for case in cases.tools():
        other = Random(case.key).choice([name for name in names if name != case.tool])
        made_up = {"order_number": "2026010112345678"}
        right = {"tool": case.tool, "arguments": case.arguments} if case.tool else {"text": "好的"}
        wrong: list[dict[str, Any]] = [{"tool": other, "arguments": made_up}]
        if case.tool:
            wrong += [{"text": "稍等"}, {"tool": case.tool, "arguments": made_up}]
        found[case.text] = {"topic": "tools", "right": right, "wrong": wrong}
    return found
