"""Finds the SOPs that answer a customer's words: Postgres proposes questions, Python ranks them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.db import connection

from prompts.nlu import segment
from prompts.retrieval.standing import (
    AS_EDITED,
    EVERYWHERE,
    Scope,
    Statistics,
    as_texts,
    statistics,
)

# Scores at or above it are answers. Measured with the default SOPs: 3 % of real messages about other subjects reach
# it (general questions, voice commands, product names, out-of-scope English); 53 % of real shop messages do, and of
# those 86 % name an intent that annotators gave; of stored questions with one wrong character 97 % do, and rightly.
CONFIDENT = 0.5

QUERY_CHARS = 400
CANDIDATE_ROWS = 600
CANDIDATES = 50

# What a term costs that only the query has, and one that only the stored question has.
QUERY_ONLY, QUESTION_ONLY = 0.6, 0.5
# How far the next wordings of an SOP that match, too, close the gap to certainty.
OTHER_WORDINGS = (0.6, 0.4, 0.3, 0.2)
# A clause of a long message counts for itself when it holds enough of the message's weight.
CLAUSES = 6
CLAUSE_SHARE = 0.2
CLAUSE_FLOOR = 0.5

# LATERAL … LIMIT: each telling term is looked up in the index by itself, each row by its key, whatever the planner
# thinks of the size of the table. The limit on a term only cuts what `choose_terms` did not know of.
SELECT = """
    WITH best AS (
        SELECT question.id, sum(asked.weight) AS shared
        FROM unnest(%(terms)s::tsquery[], %(weights)s::float8[]) AS asked(term, weight)
        CROSS JOIN LATERAL (
            SELECT id FROM prompts_sopquestion
            WHERE vector @@ asked.term AND sop_id <> ALL(%(shut)s::bigint[])
            LIMIT %(rows)s
        ) question
        GROUP BY question.id
        ORDER BY shared DESC, question.id
        LIMIT %(limit)s
    )
    SELECT sop.id, sop.key, sop.language, sop.title, sop.answer, sop.intent, sop.category,
           sop.steps, sop.required_slots, sop.tool, question.text, question.vector::text
    FROM best
    CROSS JOIN LATERAL (SELECT * FROM prompts_sopquestion WHERE id = best.id LIMIT 1) question
    CROSS JOIN LATERAL (
        SELECT * FROM prompts_sop
        WHERE id = question.sop_id AND enabled
          AND (valid_from IS NULL OR valid_from <= now()) AND (valid_to IS NULL OR valid_to > now())
        LIMIT 1
    ) sop
