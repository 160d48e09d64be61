"""Fills outcomes, hours and days from the rows, in small transactions that may be repeated, raced or killed.

`look` finds what changed and marks hours dirty; `fill_hours` counts those of a day and marks it; `sum_day` adds up one. Each does
its work and takes its mark away in one transaction, so that whatever dies halfway is found again. One process at a time.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from time import monotonic
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Min
from django.db.models.functions import Least
from django.utils import timezone

from analytics import outcomes, spans
from analytics.models import (
    DAY_PLACE,
    DIMENSIONS,
    EVERY_INBOX,
    SPLITS,
    Dirty,
    FillState,
    LateFact,
)
from analytics.stats import FAMILIES, TIMINGS, Family, Timing, splits
from chat.models import Conversation
from prompts.locks import Lock

log = structlog.get_logger(__name__)

# Transactions that were under way, and clocks that are not quite alike.
OVERLAP = timedelta(minutes=10)
LOOKED_AT_ONCE = 500
MOMENT = timedelta(microseconds=1)
DRAINED_AT_ONCE = 5000
RECHECKED = timedelta(days=3)
HOUR_OF = "date_trunc('hour', {}, %(zone)s)"
Result = TypeVar("Result")


class Busy(Exception):
    """Another process is at it."""


def tick(*, seconds: float) -> bool:
    """Brings everything up to date; False when `seconds` were not enough, and the next tick goes on. Raises Busy."""
    deadline = monotonic() + seconds
    since: datetime | None = None
    while (since := alone(partial(look, since))) is not None:
        if monotonic() > deadline:
            return False
    for step in (fill_hours, sum_day):
        while alone(step):
            if monotonic() > deadline:
                return False
    return True


def alone(step: Callable[[], Result]) -> Result:
    """The step in a transaction of its own, under the lock. Raises Busy."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [Lock.FILLING_ANALYTICS])
        if not cursor.fetchone()[0]:
            raise Busy
        cursor.execute("SET LOCAL statement_timeout = '60s'")
        return step()


# --- what changed ----------------------------------------------------------------------------------


def look(since: datetime | None) -> datetime | None:
    """Takes in the next conversations that were active since then; from where the next look goes on, None at the end.

    The first look of a tick, without `since`, begins a little before the last one's end.
    """
    now = timezone.now()
    if since is None:
        # A clock that was put back looks from where it is now: what it writes is older than what was seen.
        since = min(seen_until(now), now) - OVERLAP
    ids, until = active(since, now=now)
    late_ids, late_hours, drained = drain()
    wanted = {*ids, *late_ids, *fallen_silent(now)}
    begun = outcomes.make(outcomes.with_neighbours(wanted), now=now)
    # What a clock that was ahead has written belongs to the last look.
    ahead = until if until < now else datetime.max.replace(tzinfo=UTC)
    mark("hour", {*touched(since, ahead), *map(spans.hour_of, begun), *late_hours})
    FillState.objects.update_or_create(pk=1, defaults={"seen_until": until})
    return until if until < now or drained == DRAINED_AT_ONCE else None


def seen_until(now: datetime) -> datetime:
    """Up to when activity was looked at; at first, since before there was any."""
    state = FillState.objects.filter(pk=1).first()
    if state is not None:
        return state.seen_until
    first: datetime | None = Conversation.objects.aggregate(at=Min("last_activity_at"))["at"]
    return first or now


def active(since: datetime, *, now: datetime) -> tuple[list[Any], datetime]:
    """The next conversations by their last activity, and up to when these are all; a clock ahead of ours counts."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id, last_activity_at FROM chat_conversation WHERE last_activity_at >= %s
               ORDER BY last_activity_at FETCH FIRST %s ROWS WITH TIES""",
            [since, LOOKED_AT_ONCE],
        )
        found = cursor.fetchall()
    ids = [pk for pk, _ in found]
    latest = found[-1][1] if len(found) >= LOOKED_AT_ONCE else now
    # Rows that share one moment came together; the next look begins after it.
    return ids, min(latest + MOMENT, now)


def touched(since: datetime, until: datetime) -> list[datetime]:
    """The hours in which turns were queued or models called."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT date_trunc('hour', queued_at, %(zone)s) FROM chat_turn
               WHERE queued_at >= %(since)s AND queued_at <= %(until)s
               UNION SELECT DISTINCT date_trunc('hour', at, %(zone)s) FROM prompts_modelcall
               WHERE at >= %(since)s AND at <= %(until)s""",
            {"since": since, "until": until, "zone": settings.TIME_ZONE},
        )
        return [hour for (hour,) in cursor.fetchall()]


