"""Conditions as sets: which values of each field satisfy them. What `check` and `contradictions` decide by.

A tree becomes an "or" of terms, a term an "and" of one value set per field (the disjunctive normal form over sets).
No term is kept that nothing satisfies, so that a condition is impossible exactly when it has no terms.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prompts.llm.conditions.fields import FIELDS, Field

TERMS_MOST = 200

# A bound is (number, side): side 1 lies just above the number, -1 just below it, 0 on it.
Bound = tuple[float, int]


class TooLarge(Exception):
    """The condition has more than TERMS_MOST terms."""


@dataclass(frozen=True, slots=True)
class Words:
    """The listed values, or all but the listed ones."""

    listed: frozenset[Any]
    all_but: bool = False

    def __bool__(self) -> bool:
        return self.all_but or bool(self.listed)


@dataclass(frozen=True, slots=True)
class Spans:
    """Numbers between pairs of bounds, ascending and disjoint."""

    spans: tuple[tuple[Bound, Bound], ...]

    def __bool__(self) -> bool:
        return bool(self.spans)


ValueSet = Words | Spans
Term = Mapping[str, ValueSet]


def terms(tree: Mapping[str, Any], *, negated: bool = False, most: int = TERMS_MOST) -> list[Term]:
    """The terms of a well-formed condition, or of its opposite. Raises TooLarge."""
    parts = [part_terms(key, value, negated=negated, most=most) for key, value in tree.items()]
    return either(parts, most=most) if negated else both(parts, most=most)


def part_terms(key: str, value: Any, *, negated: bool, most: int) -> list[Term]:
    if key == "$not":
        return terms(value, negated=not negated, most=most)
    if key in {"$and", "$or"}:
        parts = [terms(part, negated=negated, most=most) for part in value]
        # By De Morgan: not (a and b) is (not a) or (not b).
        is_and = (key == "$and") != negated
        return both(parts, most=most) if is_and else either(parts, most=most)
    field = FIELDS[key]
    found = satisfying(field, value if isinstance(value, Mapping) else {"$eq": value})
    wanted = complement(field, found) if negated else found
    return [{key: wanted}] if wanted else []


def both(parts: Sequence[list[Term]], *, most: int = TERMS_MOST) -> list[Term]:
    """The terms of "all of these"; of none of them: one term that always holds."""
    found: list[Term] = [{}]
    for part in parts:
        merged = {
            frozenset(term.items()): term
            for left in found
            for right in part
            if (term := merge(left, right)) is not None
        }
        found = bounded(list(merged.values()), most)
    return found


def either(parts: Sequence[list[Term]], *, most: int = TERMS_MOST) -> list[Term]:
    """The terms of "one of these"; of none of them: no term."""
    merged = {frozenset(term.items()): term for part in parts for term in part}
    return bounded(list(merged.values()), most)


def bounded(found: list[Term], most: int) -> list[Term]:
    if len(found) > most:
        raise TooLarge
    return found


def merge(left: Term, right: Term) -> Term | None:
    """Both terms in one; None when nothing satisfies both."""
    merged = dict(left)
    for name, values in right.items():
        common = intersection(merged[name], values) if name in merged else values
        if not common:
            return None
        merged[name] = common
    return merged


# --- sets of one field ---------------------------------------------------------------------------------


def satisfying(field: Field, asked: Mapping[str, Any]) -> ValueSet:
    """The values that satisfy every operator, as `{"$gte": 0.2, "$lt": 0.4}`."""
    found = everything(field)
    for word, wanted in asked.items():
        found = intersection(found, one_operator(field, word, wanted))
    return found


def one_operator(field: Field, word: str, wanted: Any) -> ValueSet:
    match word:
        case "$eq":
            return these(field, [wanted])
        case "$ne":
            return complement(field, these(field, [wanted]))
        case "$in":
            return these(field, wanted)
        case "$nin":
            return complement(field, these(field, wanted))
    lowest, highest = (-math.inf, 0), (math.inf, 0)
    span = {
        "$gt": ((wanted, 1), highest),
        "$gte": ((wanted, 0), highest),
        "$lt": (lowest, (wanted, -1)),
        "$lte": (lowest, (wanted, 0)),
    }[word]
    return spans(field, [span])


def everything(field: Field) -> ValueSet:
    if field.is_number:
        return spans(field, [((field.low, 0), (field.high, 0))])
    match field.kind:
        case "flag":
            return Words(frozenset({True, False}))
        case "choice":
            return Words(frozenset(field.values))
        case _:
            return Words(frozenset(), all_but=True)


def these(field: Field, values: Sequence[Any]) -> ValueSet:
    if field.is_number:
        return spans(field, [((value, 0), (value, 0)) for value in sorted(set(values))])
    return Words(frozenset(values))


def complement(field: Field, found: ValueSet) -> ValueSet:
    if isinstance(found, Spans):
        return gaps(field, found)
    if field.kind == "word":
        return Words(found.listed, not found.all_but)
    whole = everything(field)
    assert isinstance(whole, Words)  # noqa: S101 - numbers were handled above
    return Words(whole.listed - found.listed)


def intersection(left: ValueSet, right: ValueSet) -> ValueSet:
    if isinstance(left, Spans) and isinstance(right, Spans):
        pairs = [
            (max(low, other_low), min(high, other_high))
            for low, high in left.spans
            for other_low, other_high in right.spans
        ]
        return Spans(tuple((low, high) for low, high in pairs if low <= high))
    assert isinstance(left, Words)  # noqa: S101 - a field has one kind of set
    assert isinstance(right, Words)  # noqa: S101
    if left.all_but and right.all_but:
        return Words(left.listed | right.listed, all_but=True)
    if left.all_but or right.all_but:
        kept, dropped = (right, left) if left.all_but else (left, right)
        return Words(kept.listed - dropped.listed)
    return Words(left.listed & right.listed)


def spans(field: Field, wanted: Sequence[tuple[Bound, Bound]]) -> Spans:
    """What of the ascending spans lies in the field's range; of a whole field, its whole numbers."""
    found = []
    for first, last in wanted:
        low, high = max(first, (field.low, 0)), min(last, (field.high, 0))
        if field.kind == "whole":
            low, high = up_to_whole(low), down_to_whole(high)
        if low <= high:
            found.append((low, high))
    return Spans(tuple(found))


def up_to_whole(bound: Bound) -> Bound:
    number, side = bound
    if math.isinf(number):
        return bound
    return (math.floor(number) + 1 if side > 0 else math.ceil(number), 0)


def down_to_whole(bound: Bound) -> Bound:
    number, side = bound
    if math.isinf(number):
        return bound
    return (math.ceil(number) - 1 if side < 0 else math.floor(number), 0)


def gaps(field: Field, found: Spans) -> Spans:
    """The numbers of the field's range that are in none of the spans."""
    edges: list[tuple[Bound, Bound]] = []
    low: Bound = (field.low, 0)
    for first, last in found.spans:
        edges.append((low, (first[0], first[1] - 1)))
        low = (last[0], last[1] + 1)
    edges.append((low, (field.high, 0)))
    return spans(field, edges)
