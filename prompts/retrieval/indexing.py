"""Keeps `SopQuestion.vector`, by which questions are found."""

from collections.abc import Iterable, Sequence

from django.db import connection, transaction
from django.utils import timezone

from prompts.models import Sop, SopQuestion
from prompts.nlu import segment
from prompts.retrieval.standing import forget

REINDEX_ROWS = 2000
REINDEX = """
    UPDATE prompts_sopquestion AS question
    SET vector = array_to_tsvector(string_to_array(fresh.terms, ' '))
    FROM unnest(%s::bigint[], %s::text[]) AS fresh(id, terms)
    WHERE question.id = fresh.id
"""
ADD = """
    INSERT INTO prompts_sopquestion (sop_id, text, vector)
    SELECT sop_id, text, array_to_tsvector(string_to_array(terms, ' '))
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS fresh(sop_id, text, terms)
"""


def add_questions(worded: Sequence[tuple[int, str]]) -> None:
    """Stores (SOP's id, wording) searchable at once, in one write each; the caller has marked the SOPs changed."""
    with connection.cursor() as cursor:
        for start in range(0, len(worded), REINDEX_ROWS):
            part = worded[start : start + REINDEX_ROWS]
            lines = [" ".join(segment.terms(text)) for _, text in part]
            cursor.execute(ADD, [[pk for pk, _ in part], [text for _, text in part], lines])
    forget()


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
