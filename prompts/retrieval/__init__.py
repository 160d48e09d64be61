"""The SOPs that answer a customer's words.

Called by prompts.composing, and by the commands and the admin to keep `SopQuestion.vector`. Knows no conversation.
"""

from prompts.retrieval.freezing import Difference, differences, freeze
from prompts.retrieval.indexing import add_questions, index_sop, reindex
from prompts.retrieval.ranking import CANDIDATES, CONFIDENT, Hit, search
from prompts.retrieval.standing import (
    AS_EDITED,
    EVERYWHERE,
    FRESHNESS,
    VERSION_SECONDS,
    Scope,
    forget,
    statistics,
)
from prompts.retrieval.trying import Proposed, search_with

__all__ = [
    "AS_EDITED",
    "CANDIDATES",
    "CONFIDENT",
    "EVERYWHERE",
    "FRESHNESS",
    "VERSION_SECONDS",
    "Difference",
    "Hit",
    "Proposed",
    "Scope",
    "add_questions",
    "differences",
    "forget",
    "freeze",
    "index_sop",
    "reindex",
    "search",
    "search_with",
    "statistics",
]
