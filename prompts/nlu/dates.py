"""Days, weeks and months that customers name, as ISO 8601 by today's date. Used by prompts.nlu.slots.

A day is 2026-01-31, a week 2026-W05, a month 2026-01. Plain Python, no state.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

NUMERALS = "零一二三四五六七八九"
NUMERAL = "[0-9零一二两三四五六七八九十]"
DAYS_ZH = {
    "大前": -3, "前": -2, "昨": -1, "今": 0, "明": 1, "后": 2, "大后": 3,
}  # fmt: skip
DAYS_EN = {"today": 0, "tonight": 0, "yesterday": -1, "tomorrow": 1, "day before yesterday": -2}
NUMBERS_EN = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "a couple of": 2, "couple of": 2,
}  # fmt: skip
WEEKDAYS_ZH = {**{c: i for i, c in enumerate("一二三四五六日")}, "天": 6, "末": 5}
WEEKDAYS_EN = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS_EN = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
SHIFTS = {"上": -1, "last": -1, "past": -1, "previous": -1, "下": 1, "next": 1}
YEARS = {"去年": -1, "今年": 0, "明年": 1}

MONTH = rf"(?P<month>{'|'.join(MONTHS_EN)})[a-z]*\.?"
ORDINAL = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"

Reader = tuple[Iterable[str], re.Pattern[str], Callable[[re.Match[str], date], str], bool]


@dataclass(frozen=True, slots=True)
class Day:
    """`value` said at [start, end); uncertain where the words leave the year or the week open."""

    value: str
    start: int
    end: int
    certain: bool


def find(text: str, *, today: date) -> list[Day]:
    """What `text` names, in reading order, without overlaps; half-width digits expected."""
    found: list[Day] = []
    taken = bytearray(len(text))
    lowered = text.lower()
    for hints, pattern, read, certain in READERS:
        if not any(hint in lowered for hint in hints):
            continue
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(taken[start:end]):
                continue
            # Also a day that does not exist: the 30th of February is no 30th of another month.
            taken[start:end] = b"\1" * (end - start)
            value = read_or_none(read, match, today)
            if value:
                found.append(Day(value, start, end, certain))
    return sorted(found, key=lambda day: day.start)


def span(value: str) -> tuple[date, date]:
    """First and last day of an ISO day, week or month. Raises ValueError on anything else."""
    if "W" in value:
        first = date.fromisoformat(f"{value}-1")
        return first, first + timedelta(days=6)
    if len(value) == len("2026-01"):
        first = date.fromisoformat(f"{value}-01")
        return first, month_shifted(first, 1) - timedelta(days=1)
    day = date.fromisoformat(value)
    return day, day


def read_or_none(
    read: Callable[[re.Match[str], date], str], match: re.Match[str], today: date
) -> str | None:
    try:
        return read(match, today)
    except (ValueError, OverflowError, KeyError):
        return None


def number(word: str) -> int:
    """3, 三, 十一, 二十三, two. Raises ValueError or KeyError."""
    if word.isascii():
        return int(word) if word.isdigit() else NUMBERS_EN[" ".join(word.lower().split())]
    word = word.replace("两", "二")
    if "十" in word:
        tens, ones = word.split("十")
        return (number(tens) if tens else 1) * 10 + (number(ones) if ones else 0)
    return int("".join(c if c.isdigit() else str(NUMERALS.index(c)) for c in word))


def relative_zh(match: re.Match[str], today: date) -> str:
    return (today + timedelta(days=DAYS_ZH[match["day"]])).isoformat()


def relative_en(match: re.Match[str], today: date) -> str:
    word = " ".join(match["day"].lower().split())
    return (today + timedelta(days=DAYS_EN[word])).isoformat()


def counted(match: re.Match[str], today: date) -> str:
    """3天前, 两周后, 3 days ago, in 2 weeks."""
    many, unit = number(match["n"]), match["unit"].lower()
    sign = 1 if match["after"] else -1
    if unit.startswith(("月", "month")):
        return month_shifted(today, sign * many).isoformat()
    days = many if unit.startswith(("天", "日", "day")) else many * 7
    return (today + timedelta(days=sign * days)).isoformat()


def weekly(match: re.Match[str], today: date) -> str:
    """上周三, 上上周, 下周一, last Friday, next week."""
    which = match["which"].lower()
    shift = -len(which) if which.startswith("上") else SHIFTS.get(which, 0)
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=shift)
    if not match["weekday"]:
        year, week, _ = monday.isocalendar()
        return f"{year}-W{week:02}"
    day = monday + timedelta(days=weekday(match["weekday"]))
    if which in ("last", "past", "previous"):
        # Said on a Friday, "last Wednesday" is the one before this day, be it this week's or not.
        day = today - timedelta(days=(today.weekday() - weekday(match["weekday"]) - 1) % 7 + 1)
    return day.isoformat()


def latest_weekday(match: re.Match[str], today: date) -> str:
    behind = (today.weekday() - weekday(match["weekday"])) % 7
    return (today - timedelta(days=behind)).isoformat()


def weekday(word: str) -> int:
    word = word.lower()
    if word.isascii() and word.isalpha():
        return WEEKDAYS_EN.index(word)
    return int(word) - 1 if word.isdigit() else WEEKDAYS_ZH[word]


def monthly(match: re.Match[str], today: date) -> str:
    shift = SHIFTS.get(match["which"].lower(), 0)
    return month_shifted(today.replace(day=1), shift).isoformat()[:7]


def month_shifted(day: date, months: int) -> date:
    """The same day `months` later, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def in_year(match: re.Match[str], today: date) -> str:
    """11月3号, 去年11月3日, 2026-01-31: without a year the nearest."""
    year, month, day = match["year"], number(match["month"]), number(match["day"])
    if year in YEARS:
        return date(today.year + YEARS[year], month, day).isoformat()
    return (date(int(year), month, day) if year else nearest(month, day, today)).isoformat()