def fallen_silent(now: datetime) -> list[Any]:
    """Open conversations in which nothing was said for long: they are over, and no event says so."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conversation_id FROM analytics_outcome WHERE kind = 'open' AND last_at <= %s LIMIT %s",
            [now - outcomes.SETTLED_AFTER, DRAINED_AT_ONCE],
        )
        return [pk for (pk,) in cursor.fetchall()]


def drain() -> tuple[set[Any], set[datetime], int]:
    """Conversations and hours that triggers noted, taken off their list; and how many notes there were."""
    noted = LateFact.objects.order_by("pk").values_list("pk", "conversation_id", "at")
    facts = list(noted[:DRAINED_AT_ONCE])
    LateFact.objects.filter(pk__in=[pk for pk, _, _ in facts]).delete()
    ids = {pk for _, pk, _ in facts if pk is not None}
    return ids, {spans.hour_of(at) for _, _, at in facts if at is not None}, len(facts)


def mark(grain: str, starts: Iterable[datetime]) -> None:
    """Says that these hours or days are to be counted anew."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO analytics_dirty AS was (grain, start, marks)
               SELECT %s, start, 1 FROM unnest(%s::timestamptz[]) AS start ORDER BY start
               ON CONFLICT (grain, start) DO UPDATE SET marks = was.marks + 1""",
            [grain, list(starts)],
        )


def recheck() -> None:
    """Looks at the last days once more, for what clocks and long transactions may have hidden."""
    FillState.objects.update(seen_until=Least(F("seen_until"), timezone.now() - RECHECKED))


def forget() -> None:
    """Everything is looked at and counted again from the first row on."""
    FillState.objects.all().delete()


# --- hours -----------------------------------------------------------------------------------------


def fill_hours() -> bool:
    """Counts the dirty hours of the latest day that has some; False when there are none."""
    latest = Dirty.objects.filter(grain="hour").order_by("-start").first()
    if latest is None:
        return False
    day = spans.day_of(latest.start)
    dirty = list(Dirty.objects.filter(grain="hour", start__gte=spans.day_start(day)))
    starts = [each.start for each in dirty]
    values: dict[str, Any] = {
        "since": min(starts),
        "until": max(starts) + spans.HOUR,
        "starts": starts,
        "zone": settings.TIME_ZONE,
        "usd": settings.CNY_PER["USD"],
    }
    with connection.cursor() as cursor:
        for name in FAMILIES:
            cursor.execute(count_sql(name), {**values, "family": name})
        for name in TIMINGS:
            cursor.execute(time_sql(name), {**values, "family": name})
    mark("day", {spans.day_start(spans.day_of(start)) for start in starts})
    clean(dirty)
    return True


def clean(dirty: Iterable[Dirty]) -> None:
    """Takes the marks away, but those that were made again meanwhile."""
    rows = [(each.pk, each.marks) for each in dirty]
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM analytics_dirty AS was USING unnest(%s::bigint[], %s::int[]) AS done(id, marks)
               WHERE was.id = done.id AND was.marks = done.marks""",
            [[pk for pk, _ in rows], [marks for _, marks in rows]],
        )


@cache
def count_sql(name: str) -> str:
    """Counts a family's hours, writes what differs and removes what is no longer there."""
    family: Family = FAMILIES[name]
    split = [family.dimensions.get(dimension, empty(dimension)) for dimension in DIMENSIONS]
    fresh = f"""SELECT %(family)s AS family, {HOUR_OF.format(family.at)} AS start,
        {", ".join(f"{sql} AS {name}" for name, sql in zip(DIMENSIONS, split, strict=True))},
        ARRAY[{", ".join(family.stats.values())}]::bigint[] AS counts
        {family.source} WHERE {within(family)}
        GROUP BY {", ".join(str(place) for place in range(2, 3 + len(DIMENSIONS)))}"""
    place = ["family", "start", *DIMENSIONS]
    return put_sql("hourly", "count", fresh, place=place, values=["counts"])


@cache
def time_sql(name: str) -> str:
    """The same for the durations of the hours."""
    timing: Timing = TIMINGS[name]
    fresh = f"""SELECT %(family)s AS measure, start, inbox_id, model,
            array_agg(bucket ORDER BY bucket) AS buckets, array_agg(n ORDER BY bucket) AS counts
        FROM (SELECT {HOUR_OF.format(timing.at)} AS start, {timing.inbox_id} AS inbox_id, {timing.model} AS model,
                     {timing.bucket} AS bucket, count(*) AS n
              {timing.source} WHERE {within(timing)} GROUP BY 1, 2, 3, 4) AS spread
        GROUP BY start, inbox_id, model"""
    place = ["measure", "start", "inbox_id", "model"]
    return put_sql("hourly", "sketch", fresh, place=place, values=["buckets", "counts"])


