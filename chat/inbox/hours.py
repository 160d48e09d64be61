"""Business hours: a week of opening times in a time zone, with days that differ from it.

{"time_zone": "Asia/Shanghai", "week": {"mon": ["09:00-12:00", "13:00-18:00"]}, "days": {"2026-10-01": []}}; {} is
always open. A time that ends before it begins runs past midnight; "24:00" is the end of the day.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chat.inbox.problem import Problem

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = {
    "zh-CN": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "zh-TW": ("週一", "週二", "週三", "週四", "週五", "週六", "週日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
RANGES_MOST, DAYS_MOST = 6, 400
RANGE = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")
DAY_MINUTES = 24 * 60


def check(value: object) -> None:
    """Raises Problem unless `value` is a plan of business hours, or {} for always."""
    if value == {}:
        return
    if not isinstance(value, dict) or set(value) - {"time_zone", "week", "days"}:
        raise Problem("营业时间的格式有误。", "These are no business hours.")
    check_zone(value.get("time_zone"))
    week, days = value.get("week"), value.get("days", {})
    if not isinstance(week, dict) or set(week) - set(WEEK):
        raise Problem("请按星期填写营业时间。", "Give the hours by day of the week.")
    if not isinstance(days, dict) or len(days) > DAYS_MOST:
        raise Problem(f"特殊日期最多 {DAYS_MOST} 天。", f"At most {DAYS_MOST} special days.")
    for day in days:
        check_day(day)
    for ranges in (*week.values(), *days.values()):
        check_ranges(ranges)


def check_zone(name: object) -> None:
    try:
        if not isinstance(name, str) or not name:
            raise ZoneInfoNotFoundError
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Problem("没有这个时区。", "There is no such time zone.") from None


def check_day(day: object) -> None:
    try:
        date.fromisoformat(str(day))
    except ValueError:
        raise Problem(
            f"日期“{day}”有误，请写成 2026-10-01。", f"“{day}” is no date like 2026-10-01."
        ) from None


def check_ranges(ranges: object) -> None:
    if not isinstance(ranges, list) or len(ranges) > RANGES_MOST:
        raise Problem(f"一天最多 {RANGES_MOST} 段时间。", f"At most {RANGES_MOST} times a day.")
    for text in ranges:
        if not isinstance(text, str) or not RANGE.fullmatch(text):
            raise Problem(
                f"时间“{text}”有误，请写成 09:00-18:00。", f"“{text}” is no time like 09:00-18:00."
            )


def is_open(hours: Mapping[str, Any], *, at: datetime) -> bool:
    """Whether it is open at an aware moment. A night shift belongs to the day it began on."""
    if not hours:
        return True
    local = at.astimezone(ZoneInfo(hours["time_zone"]))
    minute = local.hour * 60 + local.minute
    today = ranges_of(hours, local.date())
    if any(begin <= minute < end for begin, end in today):
        return True
    yesterday = ranges_of(hours, local.date() - timedelta(days=1))
    return any(minute < end - DAY_MINUTES for _, end in yesterday)


def ranges_of(hours: Mapping[str, Any], day: date) -> list[tuple[int, int]]:
    """The opening times of a day in minutes from its midnight; past 1,440 they run into the next."""
    special = hours.get("days", {}).get(day.isoformat())
    texts = hours["week"].get(WEEK[day.weekday()], []) if special is None else special
    return [minutes(text) for text in texts]


def minutes(text: str) -> tuple[int, int]:
    begin, end = (
        int(hour) * 60 + int(minute)
        for hour, minute in (part.split(":") for part in text.split("-"))
    )
    return begin, end if end > begin else end + DAY_MINUTES


def as_text(hours: Mapping[str, Any], *, locale: str) -> str:
    """The week as a customer reads it: "周一至周五 09:00-18:00"; empty when it is always open."""
    if not hours:
        return ""
    names = DAY_NAMES.get(locale, DAY_NAMES["en"])
    to, comma = (" – ", ", ") if locale == "en" else ("至", "，")
    parts = []
    for first, last, ranges in runs(hours["week"]):
        days = names[first] if first == last else f"{names[first]}{to}{names[last]}"
        parts.append(f"{days} {' '.join(ranges)}")
    return f"{comma.join(parts)} ({hours['time_zone']})" if parts else ""


def runs(week: Mapping[str, list[str]]) -> list[tuple[int, int, list[str]]]:
    """Days in a row with the same hours: (first, last, hours). Closed days are left out."""
    found: list[tuple[int, int, list[str]]] = []
    for index, day in enumerate(WEEK):
        ranges = week.get(day) or []
        if not ranges:
            continue
        if found and found[-1][1] == index - 1 and found[-1][2] == ranges:
            found[-1] = (found[-1][0], index, ranges)
        else:
            found.append((index, index, ranges))
    return found
