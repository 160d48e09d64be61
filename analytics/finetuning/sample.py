"""One dialogue to learn from, and why some are left out. Plain values."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["user", "assistant"]
Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")


@dataclass(frozen=True, slots=True)
class Line:
    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A dialogue that begins with the customer and ends with the answer, the two in turn."""

    # "example", "sop" or "conversation".
    source: str
    # What must stay together: a customer's dialogues, the wordings of an SOP.
    group: str
    language: Literal["zh", "en"]
    lines: tuple[Line, ...]
    # The conversation it was taken from; empty: of none.
    conversation: str = ""
    # When that began, as a date.
    day: str = ""

    @property
    def asked(self) -> str:
        """What the customer said, all of it."""
        return "\n".join(line.text for line in self.lines if line.role == "user")


@dataclass(slots=True)
class Count:
    """What was read, and what of it was left out and why."""

    read: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def in_turn(said: Iterable[tuple[Role, str]]) -> tuple[Line, ...]:
    """Customer and answer in turn: lines of one side are joined; what comes before the first question or after the last answer goes."""
    lines: list[Line] = []
    for role, text in said:
        if not text.strip() or (not lines and role == "assistant"):
            continue
        if lines and lines[-1].role == role:
            lines[-1] = Line(role, f"{lines[-1].text}\n{text.strip()}")
        else:
            lines.append(Line(role, text.strip()))
    if lines and lines[-1].role == "user":
        lines.pop()
    return tuple(lines)
