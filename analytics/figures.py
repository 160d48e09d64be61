"""Turns sums into what a page shows: figures with their change, charts day by day, tables. Pure but for words."""

from collections.abc import Mapping
from dataclasses import dataclass

from analytics.metrics import METRICS, PERCENTILES, Metric, Percentile
from analytics.reading import Found, Question, Spread, Stats
from prompts.bilingual import pick

NO_BREAK = "\u00a0"
DASH = "—"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with everything that is said of it."""

    key: str
    name: str
    definition: str
    text: str
    # What it was in the period before, and how it changed, as "+4.2%"; empty: nothing to compare with.
    before: str
    change: str
    tone: str
    # The query of the conversations behind it; empty: there are none to show.
    trait: str
    # Why there is no number.
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A series of a chart."""

    name: str
    values: list[float | None]
    unit: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; `query` leads to the conversations behind it, or is empty."""

    name: str
    query: str
    cells: list[tuple[str, str]]
    # Of the largest first number of the table, 0 to 100.
    bar: float


@dataclass(frozen=True, slots=True)
class FilledTable:
    """A table; `why_not` says why it has no rows it has no rows."""

    title: str
    heading: str
    definitions: list[tuple[str, str]]
    rows: list[Row]
    more: int
    why_not: str


def value_of(metric: Metric, stats: Stats | Mapping[str, int]) -> float | None:
    """The number; None where nothing could be divided."""
    part = stats.get(metric.part, 0) / metric.scale
    if not metric.whole:
        return part
    whole = stats.get(metric.whole, 0)
    return part / whole if whole else None


def figure(
    key: str, found: Mapping[str, Found], spread: Spread | None, question: Question
) -> Figure:
    """A metric or percentile of the period beside the one before."""
    said: Metric | Percentile = METRICS[key] if key in METRICS else PERCENTILES[key]
    unit: str
    better: str
    if isinstance(said, Percentile):
        unsplit = sorted(question.filters)
        now, before = (
            spread.percentile(said.measure, said.share, now=side) if spread else None
            for side in (True, False)
        )
        unit, better = "ms", "down"
    else:
        unsplit = question.unsplit(said.family)
        now, before = (
            value_of(said, side) for side in (found[said.family].now, found[said.family].before)
        )
        unit, better = said.unit, said.better
    if unsplit:
        now = before = None
    change, tone = changed(now, before, unit=unit, better=better)
    return Figure(
        key=key,
        name=str(said.name),
        definition=str(said.definition),
        text=as_text(now, unit),
        before=as_text(before, unit),
        change=change,
        tone=tone,
        trait=said.trait,
        why_not=not_split(unsplit) if unsplit else "",
    )


FILTERS = {
    "channel": ("渠道", "channel"),
    "tier": ("客户等级", "tier"),
    "intent": ("意图", "intent"),
    "release": ("发布", "release"),
    "model": ("模型", "model"),
}


def not_split(unsplit: list[str]) -> str:
    names_zh = "、".join(FILTERS[name][0] for name in unsplit)
    names_en = ", ".join(FILTERS[name][1] for name in unsplit)
    return pick(f"这个数字不按{names_zh}区分。", f"This figure is not split by {names_en}.")


def as_text(value: float | None, unit: str) -> str:
    """A number as people read it: "1,204", "38.2%", "¥0.0123", "2.41 s"."""
    if value is None:
        return DASH
    if unit == "percent":
        return f"{value * 100:.1f}%"
    if unit == "money":
        return f"¥{value:,.2f}" if abs(value) >= 1 or not value else f"¥{value:.4f}"
    if unit == "ms":
        return as_duration(value)
    return f"{value:,.0f}" if unit == "count" else f"{value:,.2f}"


def as_duration(milliseconds: float) -> str:
    if milliseconds < 1000:
        return f"{milliseconds:.0f}{NO_BREAK}ms"
    seconds = milliseconds / 1000
    if seconds < 120:
        return f"{seconds:.{2 if seconds < 10 else 1}f}{NO_BREAK}s"
    minutes = seconds / 60
    return f"{minutes:.1f}{NO_BREAK}min" if minutes < 120 else f"{minutes / 60:.1f}{NO_BREAK}h"


def changed(now: float | None, before: float | None, *, unit: str, better: str) -> tuple[str, str]:
    """The change in words, and whether it is "good", "bad" or neither."""
    if now is None or before is None or (unit != "percent" and not before):
        return "", ""
    step = now - before if unit == "percent" else now / before - 1
    text = f"{step * 100:+.1f}" + (pick(" 个百分点", " points") if unit == "percent" else "%")
    if not better or abs(step) < 0.0005:
        return text, ""
    return text, "good" if (step > 0) == (better == "up") else "bad"


def chart_columns(
    keys: tuple[str, ...], found: Mapping[str, Found], question: Question
) -> list[Column]:
    """The series of a chart; days without anything count as nothing, and have no rate."""
    columns = []
    for key in keys:
        metric = METRICS[key]
        days = found[metric.family].days
        values = [value_of(metric, days.get(day, {})) for day in question.period.each()]
        if question.unsplit(metric.family):
            continue
        shown = [
            None if v is None else round(v * 100, 2) if metric.unit == "percent" else round(v, 4)
            for v in values
        ]
        columns.append(Column(str(metric.name), shown, metric.unit))
    return columns


def cells(
    keys: tuple[str, ...], stats: Stats, spread: Spread | None, *, model: str
) -> list[tuple[str, str]]:
    """(heading, text) of a row of a table."""
    shown = []
    for key in keys:
        if key in METRICS:
            metric = METRICS[key]
            shown.append((str(metric.name), as_text(value_of(metric, stats), metric.unit)))
        else:
            said = PERCENTILES[key]
            value = spread.percentile(said.measure, said.share, model=model) if spread else None
            shown.append((str(said.name), as_text(value, "ms")))
    return shown
