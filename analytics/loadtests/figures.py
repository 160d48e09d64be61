"""Figures of the questions of a load test, over all of them and by model. Pure: the calls are handed in."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from analytics.loadtests.record import Asked, Figures
from chat.replay.dialogues import percentile

NO_MODEL = ""


@dataclass(frozen=True, slots=True)
class Called:
    """What models did for one turn: who answered, and the tokens of all calls."""

    model: str
    tokens_in: int
    tokens_out: int


def of_all(asked: Sequence[Asked], called: Mapping[str, Called]) -> Figures:
    return figures(NO_MODEL, asked, called)


def by_model(asked: Iterable[Asked], called: Mapping[str, Called]) -> list[Figures]:
    """The busiest model first; those that no model had a part in under the empty name."""
    groups: dict[str, list[Asked]] = defaultdict(list)
    for each in asked:
        found = called.get(each.turn or "")
        groups[found.model if found else NO_MODEL].append(each)
    rows = [figures(model, group, called) for model, group in groups.items()]
    return sorted(rows, key=lambda row: (-row.sent, row.model))


def errors(asked: Iterable[Asked]) -> dict[str, int]:
    """How often what went wrong, the most frequent first."""
    return dict(Counter(each.error for each in asked if each.error).most_common())


def figures(model: str, asked: Sequence[Asked], called: Mapping[str, Called]) -> Figures:
    answered = [each for each in asked if each.is_answered]
    total = sorted(each.total_ms for each in answered if each.total_ms is not None)
    first = sorted(each.first_ms for each in answered if each.first_ms is not None)
    calls = [called[each.turn] for each in asked if each.turn and each.turn in called]
    return Figures(
        model=model,
        sent=len(asked),
        answered=len(answered),
        mean_ms=round(fmean(total), 2) if total else None,
        p50_ms=percentile(total, 50),
        p95_ms=percentile(total, 95),
        p99_ms=percentile(total, 99),
        first_p50_ms=percentile(first, 50),
        first_p95_ms=percentile(first, 95),
        tokens_in=mean_tokens(call.tokens_in for call in calls),
        tokens_out=mean_tokens(call.tokens_out for call in calls),
    )


def mean_tokens(counts: Iterable[int]) -> float | None:
    found = list(counts)
    return round(fmean(found), 1) if found else None
