"""Finds the SOPs that answer a customer's words: Postgres proposes questions, Python ranks them.

Called by prompts.completion, and by the commands and the admin to keep `SopQuestion.vector`. Knows no conversation.
"""

import json
import math
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from prompts.models import Sop, SopQuestion
from prompts.nlu import segment

# Scores at or above it are answers. Measured with the default SOPs: 3 % of real messages about other subjects reach
# it (general questions, voice commands, product names, out-of-scope English); 53 % of real shop messages do, and of
# those 86 % name an intent that annotators gave; of stored questions with one wrong character 97 % do, and rightly.
CONFIDENT = 0.5

QUERY_CHARS = 400
CANDIDATE_ROWS = 600
CANDIDATES = 50
VERSION_SECONDS = 5.0
REINDEX_ROWS = 2000

# How much a kind of term says, before its rarity. Single characters carry Chinese through typing errors;
# words and parts of words keep order and meaning.
HAN_WEIGHTS = {segment.WORD: 0.8, segment.STOP_WORD: 0.3, segment.GRAM: 0.4, segment.CHARACTER: 0.9}
LETTER_WEIGHTS = {segment.WORD: 1.0, segment.STOP_WORD: 0.5, segment.GRAM: 0.2}
RARITY_POWER = 0.7
# A word that no SOP knows says that the subject is another: it weighs more than the rarest known one.
UNKNOWN_RARITY = 1.5
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
            WHERE vector @@ asked.term AND sop_id <> ALL(%(disabled)s::bigint[])
            LIMIT %(rows)s
        ) question
        GROUP BY question.id
        ORDER BY shared DESC, question.id
        LIMIT %(limit)s
    )
    SELECT sop.id, sop.key, sop.language, sop.title, sop.answer, sop.intent, sop.category,
           sop.required_slots, sop.tool, question.text, question.vector::text
    FROM best
    CROSS JOIN LATERAL (SELECT * FROM prompts_sopquestion WHERE id = best.id LIMIT 1) question
    CROSS JOIN LATERAL (
        SELECT * FROM prompts_sop WHERE id = question.sop_id AND enabled LIMIT 1
    ) sop
"""
# The sum tells every change, also one whose transaction began before and ended after another's.
VERSION = """
    SELECT (SELECT count(*) FROM prompts_sopquestion),
           count(*) FILTER (WHERE enabled),
           coalesce(sum((extract(epoch FROM updated_at) * 1000000)::bigint), 0)::text
    FROM prompts_sop
"""
DISABLED = "SELECT id FROM prompts_sop WHERE NOT enabled"
FREQUENCIES = """
    SELECT term, count(DISTINCT sop_id), count(*)
    FROM prompts_sopquestion question
    JOIN prompts_sop sop ON sop.id = question.sop_id AND sop.enabled,
         unnest(tsvector_to_array(vector)) AS term
    GROUP BY term
"""
REINDEX = """
    UPDATE prompts_sopquestion AS question
    SET vector = array_to_tsvector(string_to_array(fresh.terms, ' '))
    FROM unnest(%s::bigint[], %s::text[]) AS fresh(id, terms)
    WHERE question.id = fresh.id
"""


@dataclass(frozen=True, slots=True)
class Hit:
    """One SOP that may answer; `question` is its wording nearest to the customer's."""

    sop_id: int
    key: str
    title: str
    answer: str
    intent: str
    category: str
    question: str
    score: float  # 0..1; see CONFIDENT
    required_slots: tuple[str, ...]
    tool: str


