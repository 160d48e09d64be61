"""Hours and days of the shop. Pure: moments in, moments out.

An hour begins at the full hour of the shop's clock, also where that is half an hour off UTC; a day at its midnight.
Where the clock is set, a day has 23 or 25 hours.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

HOUR = timedelta(hours=1)


def zone() -> ZoneInfo:
    """The shop's time zone."""
    return ZoneInfo(settings.TIME_ZONE)


def hour_of(at: datetime) -> datetime:
    """The beginning of the shop's hour that holds `at`, in UTC."""
    local = at.astimezone(zone())
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return at.astimezone(UTC) - past


def day_start(day: date) -> datetime:
    """The first moment of a day of the shop, in UTC."""
    # Where midnight does not exist, Python takes the offset of before, which is the moment the clock was set.
    return datetime.combine(day, time(), tzinfo=zone()).astimezone(UTC)


def day_of(at: datetime) -> date:
    return at.astimezone(zone()).date()


def day_end(day: date) -> datetime:
    return day_start(day + timedelta(days=1))


def hours(since: datetime, until: datetime) -> Iterator[datetime]:
    """The beginnings of the hours that touch [since, until]."""
    at = hour_of(since)
    while at <= until:
        yield at
        at += HOUR


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the shop, `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def since(self) -> datetime:
        return day_start(self.first)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return day_end(self.last)

    def before(self) -> "Period":
        """As many days, just before."""
        return Period(self.first - timedelta(days=self.days), self.first - timedelta(days=1))

    def each(self) -> Iterator[date]:
        for number in range(self.days):
            yield self.first + timedelta(days=number)
