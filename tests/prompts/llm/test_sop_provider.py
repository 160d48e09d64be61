"""Answers without a model: the squarely fitting SOP, else the honest sentence, in clauses that lose nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.llm.catalogue import SOP
from prompts.llm.providers import sop
from prompts.llm.types import Document
from tests.prompts.llm.asking import FALLBACK, SOP_ANSWER, document, request


def said(*documents: Document, fallback: str = FALLBACK) -> list[str]:
    chunks = list(sop.stream(SOP, request(*documents, fallback=fallback)))
    assert [chunk.finish for chunk in chunks][-1] == "stop"
    return [chunk.text for chunk in chunks[:-1]]


def test_confident_document_is_the_answer() -> None:
    assert "".join(said(document())) == SOP_ANSWER


@pytest.mark.parametrize("documents", [(), (document(confident=False),)])
def test_no_fitting_document_is_said_so(documents: tuple[Document, ...]) -> None:
    assert "".join(said(*documents)) == FALLBACK


def test_best_document_decides_even_when_a_weaker_one_is_confident() -> None:
    weaker = document(score=0.5)
    best = document(score=0.8, confident=False)

    assert "".join(said(weaker, best)) == FALLBACK


def test_answer_comes_clause_by_clause() -> None:
    assert said(fallback="您好,请稍等。马上回来!") == ["您好,", "请稍等。", "马上回来!"]


@given(st.text())
def test_clauses_lose_nothing(text: str) -> None:
    assert "".join(said(fallback=text)) == text
