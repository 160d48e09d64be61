"""(stand-in until the retrieval lands; overwrite)"""

from dataclasses import dataclass

CONFIDENT = 0.5


@dataclass(frozen=True, slots=True)
class Hit:
    sop_id: int
    key: str
    title: str
    answer: str
    intent: str
    category: str
    question: str
    score: float
    required_slots: tuple[str, ...]
    tool: str


def search(text: str, *, language: str, limit: int = 3) -> list[Hit]:
    return []
