"""Reads counts and percentiles for a page: one statement a family, whatever the length of the history."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from analytics import spans
from analytics.models import EVERY_INBOX
from analytics.sketches import percentile
from analytics.spans import Period
from analytics.stats import FAMILIES, split_mask

FILTERS = ("channel", "tier", "intent", "release", "model")
Stats = dict[str, int]


@dataclass(frozen=True, slots=True)
class Question:
    """What a page is asked for: whole days of the shop, the inboxes the reader may see, and filters by dimension."""

    period: Period
    # None: all of them, and what belongs to none.
    inboxes: tuple[int, ...] | None
    filters: Mapping[str, str] = field(default_factory=dict)

    def unsplit(self, family: str) -> list[str]:
        """The filters that a family is not split by."""
        known = FAMILIES[family].dimensions
        return [name for name in self.filters if name not in known]


@dataclass(slots=True)
class Found:
    """Sums of a family: by day, by group, now and in the period before."""

    now: Stats
    before: Stats
    days: dict[date, Stats]


def by_day(question: Question, family: str, stats: Iterable[str]) -> Found:
    """The stats of a family day by day, over the period and the one before."""
    names = sorted(stats)
    found = Found(defaultdict(int), defaultdict(int), {})
    for start, *sums in summed(question, family, names, group="start"):
        values = dict(zip(names, map(int, sums), strict=True))
        if start >= question.period.since:
            found.days[spans.day_of(start)] = values
            add(found.now, values)
        else:
            add(found.before, values)
    return found


def by_group(
    question: Question, family: str, dimension: str, stats: Iterable[str]
) -> tuple[dict[str, Stats], dict[str, Stats]]:
    """The stats of a family by one of its dimensions, now and before."""
    names = sorted(stats)
    now: dict[str, Stats] = {}
    before: dict[str, Stats] = {}
    group = f"start >= %(since)s, {dimension}"
    for is_now, value, *sums in summed(question, family, names, group=group, split_by=[dimension]):
        side = now if is_now else before
        side[str(value)] = dict(zip(names, map(int, sums), strict=True))
    return now, before


def summed(
    question: Question,
    family: str,
    names: Sequence[str],
    *,
    group: str,
    split_by: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    positions = [FAMILIES[family].names.index(name) + 1 for name in names]
    where, values = restricted(question, family)
    known = FAMILIES[family].dimensions
    needed = [name for name in FILTERS if name in question.filters and name in known]
    needed += [name for name in split_by if name not in needed]
    # The rows with the fewest splits that still tell these apart.
    values["split"] = split_mask(needed if len(needed) < 2 else known.keys())
    sums = ", ".join(f"coalesce(sum(counts[{position}]), 0)" for position in positions)
    count = group.count(",") + 1
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {group}, {sums} FROM analytics_dailycount
                WHERE family = %(family)s AND split = %(split)s AND {where} GROUP BY {", ".join(map(str, range(1, count + 1)))}""",
            {**values, "family": family},
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def restricted(question: Question, family: str | None) -> tuple[str, dict[str, Any]]:
    """The condition on rows of both periods that the reader may see, and its values."""
    values: dict[str, Any] = {
        "before": question.period.before().since,
        "since": question.period.since,
        "until": question.period.until,
    }
    where = ["start >= %(before)s", "start < %(until)s"]
    if question.inboxes is not None:
        where.append("inbox_id = ANY (%(inboxes)s)")
        values["inboxes"] = list(question.inboxes)
    known = FAMILIES[family].dimensions if family else {"model"}
    for name in FILTERS:
        if name in question.filters and name in known:
            where.append(f"{name} = %({name})s")
            values[name] = question.filters[name]
    return " AND ".join(where), values


Buckets = dict[int, int]


def spread(question: Question, measures: Iterable[str], *, by_model: bool = False) -> "Spread":
    """How durations spread, merged over days and inboxes; `by_model` also over the models apart."""
    where, values = restricted(question, None)
    if question.inboxes is None:
        where += " AND inbox_id = %(every)s"
        values["every"] = EVERY_INBOX
    model = "model" if by_model else "''"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT measure, start >= %(since)s, {model}, bucket, sum(n) FROM analytics_dailysketch
                CROSS JOIN LATERAL unnest(buckets, counts) AS spread(bucket, n)
                WHERE measure = ANY (%(measures)s) AND {where} GROUP BY 1, 2, 3, 4""",
            {**values, "measures": sorted(measures)},
        )
        found: dict[tuple[str, bool, str], Buckets] = defaultdict(lambda: defaultdict(int))
        for measure, is_now, name, bucket, count in cursor.fetchall():
            found[measure, is_now, name][bucket] += int(count)
            if by_model:
                found[measure, is_now, ""][bucket] += int(count)
    return Spread(found)


@dataclass(frozen=True, slots=True)
class Spread:
    """Buckets by (measure, now or before, model); the empty model is all of them."""

    buckets: Mapping[tuple[str, bool, str], Buckets]

    def percentile(
        self, measure: str, share: float, *, now: bool = True, model: str = ""
    ) -> float | None:
        held = self.buckets.get((measure, now, model))
        return percentile(held.items(), share) if held else None


def add(into: Stats, values: Mapping[str, int]) -> None:
    for name, value in values.items():
        into[name] = into.get(name, 0) + value


def filled_until() -> datetime | None:
    """Up to when activity is in the figures."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT seen_until FROM analytics_fillstate")
        row = cursor.fetchone()
    return row[0] if row else None
