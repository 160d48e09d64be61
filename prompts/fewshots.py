"""The few-shot examples as every turn needs them: in memory, and the ones for this turn chosen in well under a millisecond.

Read by prompts.snapshot, which keeps one library per process; chosen from by prompts.composing.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from django.db import connection

from prompts.llm.router import estimate_tokens
from prompts.llm.types import Line, Request
from prompts.models import FewShotExample, Wording
from prompts.nlu import segment

ROLE_NAMES = {
    "zh": {"visitor": "顾客", "bot": "客服"},
    "en": {"visitor": "Customer", "bot": "Agent"},
}
QUERY_CHARS = 400
# The rarest terms of a message say most; as many as keep the examples to look at few.
POSTINGS = 3000
# What an example is worth beside likeness of words: the same intent, the same mood.
SAME_INTENT, SAME_EMOTION = 0.15, 0.05
# The sum tells every change, also one whose transaction began before and ended after another's.
VERSION = """
    SELECT count(*), coalesce(sum((extract(epoch FROM updated_at) * 1000000)::bigint), 0)::text
    FROM prompts_fewshotexample WHERE enabled
"""


class Selection(Protocol):
    """How a wording chooses its examples."""

    example_mode: str
    example_keys: list[str]
    example_tags: list[str]
    example_limit: int
    example_tokens: int


@dataclass(frozen=True, slots=True)
class Example:
    """One example as it is shown, with its length and the terms of what the customer says in it."""

    pk: int
    key: str
    language: str
    intent: str
    emotion: str
    tags: frozenset[str]
    text: str
    tokens: int
    terms: frozenset[str]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Shelf:
    """The examples of one language in the order of their keys, and which of them hold a term."""

    examples: tuple[Example, ...] = ()
    holders: Mapping[str, Sequence[int]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    totals: Sequence[float] = ()

    def positions(self, keys: Iterable[str]) -> list[int]:
        known = {example.key: at for at, example in enumerate(self.examples)}
        return [known[key] for key in keys if key in known]


@dataclass(frozen=True, slots=True)
class Library:
    """Every enabled example, as of `version`."""

    version: tuple[int, str] = (0, "0")
    shelves: Mapping[str, Shelf] = field(default_factory=dict)

    def choose(
        self, how: Selection, *, asked: str, language: str, intent: str = "", emotion: str = ""
    ) -> tuple[Example, ...]:
        """The examples for one turn, the most fitting first, within `how`'s number and tokens."""
        shelf = self.shelves.get(language, Shelf())
        if how.example_mode == Wording.Examples.NONE:
            return ()
        if how.example_mode == Wording.Examples.FIXED:
            order = (
                shelf.positions(how.example_keys)
                if how.example_keys
                else range(len(shelf.examples))
            )
            return within(how, (shelf.examples[at] for at in order))
        near = nearest(shelf, asked=asked[:QUERY_CHARS], intent=intent, emotion=emotion)
        wanted = frozenset(how.example_tags)
        found = (shelf.examples[at] for at in near)
        return within(how, (each for each in found if not wanted or wanted & each.tags))


def within(how: Selection, found: Iterable[Example]) -> tuple[Example, ...]:
    """As many as fit; one that is too long for what is left is passed over."""
    chosen: list[Example] = []
    left = how.example_tokens
    for example in found:
        if len(chosen) == how.example_limit:
            break
        if example.tokens <= left:
            chosen.append(example)
            left -= example.tokens
    return tuple(chosen)


def nearest(shelf: Shelf, *, asked: str, intent: str, emotion: str) -> list[int]:
    """Places on the shelf, nearest first: by shared terms against the length of both, then in the shelf's order."""
    terms = [term for term in telling(asked) if term in shelf.weights]
    total = sum(shelf.weights[term] for term in terms) or 1.0
    shared: dict[int, float] = defaultdict(float)
    left = POSTINGS
    for term in sorted(terms, key=lambda term: len(shelf.holders[term])):
        left -= len(shelf.holders[term])
        if shared and left < 0:
            break
        for at in shelf.holders[term]:
            shared[at] += shelf.weights[term]

    def worth(at: int) -> float:
        example = shelf.examples[at]
        likeness = shared[at] / math.sqrt(total * (shelf.totals[at] or 1.0))
        return (
            likeness
            + SAME_INTENT * (example.intent == intent)
            + SAME_EMOTION * (example.emotion == emotion)
        )

    ranked = sorted(shared, key=lambda at: (-worth(at), at))
    return [*ranked, *(at for at in range(len(shelf.examples)) if at not in shared)]


def read(known: Library) -> Library:
    """The library as it is now; `known` itself when nothing changed. Rows that did not change are not cut again."""
    with connection.cursor() as cursor:
        cursor.execute(VERSION)
        version = cursor.fetchone()
    if version == known.version:
        return known
    kept = {each.pk: each for shelf in known.shelves.values() for each in shelf.examples}
    by_language: dict[str, list[Example]] = defaultdict(list)
    for row in FewShotExample.objects.filter(enabled=True).order_by("key"):
        old = kept.get(row.pk)
        same = old is not None and old.updated_at == row.updated_at
        by_language[row.language].append(old if same and old else as_example(row))
    shelves = {language: build_shelf(found) for language, found in by_language.items()}
    return Library(version=version, shelves=shelves)


def as_example(row: FewShotExample, *, like: Example | None = None) -> Example:
    """`like` says the same, perhaps: what is said alike is cut alike."""
    text = dialogue(row.messages, language=row.language)
    is_known = like is not None and like.text == text
    said = " ".join(
        str(each.get("text", "")) for each in row.messages if each.get("role") == "visitor"
    )
    return Example(
        pk=row.pk,
        key=row.key,
        language=row.language,
        intent=row.intent,
        emotion=row.emotion,
        tags=frozenset(row.tags),
        text=text,
        tokens=like.tokens
        if like and is_known
        else estimate_tokens(Request("example", (Line("system", text),))),
        terms=like.terms if like and is_known else frozenset(telling(said[:QUERY_CHARS])),
        updated_at=row.updated_at,
    )


def telling(text: str) -> list[str]:
    """The words and parts of words: single characters and stop words say nothing of what an example is about."""
    return [term for term in segment.terms(text) if term[0] in (segment.WORD, segment.GRAM)]


def dialogue(messages: Sequence[Mapping[str, str]], *, language: str) -> str:
    """The lines as a model reads them, as "顾客: …"."""
    names = ROLE_NAMES.get(language, ROLE_NAMES["zh"])
    return "\n".join(f"{names.get(m['role'], m['role'])}: {m['text']}" for m in messages)


def build_shelf(examples: Sequence[Example]) -> Shelf:
    holders: dict[str, list[int]] = defaultdict(list)
    for at, example in enumerate(examples):
        for term in example.terms:
            holders[term].append(at)
    weights = {term: math.log(1 + len(examples) / len(at)) for term, at in holders.items()}
    return Shelf(
        examples=tuple(examples),
        holders=dict(holders),
        weights=weights,
        totals=[sum(weights[term] for term in example.terms) for example in examples],
    )


def shown(examples: Iterable[Example]) -> str:
    """The examples as dialogues, a blank line between them."""
    return "\n\n".join(example.text for example in examples)
