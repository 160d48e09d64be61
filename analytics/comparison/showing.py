"""A comparison's table as people read it, for pages and as Markdown."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from analytics.comparison import differing, plan
from analytics.comparison.words import ENDED_BY, MEASURES, STATES, WHY, WORDS
from analytics.models import Comparison
from analytics.words import DEMO
from prompts.bilingual import pick

DASH = "—"
SHARES = {plan.IDIOMS, plan.TOOLS}
MILLISECONDS = {plan.FIRST_TOKEN, plan.LOAD}


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure as text: its value, its interval, and what else is to be said, each a line."""

    value: str
    interval: str = ""
    notes: tuple[str, ...] = ()
    # What another run found, and how this one differs: "better", "worse" or "".
    beside: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table: the endpoint, its price, and a figure a measure, named."""

    name: str
    model: str
    price: str
    since: str
    cells: tuple[tuple[str, Shown], ...]
    calls: int
    spent: str


def lines(row: Comparison, *, beside: Comparison | None = None) -> list[Line]:
    """The table's rows, with what another run found beside every figure."""
    others = {each["endpoint"]["name"]: each for each in beside.report} if beside else {}
    return [
        Line(
            name=entry["endpoint"]["name"],
            model=entry["endpoint"]["model"],
            price=price(entry["endpoint"]),
            since=entry["endpoint"]["price_since"],
            cells=tuple(
                (str(MEASURES[measure]), with_other(entry, measure, others))
                for measure in row.measures  # a JSON column forgets the order of keys
            ),
            calls=entry["calls"],
            spent=f"{entry['cost_cny']:.4f}",
        )
        for entry in row.report
    ]


def with_other(entry: dict[str, Any], measure: str, others: dict[str, dict[str, Any]]) -> Shown:
    mine = shown(measure, entry["cells"][measure])
    other = differing.beside(entry, measure, others)
    if other is None:
        return mine
    then = shown(measure, other.cell)
    said = f"{then.value} [{then.interval}]" if then.interval else then.value
    return replace(mine, beside=said, verdict=other.verdict)


def spent(row: Comparison) -> str:
    """What all endpoints of a run cost so far, in CNY."""
    return f"{sum(each['cost_cny'] for each in row.report):.4f}"


def price(endpoint: dict[str, Any]) -> str:
    """As "0.0008 / 0.002 CNY"."""
    if not (float(endpoint["price_in"]) or float(endpoint["price_out"])):
        return str(WORDS["no_price"])
    both = f"{float(endpoint['price_in']):g} / {float(endpoint['price_out']):g}"
    return f"{both} {endpoint['currency']}"


def shown(measure: str, cell: dict[str, Any]) -> Shown:
    if measure == plan.WINDOW:
        return window(cell)
    if cell["value"] is None:
        return Shown(DASH, notes=tuple(notes(measure, cell)))
    return Shown(
        text(measure, cell["value"]),
        interval(measure, cell["low"], cell["high"]),
        tuple(notes(measure, cell)),
    )


def text(measure: str, value: float) -> str:
    if measure in MILLISECONDS:
        return f"{value:,.0f} ms"
    return f"{value * 100:.0f} %" if measure in SHARES else f"{value:.2f}"


def interval(measure: str, low: float | None, high: float | None) -> str:
    """As "82–94"; an end the sample is too small for is a question mark."""
    scale, digits = (1.0, 0) if measure in MILLISECONDS else (100.0, 0)
    if measure == plan.EMOTIONS:
        scale, digits = 1.0, 2
    ends = ["?" if end is None else f"{end * scale:,.{digits}f}" for end in (low, high)]
    return "–".join(ends)


def notes(measure: str, cell: dict[str, Any]) -> Iterator[str]:
    if cell["of"]:
        yield f"n = {cell['n']} / {cell['of']}" if cell["n"] < cell["of"] else f"n = {cell['n']}"
    if measure == plan.LOAD and cell["success"]["value"] is not None:
        success = cell["success"]
        ends = interval(plan.IDIOMS, success["low"], success["high"])
        yield f"{WORDS['answered']} {text(plan.IDIOMS, success['value'])} ({ends})"
        if cell["p50"]["value"] is not None:
            yield f"{WORDS['median']} {text(plan.LOAD, cell['p50']['value'])}"
    if cell["why"]:
        yield str(WHY.get(cell["why"], cell["why"]))


def window(cell: dict[str, Any]) -> Shown:
    declared = cell["declared"]
    said = f"{WORDS['declared']} {declared:,}" if declared else str(WORDS["undeclared"])
    why = [str(WHY.get(cell["why"], cell["why"]))] if cell["why"] else []
    if cell["value"] is None:
        return Shown(DASH, notes=(said, *why))
    if cell["high"] is None:
        return Shown(
            f"{WORDS['at_least']} {cell['value']:,}", notes=(said, f"n = {cell['n']}", *why)
        )
    if not cell["value"]:
        return Shown(f"{WORDS['below']} {cell['high']:,}", notes=(said, f"n = {cell['n']}", *why))
    ends = f"{cell['value']:,}–{cell['high']:,}"
    return Shown(f"{cell['value']:,}", ends, (said, f"n = {cell['n']}", *why))


def is_demo(row: Comparison) -> bool:
    """Whether the demo provider played one of the endpoints; unknown of runs from before this was kept."""
    return any(each.get("demo") for each in row.endpoints)


def state(row: Comparison) -> str:
    """As "Partial: the calls it might make are made"."""
    said = str(STATES[row.state])
    return f"{said}{pick('：', ': ')}{ENDED_BY[row.why]}" if row.why else said


def markdown(row: Comparison) -> str:
    """The table with a heading that says when it was made, of how much, and whether it is whole."""
    measures = [str(MEASURES[measure]) for measure in row.measures]
    head = [str(WORDS["endpoint"]), str(WORDS["price"]), *measures, str(WORDS["spent"])]
    found = [
        f"**#{row.pk}** {row.created_at:%Y-%m-%d %H:%M} UTC · {state(row)} · seed {row.options['seed']}",
        *(["", f"*{DEMO}*"] if is_demo(row) else []),
        "",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
    ]
    for line in lines(row):
        cells = [in_one_line(cell) for _, cell in line.cells]
        first = f"{line.name} ({line.model})".replace("|", "\\|")
        since = f" ({line.since})" if line.since else ""
        found.append(f"| {' | '.join([first, line.price + since, *cells, line.spent])} |")
    return "\n".join(found)


def in_one_line(cell: Shown) -> str:
    parts = [cell.value, f"({cell.interval})" if cell.interval else ""]
    return " ".join([*filter(None, parts), *(f"· {note}" for note in cell.notes)])


def as_object(row: Comparison) -> dict[str, Any]:
    """Everything of a run as plain values, for machines."""
    return {
        "id": row.pk,
        "state": row.state,
        "why": row.why,
        "created_at": row.created_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
        "options": row.options,
        "max_calls": row.max_calls,
        "max_cny": None if row.max_cny is None else float(row.max_cny),
        "endpoints": row.report,
    }
