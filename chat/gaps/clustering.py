"""Questions that ask the same, put together by shared words and parts of words. Pure.

Butina's way: whoever has the most neighbours is a centre, and takes those who have no centre yet. Every member is so
alike to its centre, so that no chain of likenesses puts strangers together; groups whose centres are alike are one.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from prompts.nlu import segment

# Cosine of a member to its centre, and of two groups that are one. Chosen on labelled questions of a bank (77 intents)
# and of a telephone company: lower ones put more strangers together, higher ones leave more alone.
ALIKE, ONE = 0.4, 0.65
# A term in more than this share of the questions says nothing of what is asked; few questions may share one subject.
COMMON, FEW = 0.08, 50
BLOCK = 512
NAMED_BY = 5


@dataclass(frozen=True, slots=True)
class Cluster:
    """Places of the questions that ask the same, the most typical first, how alike they are, and their words."""

    members: tuple[int, ...]
    # The mean cosine of the members to their common middle.
    coherence: float
    terms: tuple[str, ...]


def put_together(
    texts: Sequence[str], *, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Cluster]:
    """Groups of at least two, the largest first; the same texts give the same groups."""
    matrix, names = as_matrix(texts)
    neighbours = neighbours_of(matrix, progress)
    groups = joined(matrix, chosen(neighbours))
    found = [described(matrix, names, members) for members in groups if len(members) > 1]
    return sorted(found, key=lambda cluster: (-len(cluster.members), cluster.members))


def telling(text: str) -> list[str]:
    """Words and parts of words; single characters and stop words put everything together."""
    return [term for term in segment.terms(text) if term[0] in (segment.WORD, segment.GRAM)]


def as_matrix(texts: Sequence[str]) -> tuple[sparse.csr_matrix, list[str]]:
    """A row per text, each term by how rare it is, and what the columns are.

    Rows have the length that all their terms give them: what nobody else says makes a text less alike to every other.
    """
    cut = [telling(text) for text in texts]
    counts = Counter(term for terms in cut for term in terms)
    most = max(COMMON * len(texts), FEW)
    names = sorted(term for term, count in counts.items() if 2 <= count <= most)
    column = {name: place for place, name in enumerate(names)}
    weights = {term: weight(term, count, of=len(texts)) for term, count in counts.items()}
    rows, columns, data = [], [], []
    for row, terms in enumerate(cut):
        length = math.sqrt(sum(weights[term] ** 2 for term in terms)) or 1.0
        for term in terms:
            if term in column:
                rows.append(row)
                columns.append(column[term])
                data.append(weights[term] / length)
    shape = (len(texts), len(names))
    return sparse.csr_matrix((np.array(data, dtype=np.float32), (rows, columns)), shape), names


def weight(term: str, count: int, *, of: int) -> float:
    """How much a term says: more the rarer it is, a part of a word less than a word."""
    return (1.0 if term[0] == segment.WORD else 0.6) * math.log(1 + of / max(count, 2))


def unit(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1.0
    return sparse.diags((1.0 / lengths).astype(np.float32)) @ matrix


def neighbours_of(matrix: sparse.csr_matrix, progress: Callable[[int, int], None]) -> list[Any]:
    """Of each row those that are alike, itself among them; by blocks, so that memory stays small."""
    found: list[Any] = []
    turned = matrix.T.tocsc()
    rows = matrix.shape[0]
    for start in range(0, rows, BLOCK):
        block = (matrix[start : start + BLOCK] @ turned).tocsr()
        block.data[block.data < ALIKE] = 0
        block.eliminate_zeros()
        found += [block.indices[a:b] for a, b in zip(block.indptr, block.indptr[1:], strict=False)]
        progress(min(start + BLOCK, rows), rows)
    return found


def chosen(neighbours: Sequence[Any]) -> list[list[int]]:
    """Groups by centre, the one with the most neighbours first."""
    order = sorted(range(len(neighbours)), key=lambda row: (-len(neighbours[row]), row))
    taken: set[int] = set()
    groups = []
    for centre in order:
        if centre in taken or len(neighbours[centre]) < 2:
            continue
        members = [int(row) for row in neighbours[centre] if row not in taken]
        taken.update(members)
        groups.append(members)
    return groups


def joined(matrix: sparse.csr_matrix, groups: Sequence[list[int]]) -> list[list[int]]:
    """Groups whose middles are alike put together, the largest first."""
    if not groups:
        return []
    middles = unit(sparse.vstack([sparse.csr_matrix(matrix[members].sum(axis=0)) for members in groups]))  # fmt: skip
    alike = neighbours_at(middles)
    order = sorted(range(len(groups)), key=lambda place: (-len(groups[place]), place))
    taken: set[int] = set()
    found = []
    for place in order:
        if place in taken:
            continue
        one = [other for other in alike[place] if other not in taken]
        taken.update(one)
        found.append(sorted(row for other in one for row in groups[other]))
    return found


def neighbours_at(middles: sparse.csr_matrix) -> list[list[int]]:
    likeness = (middles @ middles.T).tocsr()
    return [
        [int(j) for j, value in zip(row.indices, row.data, strict=True) if value >= ONE or j == i]
        for i, row in enumerate(likeness)
    ]


def described(matrix: sparse.csr_matrix, names: Sequence[str], members: Iterable[int]) -> Cluster:
    rows = list(members)
    middle = unit(sparse.csr_matrix(matrix[rows].sum(axis=0)))
    likeness = np.asarray((matrix[rows] @ middle.T).todense()).ravel()
    typical = sorted(range(len(rows)), key=lambda place: (-float(likeness[place]), rows[place]))
    return Cluster(
        members=tuple(rows[place] for place in typical),
        coherence=round(float(likeness.mean()), 4),
        terms=tuple(labels(middle, names)),
    )


def labels(middle: sparse.csr_matrix, names: Sequence[str]) -> list[str]:
    """The words that say most of what a group asks; a part of a word only where it has none."""
    ranked = sorted(zip(middle.indices, middle.data, strict=True), key=lambda pair: (-float(pair[1]), pair[0]))  # fmt: skip
    words = [names[place][1:] for place, _ in ranked if names[place][0] == segment.WORD]
    parts = [names[place][1:] for place, _ in ranked]
    return (words or parts)[:NAMED_BY]
