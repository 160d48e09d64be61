"""Builds a page from its declaration: what has to be read for it, then figures, charts and tables of what was read."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from analytics import reading, standing
from analytics.asking import Asked
from analytics.figures import (
    Column,
    Figure,
    FilledTable,
    Row,
    cells,
    chart_columns,
    figure,
    value_of,
)
from analytics.metrics import METRICS, PERCENTILES, Metric
from analytics.naming import Names
from analytics.pages import Chart, Page, Table
from analytics.reading import Found, Question, Spread, Stats

# A row with a filter of its own; other dimensions have none in the address.
FILTERED = ("intent", "release", "model")


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """A chart as its page needs it: for the script, and as a table for everybody else."""

    id: str
    title: str
    kind: str
    days: list[str]
    columns: list[Column]

    @property
    def is_empty(self) -> bool:
        return not any(value for column in self.columns for value in column.values)

    @property
    def data(self) -> dict[str, Any]:
        series = [{"name": c.name, "unit": c.unit, "values": c.values} for c in self.columns]
        return {"kind": self.kind, "days": self.days, "series": series}

    @property
    def rows(self) -> list[tuple[str, list[float | None]]]:
        """Day by day, the latest first."""
        listed = [
            (day, [column.values[at] for column in self.columns])
            for at, day in enumerate(self.days)
        ]
        return listed[::-1]


@dataclass(frozen=True, slots=True)
class Built:
    """Everything a page shows of its question."""

    figures: list[Figure]
    charts: list[DrawnChart]
    tables: list[FilledTable]


def build(page: Page, asked: Asked, names: Names) -> Built:
    """Reads what the page declares and makes it showable."""
    question = asked.question
    found = read_days(page, question)
    spread = read_spread(page, question)
    return Built(
        figures=[figure(key, found, spread, question) for key in page.figures],
        charts=[drawn(chart, at, found, question) for at, chart in enumerate(page.charts)],
        tables=[
            *(standing.TABLES[name](question) for name in page.standing),
            *(filled(table, asked, names, spread) for table in page.tables),
        ],
    )


def read_days(page: Page, question: Question) -> dict[str, Found]:
    """Every family the figures and charts are of, day by day."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for key in (*page.figures, *(key for chart in page.charts for key in chart.metrics)):
        if key in METRICS:
            wanted[METRICS[key].family] |= METRICS[key].stats
    return {family: reading.by_day(question, family, stats) for family, stats in wanted.items()}


def read_spread(page: Page, question: Question) -> Spread | None:
    keys = [*page.figures, *(key for table in page.tables for key in table.metrics)]
    measures = {PERCENTILES[key].measure for key in keys if key in PERCENTILES}
    by_model = any(key in PERCENTILES for table in page.tables for key in table.metrics)
    return reading.spread(question, measures, by_model=by_model) if measures else None


def drawn(chart: Chart, at: int, found: dict[str, Found], question: Question) -> DrawnChart:
    return DrawnChart(
        id=f"chart-{at}",
        title=str(chart.title),
        kind=chart.kind,
        days=[day.isoformat() for day in question.period.each()],
        columns=chart_columns(chart.metrics, found, question),
    )


def filled(table: Table, asked: Asked, names: Names, spread: Spread | None) -> FilledTable:
    """The rows with most of the first metric; the turns of a conversation in their order."""
    metrics = [METRICS[key] for key in table.metrics if key in METRICS]
    stats = {name for metric in metrics for name in metric.stats}
    now, _ = reading.by_group(asked.question, table.family, table.dimension, stats)
    first = metrics[0]
    ordered = sorted(now, key=lambda value: (-(value_of(first, now[value]) or 0), value))
    if table.family in {"mood", "rated"}:
        ordered = sorted(now)
    most = max((value_of(first, each) or 0 for each in now.values()), default=0)
    rows = [
        as_row(table, value, now[value], asked, names, spread, first=first, most=most)
        for value in ordered[: table.most]
    ]
    return FilledTable(
        title=str(table.title),
        heading=str(table.heading),
        definitions=list(definitions(table.metrics)),
        rows=rows,
        more=max(0, len(ordered) - table.most),
        why_not="",
    )


def definitions(keys: Iterable[str]) -> Iterable[tuple[str, str]]:
    for key in keys:
        said = METRICS[key] if key in METRICS else PERCENTILES[key]
        yield str(said.name), str(said.definition)


def as_row(
    table: Table,
    value: str,
    stats: Stats,
    asked: Asked,
    names: Names,
    spread: Spread | None,
    *,
    first: Metric,
    most: float,
) -> Row:
    return Row(
        name=names.of(table, value),
        query=behind(table, value, asked),
        cells=cells(
            table.metrics, stats, spread, model=value if table.dimension == "model" else ""
        ),
        bar=round((value_of(first, stats) or 0) / most * 100, 1) if most else 0.0,
    )


def behind(table: Table, value: str, asked: Asked) -> str:
    """The query of the conversations a row is about; empty where the list cannot be asked for them."""
    if table.trait:
        return asked.query(trait=f"{table.trait}:{value}")
    if table.family == "conversation" and table.dimension in FILTERED and value:
        return asked.query(**{table.dimension: value})
    if table.dimension == "model" and value:
        return asked.query(trait=f"model:{value}")
    if table.family == "agent" and value:
        return asked.query(agent=value)
    return ""
