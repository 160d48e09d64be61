"""The question sets under analytics/data, as values. Their README says where they come from.

Whatever looks like personal data stands in them as placeholders, so they can be sent as they are.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

FOLDER = Path(__file__).resolve().parent.parent / "data"
LABELS = {"anger": "生气", "sadness": "难过", "worried": "担心", "happy": "开心", "neutral": "平静"}


@dataclass(frozen=True, slots=True)
class IdiomCase:
    """A question with four choices; `answer` is the letter of the right one."""

    key: str
    idiom: str
    text: str
    choices: tuple[str, ...]
    answer: str

    @property
    def stratum(self) -> str:
        return self.answer


@dataclass(frozen=True, slots=True)
class ToolCase:
    """What a customer says, and the one tool that has to be called for it; none where `tool` is empty.

    `kind` is "call", "none" (nothing to look up or do) or "missing" (something has to be asked for first).
    """

    key: str
    kind: str
    text: str
    tool: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def stratum(self) -> str:
        return self.tool or self.kind


@dataclass(frozen=True, slots=True)
class EmotionCase:
    """A line and the one of LABELS that is heard in it."""

    key: str
    text: str
    label: str
    source: str

    @property
    def stratum(self) -> str:
        return self.label


Case = TypeVar("Case", IdiomCase, ToolCase, EmotionCase)


@cache
def idioms() -> tuple[IdiomCase, ...]:
    return read("idioms.jsonl", lambda row: IdiomCase(**{**row, "choices": tuple(row["choices"])}))


@cache
def tools() -> tuple[ToolCase, ...]:
    return read("tools.jsonl", lambda row: ToolCase(**row))


@cache
def emotions() -> tuple[EmotionCase, ...]:
    return read("emotions.jsonl", lambda row: EmotionCase(**row))


def read(name: str, build: Callable[[Any], Case]) -> tuple[Case, ...]:
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return tuple(build(json.loads(line)) for line in lines)


def sample(found: Sequence[Case], count: int, *, seed: int) -> list[Case]:
    """`count` of the cases, the same for the same seed, and of every stratum about as many."""
    shuffled = Random(seed).sample(found, len(found))  # noqa: S311 - nothing secret is drawn
    strata: dict[str, list[Case]] = {}
    for case in shuffled:
        strata.setdefault(case.stratum, []).append(case)
    turns = [
        (at, place, case)
        for place, each in enumerate(strata.values())
        for at, case in enumerate(each)
    ]
    return [case for _, _, case in sorted(turns, key=lambda turn: turn[:2])][:count]
