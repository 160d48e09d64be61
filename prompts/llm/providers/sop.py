"""Answers from SOPs without a model: no key, no network, always there."""

import re
from collections.abc import Generator

from prompts.llm.catalogue import Endpoint
from prompts.llm.types import Chunk, Request

# A clause with the punctuation that ends it, as a person would read it out.
CLAUSE = re.compile(r"[^,。!?;、,.!?;\n]+[,。!?;、,.!?;\n]*\s*|.", re.DOTALL)


def stream(
    endpoint: Endpoint, request: Request, *, timeout_seconds: float | None = None
) -> Generator[Chunk, None, None]:
    """The answer of the best document that squarely fits, else the honest fallback, clause by clause."""
    best = max(request.documents, key=lambda document: document.score, default=None)
    text = best.answer if best is not None and best.confident else request.fallback
    for clause in CLAUSE.findall(text):
        yield Chunk(text=clause)
    yield Chunk(finish="stop")
