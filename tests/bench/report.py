"""What the figures mean: medians, shares of the direct stream, targets met or missed. Pure; used by run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chat.replay.dialogues import percentile

FAULTS = ("failed", "lost", "duplicated", "gaps", "apologies")
PARTS = ("web", "turns", "default", "beat", "postgres", "redis", "supervisor")


@dataclass(frozen=True, slots=True)
class Row:
    """One way to the provider at one number of visitors."""

    way: str
    visitors: int
    answers: int
    answers_per_second: float
    ttft_ms_p50: float
    ttft_ms_p99: float
    final_ms_p50: float
    final_ms_p99: float
    faults: int = 0
    """Answers that failed, were lost or came twice, and gaps in seq."""
    frames_per_turn: float | None = None
    cpu_ms: Mapping[str, float] | None = None
    """CPU per turn by part."""
    pss_mb: Mapping[str, float] | None = None
    direct: "Row | None" = None
    """The direct stream just before, at the same number of visitors."""

    @property
    def added_ms(self) -> float | None:
        return None if self.direct is None else self.ttft_ms_p50 - self.direct.ttft_ms_p50

    @property
    def share(self) -> float | None:
        return (
            None
            if self.direct is None
            else self.answers_per_second / self.direct.answers_per_second
        )

    @property
    def cpu_ms_total(self) -> float | None:
        return None if self.cpu_ms is None else sum(self.cpu_ms.values())


def row(
    way: str, visitors: int, result: dict[str, Any], *, direct: Row | None = None, **more: Any
) -> Row:
    """A row from the JSON line of the load generator."""
    ttft_ms, final_ms = result["ttft_ms"], result["final_ms"]
    faults = sum(result.get(name, 0) for name in FAULTS)
    return Row(
        way=way,
        visitors=visitors,
        answers=result["answers"],
        answers_per_second=result["answers_per_second"],
        ttft_ms_p50=percentile(ttft_ms, 50) or 0.0,
        ttft_ms_p99=percentile(ttft_ms, 99) or 0.0,
        final_ms_p50=percentile(final_ms, 50) or 0.0,
        final_ms_p99=percentile(final_ms, 99) or 0.0,
        faults=faults,
        frames_per_turn=result.get("frames_per_turn"),
        direct=direct,
        **more,
    )


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    server: str
    value: float | None
    now: float
    goal: float
    at_least: bool = False

    def holds(self, bound: float) -> bool:
        if self.value is None:
            return False
        return self.value >= bound if self.at_least else self.value <= bound


def targets(server: str, rows: Sequence[Row], *, idle_mb: float, socket_kb: float) -> list[Target]:
    """The targets of one server, from its rows at 1 and at the most visitors."""
    ours = [row for row in rows if row.way == server]
    one, most = ours[0], ours[-1]
    direct_p99 = most.direct.final_ms_p99 if most.direct else 0.0
    loaded_mb = sum((most.pss_mb or {}).values())
    faults = float(sum(row.faults for row in ours))
    many = f"{most.visitors} visitors"
    return [
        Target("added ms to first token, 1 visitor, p50", server, one.added_ms, 25, 10),
        Target(f"answers/s of direct, {many}", server, most.share, 0.4, 0.6, at_least=True),
        Target(f"p99 to final of direct, {many}", server, most.final_ms_p99 / direct_p99, 3, 1.5),
        Target(f"CPU ms per turn, {many}", server, most.cpu_ms_total, 45, 25),
        Target("answers lost, doubled or failed", server, faults, 0, 0),
        Target("KB per idle socket", server, socket_kb, 60, 40),
        Target("MB of the stack, idle", server, idle_mb, 900, 500),
        Target(f"MB of the stack, {many}", server, loaded_mb, 1200, 700),
    ]


# --- plain text ---------------------------------------------------------------------------------------


def speed_table(rows: Iterable[Row]) -> str:
    head = (
        "visitors", "way", "answers/s", "of direct", "first p50", "p99", "added",
        "whole p50", "p99", "CPU ms/turn", "frames", "faults",
    )  # fmt: skip
    return table(head, [speed_cells(row) for row in rows])


def speed_cells(row: Row) -> tuple[str, ...]:
    return (
        str(row.visitors),
        row.way,
        shown(row.answers_per_second),
        shown(row.share, digits=2),
        shown(row.ttft_ms_p50),
        shown(row.ttft_ms_p99),
        shown(row.added_ms),
        shown(row.final_ms_p50),
        shown(row.final_ms_p99),
        shown(row.cpu_ms_total),
        shown(row.frames_per_turn),
        str(row.faults),
    )


def parts_table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """`figures` is {label: {part: number}}."""
    lines = [
        (label, *(shown(parts.get(part)) for part in PARTS), shown(sum(parts.values())))
        for label, parts in figures.items()
    ]
    return table(("", *PARTS, "all"), lines)


def target_table(found: Iterable[Target]) -> str:
    lines = [
        (
            target.name,
            target.server,
            shown(target.value, digits=2),
            f"{'≥' if target.at_least else '≤'} {target.now:g} {mark(target.holds(target.now))}",
            f"{'≥' if target.at_least else '≤'} {target.goal:g} {mark(target.holds(target.goal))}",
        )
        for target in found
    ]
    return table(("target", "server", "measured", "now", "goal"), lines)


def mark(holds: object) -> str:
    return "ok" if holds else "MISSED"


def shown(value: float | None, *, digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need, the first two to the left."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]

    def drawn(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([drawn(head), "  ".join("-" * width for width in widths), *map(drawn, lines)])