def within(counted: Family | Timing) -> str:
    """The condition on rows of the hours that are counted: a span for the index, then those hours of it."""
    at = counted.at
    return (
        f"{at} >= %(since)s AND {at} < %(until)s AND {HOUR_OF.format(at)} = ANY (%(starts)s) "
        f"AND ({counted.where})"
    )


def empty(dimension: str) -> str:
    return "0" if dimension == "inbox_id" else "''"


def put_sql(grain: str, kind: str, fresh: str, *, place: list[str], values: list[str]) -> str:
    """Makes the rows of one family and span equal to `fresh`, touching only those that differ."""
    table, columns = f"analytics_{grain}{kind}", ", ".join([*place, *values])
    return f"""
        WITH fresh AS ({fresh}), put AS (
            INSERT INTO {table} AS was ({columns}) SELECT {columns} FROM fresh
            ON CONFLICT ({", ".join(place)}) DO UPDATE SET {", ".join(f"{v} = EXCLUDED.{v}" for v in values)}
            WHERE ({", ".join(f"was.{v}" for v in values)})
                IS DISTINCT FROM ({", ".join(f"EXCLUDED.{v}" for v in values)}))
        DELETE FROM {table} AS was WHERE was.{place[0]} = %(family)s AND was.start = ANY (%(starts)s) AND NOT EXISTS
            (SELECT 1 FROM fresh WHERE {" AND ".join(f"fresh.{p} = was.{p}" for p in place)})
    """


# --- days ------------------------------------------------------------------------------------------


def sum_day() -> bool:
    """Adds up the hours of the latest dirty day; False when there is none."""
    dirty = Dirty.objects.filter(grain="day").order_by("-start").first()
    if dirty is None:
        return False
    day = spans.day_of(dirty.start)
    values: dict[str, Any] = {
        "since": spans.day_start(day),
        "until": spans.day_end(day),
        "starts": [dirty.start],
        "every": EVERY_INBOX,
    }
    with connection.cursor() as cursor:
        for name in FAMILIES:
            cursor.execute(day_sql(name), {**values, "family": name})
        for name in TIMINGS:
            cursor.execute(DAY_SKETCH, {**values, "family": name})
    clean([dirty])
    return True


@cache
def day_sql(name: str) -> str:
    family = FAMILIES[name]
    sums = ", ".join(f"sum(counts[{n}])" for n in range(1, len(family.stats) + 1))
    sets = ", ".join(f"({', '.join(['inbox_id', *each])})" for each in splits(family))
    fresh = f"""SELECT %(family)s AS family, {mask_sql(family)} AS split, %(since)s::timestamptz AS start, inbox_id,
            {", ".join(f"{day_column(family, name)} AS {name}" for name in SPLITS)}, ARRAY[{sums}]::bigint[] AS counts
        FROM analytics_hourlycount WHERE family = %(family)s AND start >= %(since)s AND start < %(until)s
        GROUP BY GROUPING SETS ({sets})"""
    return put_sql("daily", "count", fresh, place=DAY_PLACE, values=["counts"])


def mask_sql(family: Family) -> str:
    """The number of a row's split, as `stats.split_mask` has it."""
    own = family.dimensions
    bits = [f"GROUPING({name})" if name in own else "1" for name in SPLITS]
    return " + ".join(f"{bit} * {1 << place}" for place, bit in enumerate(reversed(bits)))


def day_column(family: Family, name: str) -> str:
    return f"coalesce({name}, '')" if name in family.dimensions else "''"


DAY_SKETCH = put_sql(
    "daily",
    "sketch",
    """SELECT measure, %(since)s::timestamptz AS start, inbox_id, model,
           array_agg(bucket ORDER BY bucket) AS buckets, array_agg(n ORDER BY bucket) AS counts
       FROM (SELECT measure, coalesce(inbox_id, %(every)s) AS inbox_id, model, bucket, sum(n)::bigint AS n
             FROM analytics_hourlysketch CROSS JOIN LATERAL unnest(buckets, counts) AS spread(bucket, n)
             WHERE measure = %(family)s AND start >= %(since)s AND start < %(until)s
             GROUP BY GROUPING SETS ((measure, inbox_id, model, bucket), (measure, model, bucket))) AS summed
       GROUP BY measure, inbox_id, model""",
    place=["measure", "start", "inbox_id", "model"],
    values=["buckets", "counts"],
)


def left() -> dict[str, int]:
    """How many hours and days wait to be counted."""
    counts = Counter(Dirty.objects.values_list("grain", flat=True))
    return {grain: counts[grain] for grain in ("hour", "day")}
