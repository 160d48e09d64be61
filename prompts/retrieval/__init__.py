"""The SOPs that answer a customer's words.

Called by prompts.composing, and by the commands and the admin to keep `SopQuestion.vector`. Knows no conversation.
"""

from prompts.retrieval.indexing import add_questions, index_sop, reindex
from prompts.retrieval.ranking import CANDIDATES, CONFIDENT, Hit, search
from prompts.retrieval.standing import (
    EVERYWHERE,
    FRESHNESS,
    VERSION_SECONDS,
    Scope,
    forget,
    statistics,
)

__all__ = [
    "CANDIDATES",
    "CONFIDENT",
    "EVERYWHERE",
    "FRESHNESS",
    "VERSION_SECONDS",
    "Hit",
    "Scope",
    "add_questions",
    "forget",
    "index_sop",
    "reindex",
    "search",
    "statistics",
]