class Weights(dict[str, float]):
    """How telling each term is, those that no SOP holds included."""

    def __missing__(self, term: str) -> float:
        return UNKNOWN_RARITY * base_weight(term)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known of the terms of all SOPs at one version."""

    version: tuple[int, int, str] = (0, 0, "0")
    weights: Weights = field(default_factory=Weights)
    rows: Mapping[str, int] = field(default_factory=dict)  # questions that hold the term
    disabled: list[int] = field(default_factory=list)


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
    required_slots: str
    tool: str
    question: str
    vector: str  # 'c退' 'g退货' …: quicker to read than an array


class Freshness:
    """The process's statistics, and when their version was last compared with the database's."""

    def __init__(self) -> None:
        self.statistics: Statistics | None = None
        self.checked_at = -math.inf
        self.lock = threading.Lock()


class Ranked(NamedTuple):
    """An SOP by its wording nearest to the query."""

    score: float
    best: Candidate


FRESHNESS = Freshness()


def search(text: str, *, language: str, limit: int = 3) -> list[Hit]:
    """The best SOPs for `text`, best first, at most `limit`.

    Another language's SOP is among them only when it is confident and nothing in `language` is.
    """
    current = statistics()
    parts = build_parts(text[:QUERY_CHARS], current)
    telling = choose_terms(parts[0].weights, current)
    if not telling:
        return []
    ranked = rank(candidates(telling, current), parts=parts, current=current)
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


def candidates(telling: Sequence[str], current: Statistics) -> list[Candidate]:
    """The stored questions that share most of the telling terms' weight."""
    parameters: dict[str, Any] = {
        "terms": list(map(quoted, telling)),
        "weights": [current.weights[term] for term in telling],
        "disabled": current.disabled,
        "rows": CANDIDATE_ROWS,
        "limit": CANDIDATES,
    }
    with connection.cursor() as cursor:
        cursor.execute(SELECT, parameters)
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
        required_slots=tuple(json.loads(sop.required_slots)),
        tool=sop.tool,
    )


def statistics() -> Statistics:
    """The process's statistics, compared with the database at most every VERSION_SECONDS.

    While one thread renews them the others go on with the old ones; only the very first ones are waited for.
    """
    known = FRESHNESS.statistics
    if known is not None and time.monotonic() - FRESHNESS.checked_at < VERSION_SECONDS:
        return known
    if not FRESHNESS.lock.acquire(blocking=known is None):
        return known or Statistics()
    try:
        return renew()
    finally:
        FRESHNESS.lock.release()


def renew() -> Statistics:
    with connection.cursor() as cursor:
        cursor.execute(VERSION)
        version = cursor.fetchone()
        known = FRESHNESS.statistics
        if known is None or known.version != version:
            cursor.execute(DISABLED)
            disabled = [pk for (pk,) in cursor.fetchall()]
            cursor.execute(FREQUENCIES)
            known = build_statistics(version, cursor.fetchall(), disabled=disabled)
    FRESHNESS.statistics, FRESHNESS.checked_at = known, time.monotonic()
    return known


def build_statistics(
    version: tuple[int, int, str],
    counted: Iterable[tuple[str, int, int]],
    *,
    disabled: list[int],
) -> Statistics:
    """`counted` is (term, SOPs that hold it, questions that hold it), of enabled SOPs."""
    weights = Weights()
    rows: dict[str, int] = {}
    sops = max(version[1], 1)
    for term, in_sops, in_rows in counted:
        weights[term] = base_weight(term) * rarity(in_sops, sops=sops)
        rows[term] = in_rows
    return Statistics(version=version, weights=weights, rows=rows, disabled=disabled)


def rarity(in_sops: int, *, sops: int) -> float:
    """1 for a term of one SOP among many, towards 0 for a term of all of them."""
    inverse = math.log(1 + (sops - in_sops + 0.5) / (in_sops + 0.5)) / math.log(1 + sops)
    return math.pow(min(inverse, 1.0), RARITY_POWER)


def base_weight(term: str) -> float:
    weights = LETTER_WEIGHTS if term[-1].isascii() else HAN_WEIGHTS
    return weights[term[0]]


def forget() -> None:
    """Makes the next search of this process look at the SOPs anew."""
    FRESHNESS.statistics, FRESHNESS.checked_at = None, -math.inf


def index_sop(sop: Sop) -> None:
    """Makes the title one of the SOP's questions and all of them searchable."""
    SopQuestion.objects.get_or_create(sop=sop, text=sop.title)
    reindex(sop.questions.all())


def reindex(questions: Iterable[SopQuestion]) -> int:
    """Writes `vector` of saved questions from their text and marks their SOPs changed; how many."""
    listed = list(questions)
    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(0, len(listed), REINDEX_ROWS):
            part = listed[start : start + REINDEX_ROWS]
            lines = [" ".join(segment.terms(question.text)) for question in part]
            cursor.execute(REINDEX, [[question.pk for question in part], lines])
        changed = {question.sop_id for question in listed}
        Sop.objects.filter(pk__in=changed).update(updated_at=timezone.now())
    forget()
    return len(listed)
