"""Versions to choose from: those in force, the newest of every prompt alike, and whichever the page was asked for."""

from collections.abc import Iterable

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from prompts.models import PromptVersion

# More digits than an id has.
DIGITS = 18


def newest(
    rows: QuerySet[PromptVersion], *, most: int, asked: Iterable[str] = ()
) -> list[PromptVersion]:
    """`most` of the rows, as many of each prompt as there is room for, and those in force or `asked` by id however old.

    By prompt, the newest first. Two queries.
    """
    rank = Window(RowNumber(), partition_by=F("prompt_id"), order_by=F("number").desc())
    rows = rows.select_related("prompt")
    found: list[PromptVersion] = [*rows.annotate(rank=rank).order_by("rank", "prompt_id")[:most]]
    wanted = [int(pk) for pk in asked if pk.isdecimal() and len(pk) <= DIGITS]
    others = rows.filter(Q(pk__in=wanted) | Q(pk=F("prompt__current_id")))
    found += others.exclude(pk__in=[row.pk for row in found])
    return sorted(found, key=place)


def place(row: PromptVersion) -> tuple[str, bool, str, int]:
    """Chinese before the other languages, as everywhere."""
    language = row.prompt.language
    return row.prompt.purpose, language != "zh", language, -row.number
