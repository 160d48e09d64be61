"""Business hours: weeks, nights, holidays, time zones, and what is no such plan."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chat.inbox import hours
from chat.inbox.problem import Problem

WEEKDAYS = {day: ["09:00-12:00", "13:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
SHANGHAI = {"time_zone": "Asia/Shanghai", "week": WEEKDAYS}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-27T08:59:59+08:00", False),
        ("2026-11-27T09:00:00+08:00", True),
        ("2026-11-27T11:59:59+08:00", True),
        ("2026-11-27T12:00:00+08:00", False),
        ("2026-11-27T13:30:00+08:00", True),
        ("2026-11-27T18:00:00+08:00", False),
        ("2026-11-28T10:00:00+08:00", False),
        ("2026-11-27T01:30:00+00:00", True),
        ("2026-11-26T20:00:00-05:00", True),
    ],
)
def test_a_week_is_open_as_written_in_its_own_zone(moment: str, is_open: bool) -> None:
    assert hours.is_open(SHANGHAI, at=at(moment)) is is_open


def test_no_hours_are_always_open() -> None:
    assert hours.is_open({}, at=datetime.now(UTC))
    assert hours.as_text({}, locale="en") == ""


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-27T21:59:00+08:00", False),
        ("2026-11-27T22:00:00+08:00", True),
        ("2026-11-28T01:59:00+08:00", True),
        ("2026-11-28T02:00:00+08:00", False),
        ("2026-11-27T01:00:00+08:00", False),
    ],
)
def test_a_night_belongs_to_the_day_it_began_on(moment: str, is_open: bool) -> None:
    night = {"time_zone": "Asia/Shanghai", "week": {"fri": ["22:00-02:00"]}}

    assert hours.is_open(night, at=at(moment)) is is_open


def test_the_whole_day_ends_at_midnight() -> None:
    friday = {"time_zone": "UTC", "week": {"fri": ["00:00-24:00"]}}

    assert hours.is_open(friday, at=at("2026-11-27T23:59:59+00:00"))
    assert not hours.is_open(friday, at=at("2026-11-28T00:00:00+00:00"))


def test_a_special_day_replaces_its_weekday() -> None:
    plan = {**SHANGHAI, "days": {"2026-11-27": [], "2026-11-28": ["10:00-16:00"]}}

    assert not hours.is_open(plan, at=at("2026-11-27T10:00:00+08:00"))
    assert hours.is_open(plan, at=at("2026-11-28T10:00:00+08:00"))


def test_summer_time_is_the_zones_affair() -> None:
    plan = {"time_zone": "Europe/Berlin", "week": {"mon": ["09:00-10:00"]}}

    assert hours.is_open(plan, at=at("2026-01-05T08:30:00+00:00"))
    assert hours.is_open(plan, at=at("2026-07-06T07:30:00+00:00"))
    assert not hours.is_open(plan, at=at("2026-07-06T08:30:00+00:00"))


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("zh-CN", "周一至周五 09:00-12:00 13:00-18:00 (Asia/Shanghai)"),
        ("zh-TW", "週一至週五 09:00-12:00 13:00-18:00 (Asia/Shanghai)"),
        ("en", "Mon – Fri 09:00-12:00 13:00-18:00 (Asia/Shanghai)"),
    ],
)
def test_the_week_is_told_with_days_in_a_row_together(locale: str, text: str) -> None:
    assert hours.as_text(SHANGHAI, locale=locale) == text


@pytest.mark.parametrize(
    "plan",
    [
        None,
        [],
        {"week": {}},
        {"time_zone": "Mars/Olympus", "week": {}},
        {"time_zone": "../../etc/passwd", "week": {}},
        {"time_zone": "UTC", "week": {"monday": []}},
        {"time_zone": "UTC", "week": {"mon": "09:00-10:00"}},
        {"time_zone": "UTC", "week": {"mon": ["9-10"]}},
        {"time_zone": "UTC", "week": {"mon": ["09:00-25:00"]}},
        {"time_zone": "UTC", "week": {}, "days": {"1.10.": []}},
        {"time_zone": "UTC", "week": {}, "extra": 1},
        {"time_zone": "UTC", "week": {"mon": ["00:00-01:00"] * 7}},
    ],
)
def test_what_is_no_plan_is_refused(plan: Any) -> None:
    with pytest.raises(Problem) as refused:
        hours.check(plan)
    assert refused.value.zh
    assert refused.value.en


@pytest.mark.parametrize("plan", [{}, SHANGHAI, {**SHANGHAI, "days": {"2026-10-01": []}}])
def test_plans_are_taken(plan: Any) -> None:
    hours.check(plan)
