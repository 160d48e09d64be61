"""What the address of a page asks for: days, filters and whose conversations. Reads the query, forgives what is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from analytics.reading import FILTERS, Question
from analytics.spans import Period

PRESETS = (1, 7, 30, 90, 180)
DAYS, DAYS_MOST = 30, 366
# Before it there was nothing to count.
EARLIEST = date(2020, 1, 1)
VALUE_CHARS = 80
TIERS = ("standard", "vip")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the parts of the address that made it."""

    question: Question
    inbox: str
    # How many days up to today; 0: other days.
    preset: int
    # A date that could not be read.
    unread: str

    def query(self, **changes: str) -> str:
        """The address's query with these changes; an empty value takes a part away."""
        period = self.question.period
        parts = {"from": period.first.isoformat(), "to": period.last.isoformat()}
        if self.preset:
            parts = {"days": str(self.preset)}
        parts |= {"inbox": self.inbox, **self.question.filters, **changes}
        return urlencode({name: value for name, value in parts.items() if value})


def read(query: Mapping[str, str], *, today: date, allowed: tuple[int, ...] | None) -> Asked:
    """The question of an address. An inbox the reader may not see gives nothing, not everything."""
    period, preset, unread = read_period(query, today=today)
    inbox = query.get("inbox", "")
    filters = {name: query[name][:VALUE_CHARS] for name in FILTERS if query.get(name)}
    question = Question(period, chosen(inbox, allowed), filters)
    return Asked(question, inbox if inbox.isdecimal() else "", preset, unread)


def chosen(inbox: str, allowed: tuple[int, ...] | None) -> tuple[int, ...] | None:
    if not inbox.isdecimal():
        return allowed
    wanted = int(inbox[:18])
    return (wanted,) if allowed is None or wanted in allowed else ()


def read_period(query: Mapping[str, str], *, today: date) -> tuple[Period, int, str]:
    """The days asked for, at most DAYS_MOST and none after today; the last DAYS by default."""
    first, last = query.get("from", ""), query.get("to", "")
    if first and last:
        try:
            ends = (min(date.fromisoformat(day), today) for day in (first, last))
            period = Period(*(max(day, EARLIEST) for day in ends))
        except ValueError:
            return recent(DAYS, today), DAYS, f"{first} – {last}"[:60]
        if period.days < 1:
            return recent(DAYS, today), DAYS, f"{first} – {last}"[:60]
        return (
            Period(max(period.first, period.last - timedelta(days=DAYS_MOST - 1)), period.last),
            0,
            "",
        )
    days = int(query.get("days", "")) if query.get("days", "") in map(str, PRESETS) else DAYS
    return recent(days, today), days, ""


def recent(days: int, today: date) -> Period:
    return Period(today - timedelta(days=days - 1), today)
