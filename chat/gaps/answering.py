"""What people said to a group of questions, the best first: as colleagues say it, to customers who were content."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from chat import vault
from chat.gaps.collecting import Asked
from chat.states import Role
from prompts.nlu import segment

KEPT, LOOKED_AT = 5, 200
# Lines of an agent in a row that are one answer, and how far after the question it may begin.
JOINED, WITHIN = 4, 12
SHORTEST_CHARS, LONGEST_CHARS = 8, 1500
# Each between 0 and 1: agreement with what colleagues said, the rating, the outcome, words shared with the question.
AGREEMENT, RATING, RESOLVED, FITTING = 0.4, 0.25, 0.2, 0.15
UNRATED = 0.5
ANSWERS = """
    SELECT asked.place, line.seq, line.role, line.text, rating.score, rating.resolved
    FROM unnest(%s::uuid[], %s::bigint[]) WITH ORDINALITY AS asked(conversation, seq, place)
    JOIN chat_message line ON line.conversation_id = asked.conversation
     AND line.seq > asked.seq AND line.seq <= asked.seq + %s AND line.role = ANY(%s)
    LEFT JOIN chat_rating rating ON rating.conversation_id = asked.conversation
    ORDER BY asked.place, line.seq
"""


@dataclass(frozen=True, slots=True)
class Said:
    """An agent's answer, with placeholders, and how the customer took it."""

    text: str
    conversation: str
    seq: int
    rating: int | None
    resolved: bool | None
    score: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def best(asked: Sequence[Asked]) -> list[dict[str, Any]]:
    """The best answers of people to these questions, at most KEPT, none twice."""
    found = said_after(asked[:LOOKED_AT])
    terms = [frozenset(segment.terms(answer.text)) for answer, _ in found]
    ranked = [
        (score(answer, mine, terms, question), answer)
        for (answer, question), mine in zip(found, terms, strict=True)
    ]
    ranked.sort(key=lambda pair: (-pair[0], pair[1].conversation, pair[1].seq))
    kept: dict[str, dict[str, Any]] = {}
    for value, answer in ranked:
        kept.setdefault(answer.text, {**answer.as_json(), "score": round(value, 3)})
    return list(kept.values())[:KEPT]


def said_after(asked: Sequence[Asked]) -> list[tuple[Said, frozenset[str]]]:
    """The first answer of a person after each question, with the terms of the question."""
    lines: list[list[Any]] = [[] for _ in asked]
    with connection.cursor() as cursor:
        cursor.execute(ANSWERS, [
            [each.conversation for each in asked], [each.seq for each in asked], WITHIN,
            [Role.AGENT.value, Role.VISITOR.value],
        ])  # fmt: skip
        for place, *line in cursor.fetchall():
            lines[place - 1].append(line)
    found = []
    for each, said in zip(asked, lines, strict=True):
        if answer := answer_in(each.conversation, said):
            found.append((answer, frozenset(segment.terms(each.text))))
    return found


def answer_in(conversation: UUID, lines: Iterable[Sequence[Any]]) -> Said | None:
    """An agent's lines in a row, from the first that says something; a visitor's line ends them."""
    parts: list[Sequence[Any]] = []
    for line in lines:
        _, role, text, *_ = line
        if role == Role.VISITOR.value and parts:
            break
        if role == Role.AGENT.value and vault.is_readable(text) and not is_opening(text, parts):
            parts.append(line)
    text = "\n".join(str(part[2]).strip() for part in parts[:JOINED])[:LONGEST_CHARS]
    if len(text) < SHORTEST_CHARS:
        return None
    seq, _, _, rating, resolved = parts[0]
    return Said(text, str(conversation), seq, rating, resolved)


def is_opening(text: str, parts: Sequence[Any]) -> bool:
    """Whether an agent only says hello or asks for patience; only at the beginning."""
    return not parts and len(text.strip()) < SHORTEST_CHARS


def score(
    answer: Said, mine: frozenset[str], all_terms: Sequence[frozenset[str]], asked: frozenset[str]
) -> float:
    others = [shared(mine, terms) for terms in all_terms if terms is not mine]
    agreement = sum(others) / len(others) if others else 0.0
    rating = UNRATED if answer.rating is None else (answer.rating - 1) / 4
    resolved = UNRATED if answer.resolved is None else float(answer.resolved)
    fitting = len(mine & asked) / len(asked) if asked else 0.0
    return AGREEMENT * agreement + RATING * rating + RESOLVED * resolved + FITTING * fitting


def shared(one: frozenset[str], other: frozenset[str]) -> float:
    """Dice's coefficient."""
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0