def in_year_en(match: re.Match[str], today: date) -> str:
    if match["month"] == "may" and match[0][-1].isdigit():
        raise ValueError("the verb, as far as one can tell")
    month, day = MONTHS_EN.index(match["month"].lower()) + 1, int(match["day"])
    year = match["year"]
    return (date(int(year), month, day) if year else nearest(month, day, today)).isoformat()


def in_month(match: re.Match[str], today: date) -> str:
    """3号: the latest that has been, since customers mostly speak of what they bought."""
    day = number(match["day"])
    base = today if day <= today.day else month_shifted(today.replace(day=1), -1)
    return base.replace(day=day).isoformat()


SHOPPING_DAYS = {
    "双十一": (11, 11), "双11": (11, 11), "双十二": (12, 12), "双12": (12, 12), "618": (6, 18), "六一八": (6, 18),
    "元旦": (1, 1), "国庆": (10, 1),
}  # fmt: skip


BOUGHT = ("买", "拍", "下")


def shopping_day(match: re.Match[str], today: date) -> str:
    month, day = SHOPPING_DAYS[match[0]]
    found = nearest(month, day, today)
    bought = match.string[match.end() : match.end() + 1] in BOUGHT
    return (found.replace(year=found.year - 1) if bought and found > today else found).isoformat()


def nearest(month: int, day: int, today: date) -> date:
    found = []
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            found.append(date(year, month, day))
        except ValueError:
            continue
    if not found:
        raise ValueError("no such day")
    return min(found, key=lambda each: abs(each - today))


def readers() -> Iterator[Reader]:
    """Patterns in order of trust: what an earlier one took, a later one leaves alone.

    Hints, one of which the lower-case text must have, spare most texts most patterns.
    """
    compiled = partial(re.compile, flags=re.IGNORECASE)
    weekdays = "|".join(WEEKDAYS_EN)
    words = "|".join(sorted(DAYS_EN, key=len, reverse=True))
    numbers = "|".join(sorted(NUMBERS_EN, key=len, reverse=True))
    whole = r"(?<![\d.])(?P<year>\d{4})(?:[-/.]|年)(?P<month>\d{1,2})(?:[-/.]|月)(?P<day>\d{1,2})[日号]?(?![\d.])"
    yield ("-", "/", ".", "年"), compiled(whole), in_year, True
    month_day = rf"(?P<year>去年|今年|明年)?的?(?<!\d)(?P<month>{NUMERAL}{{1,3}})月(?P<day>{NUMERAL}{{1,3}})[日号]?(?!\d)"
    yield ("月",), compiled(month_day), in_year, True
    near = r"(?P<day>大前|大后|前|昨|今|明|后)(?:天|日|晚|早)"
    yield ("天", "日", "晚", "早"), compiled(near), relative_zh, True
    yield (
        ("day", "night", "tomorrow"),
        compiled(rf"\b(?:the )?(?P<day>{words})\b"),
        relative_en,
        True,
    )
    ago_zh = rf"(?P<n>{NUMERAL}{{1,3}})个?(?P<unit>天|日|周|星期|礼拜|月)(?:之|以)?(?:前|(?P<after>后))(?!天)"
    yield ("前", "后"), compiled(ago_zh), counted, True
    ago_en = rf"\b(?P<n>\d{{1,3}}|{numbers}) (?P<unit>day|week|month)s? (?:ago|earlier|(?P<after>from now|later))\b"
    yield ("ago", "earlier", "from now", "later"), compiled(ago_en), counted, True
    week_zh = r"(?P<which>上+|这|本|下)个?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天末1-7])?"
    yield ("周", "星期", "礼拜"), compiled(week_zh), weekly, True
    week_en = rf"\b(?P<which>last|past|previous|this|next) (?:week\b|(?P<weekday>{weekdays})\b)"
    yield ("week", "day"), compiled(week_en), weekly, True
    yield ("月",), compiled(r"(?P<which>上|这|本|下)个?月(?!\d)"), monthly, True
    yield ("month",), compiled(r"\b(?P<which>last|this|next) month\b"), monthly, True
    named = rf"\b{MONTH} {ORDINAL}\b(?:,? (?P<year>\d{{4}}))?(?![\d:])"
    yield MONTHS_EN, compiled(named), in_year_en, True
    turned = rf"\b{ORDINAL} (?:of )?{MONTH}(?![a-z])(?:,? (?P<year>\d{{4}}))?"
    yield MONTHS_EN, compiled(turned), in_year_en, True
    yield ("双",), re.compile("双(?:十一|11|十二|12)(?!月)"), shopping_day, False
    fests = "(?<![0-9.])618(?=[买拍下那时活大期的])|六一八|元旦|国庆(?=[节买拍下那时前后的])"
    yield ("618", "六一八", "元旦", "国庆"), re.compile(fests), shopping_day, False
    weekday_zh = r"(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])"
    yield ("周", "星期", "礼拜"), compiled(weekday_zh), latest_weekday, False
    yield ("on ",), compiled(rf"\bon (?P<weekday>{weekdays})\b"), latest_weekday, False
    short = r"(?<![\d/.:-])(?P<year>(?!))?(?P<month>\d{1,2})/(?P<day>\d{1,2})(?![\d/.:-])"
    yield ("/",), compiled(short), in_year, False
    bare = r"(?<![\d.a-zA-Z第])(?P<day>\d{1,2})号(?![楼店线院门机码柜]|公馆)"
    yield ("号",), re.compile(bare), in_month, False


READERS = tuple(readers())
