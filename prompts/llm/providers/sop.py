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
    """What tools found, and the best document that squarely fits, clause by clause; else the honest fallback."""
    best = max(request.documents, key=lambda document: document.score, default=None)
    known = best.answer if best is not None and best.confident else ""
    text = "\n".join(filter(None, (request.findings, known))) or request.fallback
    for clause in CLAUSE.findall(text):
        yield Chunk(text=clause)
    yield Chunk(finish="stop")