"""
# CASE: only bits that are there may be asked for.
IS_MEMBER = """
            CASE WHEN version_id < 8 * length(%(members)s::bytea)
                 THEN get_bit(%(members)s::bytea, version_id) = 1 ELSE false END"""
# The same among the versions of a frozen set.
SELECT_FROZEN = (
    SELECT.replace("prompts_sopquestion", "prompts_sopversionquestion")
    .replace("prompts_sop\n", "prompts_sopversion\n")
    .replace("sop_id <> ALL", f"{IS_MEMBER} AND version_id <> ALL")
    .replace("question.sop_id", "question.version_id")
    .replace("AND enabled\n", "\n")
)


@dataclass(frozen=True, slots=True)
class Hit:
    """One SOP that may answer; `question` is its wording nearest to the customer's.

    Of a frozen set `sop_id` is the id of the SOP's version.
    """

    sop_id: int
    key: str
    title: str
    answer: str
    intent: str
    category: str
    question: str
    score: float  # 0..1; see CONFIDENT
    steps: tuple[str, ...]
    required_slots: tuple[str, ...]
    tool: str


@dataclass(frozen=True, slots=True)
class Part:
    """The query, or one clause of it: the weight of its terms, and what a match of it is worth (0..1)."""

    weights: Mapping[str, float]
    total: float
    worth: float = 1.0


class Candidate(NamedTuple):
    """A stored question that shares a telling term with the query, and its SOP."""

    sop_id: int
    key: str
    language: str
    title: str
    answer: str
    intent: str
    category: str
    steps: str
    required_slots: str
    tool: str
    question: str
    vector: str  # 'c退' 'g退货' …: quicker to read than an array


class Ranked(NamedTuple):
    """An SOP by its wording nearest to the query."""

    score: float
    best: Candidate


def search(
    text: str,
    *,
    language: str,
    limit: int = 3,
    scope: Scope = EVERYWHERE,
    sop_set: int = AS_EDITED,
) -> list[Hit]:
    """The best SOPs for `text` asked in `scope`, best first, at most `limit`: as edited, or of one frozen set.

    Another language's SOP is among them only when it is confident and nothing in `language` is.
    """
    current = statistics(sop_set)
    parts = build_parts(text[:QUERY_CHARS], current)
    telling = choose_terms(parts[0].weights, current)
    if not telling:
        return []
    found = candidates(telling, current, scope=scope)
    ranked = rank(found, parts=parts, current=current)
    own = [found for found in ranked if found.best.language == language]
    if not own or own[0].score < CONFIDENT:
        others = (found for found in ranked if found.best.language != language)
        own = [*(found for found in others if found.score >= CONFIDENT), *own]
    return list(map(as_hit, own[:limit]))


def build_parts(text: str, current: Statistics) -> list[Part]:
    """The whole text, then each clause that may be a question of its own."""
    whole = build_part(text, current)
    clauses = segment.clauses(text)
    if len(clauses) < 2:
        return [whole]
    parts = [build_part(clause, current) for clause in clauses[:CLAUSES]]
    return [
        whole,
        *(worth(part, whole) for part in parts if part.total > CLAUSE_SHARE * whole.total),
    ]


def build_part(text: str, current: Statistics) -> Part:
    weights = {term: current.weights[term] for term in segment.terms(text)}
    return Part(weights=weights, total=sum(weights.values()))


def worth(part: Part, whole: Part) -> Part:
    share = part.total / whole.total
    return replace(part, worth=CLAUSE_FLOOR + (1 - CLAUSE_FLOOR) * share)


def choose_terms(asked: Mapping[str, float], current: Statistics) -> list[str]:
    """The rarest words and parts of words of the query, as many as keep the rows to look at few.

    A character says no more than the words and parts it stands in, nor does a part that is a word.
    """
    known = [
        term
        for term in asked
        if term in current.rows
        and term[0] != segment.CHARACTER
        and not (term[0] == segment.GRAM and segment.WORD + term[1:] in asked)
    ]
    chosen: list[str] = []
    budget = CANDIDATE_ROWS
    for term in sorted(known, key=current.rows.__getitem__):
        budget -= current.rows[term]
        if chosen and budget < 0:
            break
        chosen.append(term)
    return chosen


def candidates(telling: Sequence[str], current: Statistics, *, scope: Scope) -> list[Candidate]:
    """The stored questions that share most of the telling terms' weight."""
    parameters: dict[str, Any] = {
        "terms": list(map(quoted, telling)),
        "weights": [current.weights[term] for term in telling],
        "shut": current.out_of(scope),
        "rows": CANDIDATE_ROWS,
        "limit": CANDIDATES,
    }
    query = SELECT
    if current.members:
        query, parameters["members"] = SELECT_FROZEN, current.members
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [Candidate(*row) for row in cursor.fetchall()]


def quoted(term: str) -> str:
    """A tsquery of one operand. Terms hold letters and digits only; this is right for any other, too."""
    escaped = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def rank(found: Iterable[Candidate], *, parts: Sequence[Part], current: Statistics) -> list[Ranked]:
    """The SOPs of the candidates, best first."""
    wordings: dict[int, list[tuple[float, Candidate]]] = {}
    for candidate in found:
        terms = frozenset(candidate.vector[1:-1].split("' '"))
        total = sum(map(current.weights.__getitem__, terms))
        score = max([part.worth * similarity(terms, total, part) for part in parts])
        wordings.setdefault(candidate.sop_id, []).append((score, candidate))
    return sorted(map(combine, wordings.values()), key=lambda sop: (-sop.score, sop.best.sop_id))


def similarity(terms: frozenset[str], total: float, part: Part) -> float:
    """Tversky's index over weighted terms: what both share against what only one of them has."""
    shared = sum(map(part.weights.__getitem__, part.weights.keys() & terms))
    missing, extra = part.total - shared, total - shared
    return shared / (shared + QUERY_ONLY * missing + QUESTION_ONLY * extra) if shared else 0.0


def combine(scored: list[tuple[float, Candidate]]) -> Ranked:
    """The best wording decides; others that match as well take away some of the doubt."""
    scored.sort(key=lambda pair: -pair[0])
    best, candidate = scored[0]
    doubt = 1 - best
    for share, (score, _) in zip(OTHER_WORDINGS, scored[1:], strict=False):
        doubt *= 1 - share * score
    return Ranked(1 - doubt, candidate)


def as_hit(found: Ranked) -> Hit:
    sop = found.best
    return Hit(
        sop_id=sop.sop_id,
        key=sop.key,
        title=sop.title,
        answer=sop.answer,
        intent=sop.intent,
        category=sop.category,
        question=sop.question,
        score=round(found.score, 4),
        steps=as_texts(sop.steps),
        required_slots=as_texts(sop.required_slots),
        tool=sop.tool,
    )
