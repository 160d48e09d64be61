"""Plain BM25 (bm25s) over the same corpus: what the retrieval of production has to be better than."""

import re
from collections.abc import Sequence

import rjieba

WORD = re.compile(r"\w")
# Of a corpus with several wordings of one id more texts are ranked than ids are wanted.
DEPTH = 50


def rankings(
    corpus: Sequence[tuple[str, str]], queries: Sequence[str], *, limit: int
) -> list[list[str]]:
    """For each query the ids of the corpus, best first, by the words of the segmenter's dictionary."""
    # Inline: an instance that serves customers has no use for it.
    import bm25s  # noqa: PLC0415

    index = bm25s.BM25()
    index.index([words(text) for _, text in corpus], show_progress=False)
    depth = min(DEPTH, len(corpus))
    found = []
    for query in queries:
        places, scores = index.retrieve([words(query)], k=depth, show_progress=False)
        ids = (
            corpus[place][0] for place, score in zip(places[0], scores[0], strict=True) if score > 0
        )
        found.append(list(dict.fromkeys(ids))[:limit])
    return found


def words(text: str) -> list[str]:
    return [word for word in rjieba.cut(text.lower()) if WORD.search(word)]
