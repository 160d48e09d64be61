"""`make bench-gateway`, `python -m tests.bench.gateway [--quick] [--providers openai,…]`.

What one call through prompts.llm.gateway costs over the vendor's SDK and over raw HTTP, in one process with threads,
against the fake provider in a process of its own and a real Redis. Prints a table, writes var/reports/gateway.json.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from chat.replay.dialogues import percentile
from config import embedded
from prompts.llm.catalogue import Endpoint
from tests.bench.report import mark, shown, table
from tests.bench.run import describe_machine, say
from tests.bench.stack import ROOT, running_provider, three_vendors
from tests.bench.ways import WIRES, Ask, ways_of

REPORT = ROOT / "var" / "reports" / "gateway.json"
MOST_CPU_MS, MOST_ADDED_MS = 2.0, 4.0
BASES = ("SDK", "raw")
OURS = "gateway"
SPREAD_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Shape:
    """`calls` of one round by how many are made at once."""

    providers: tuple[str, ...]
    calls: Mapping[int, int]
    rounds: int


@dataclass(slots=True)
class Cell:
    """One way to one provider with so many calls at once; milliseconds."""

    provider: str
    at_once: int
    way: str
    first_ms: list[float] = field(default_factory=list)
    total_ms: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    """Of this process alone."""

    @property
    def calls(self) -> int:
        return len(self.total_ms)

    @property
    def cpu_ms(self) -> float:
        return self.cpu_seconds * 1000 / self.calls

    def at(self, percent: float) -> tuple[float, float]:
        """The percentiles of first token and total."""
        first, total = (
            percentile(sorted(times), percent) for times in (self.first_ms, self.total_ms)
        )
        return first or 0.0, total or 0.0


@dataclass(frozen=True, slots=True)
class Added:
    """What a way adds to another one; medians, milliseconds."""

    provider: str
    at_once: int
    way: str
    over: str
    first_ms: float
    total_ms: float
    cpu_ms: float

    @property
    def holds(self) -> bool:
        return self.cpu_ms <= MOST_CPU_MS and max(self.first_ms, self.total_ms) <= MOST_ADDED_MS


def main() -> int:
    shape = parse(sys.argv[1:])
    say(describe_machine())
    with surroundings() as environment:
        cells = [cell for endpoint in endpoints(environment) for cell in measure(endpoint, shape)]
    added = list(compare(cells))
    print(f"\nMilliseconds of a call\n{cell_table(cells)}")
    print(f"\nWhat it adds\n{added_table(added)}")
    write(cells, added)
    return 0 if all(each.holds for each in added if each.way == OURS) else 1


def parse(arguments: Sequence[str]) -> Shape:
    parser = argparse.ArgumentParser(prog="tests.bench.gateway", description=__doc__)
    names = [wire.name for wire in WIRES]
    parser.add_argument("--quick", action="store_true", help="fewer calls")
    parser.add_argument("--providers", default=",".join(names))
    chosen = parser.parse_args(arguments)
    calls = {1: 5, 50: 150} if chosen.quick else {1: 10, 50: 250}
    providers = tuple(name for name in names if name in chosen.providers.split(","))
    return Shape(providers, calls, rounds=2 if chosen.quick else 4)


@contextmanager
def surroundings() -> Iterator[dict[str, str]]:
    """The fake provider and a Redis, each in a process of its own; gives the vendors' addresses."""
    with tempfile.TemporaryDirectory(prefix="yingda-bench-") as home, running_provider() as url:
        os.environ.update(DJANGO_SETTINGS_MODULE="config.settings", YINGDA_HOME=home)
        with embedded.services(Path(home)):
            yield three_vendors(url)


def endpoints(environment: Mapping[str, str]) -> list[Endpoint]:
    return [
        Endpoint(
            name=wire.name,
            provider=wire.name,
            model="bench",
            base_url=environment[f"{wire.name.upper()}_BASE_URL"],
            api_key="demo",
        )
        for wire in WIRES
    ]


def measure(endpoint: Endpoint, shape: Shape) -> list[Cell]:
    """The ways in turn, several rounds over, so that a machine that slows down slows all of them."""
    if endpoint.provider not in shape.providers:
        return []
    wire = next(wire for wire in WIRES if wire.name == endpoint.provider)
    ways = ways_of(wire, endpoint)
    cells = {}
    for at_once, calls in shape.calls.items():
        say(f"{endpoint.name}: {at_once} at once")
        for name, ask in ways.items():
            cells[at_once, name] = Cell(endpoint.name, at_once, name)
            run(ask, at_once=at_once, calls=at_once)  # opens the connections
        for turn in range(shape.rounds):
            for name in rotated(list(ways), by=turn):
                take(cells[at_once, name], ways[name], calls=calls)
    return list(cells.values())


def rotated(names: list[str], *, by: int) -> list[str]:
    by %= len(names)
    return names[by:] + names[:by]


def take(cell: Cell, ask: Ask, *, calls: int) -> None:
    before = time.process_time()
    found = run(ask, at_once=cell.at_once, calls=calls)
    cell.cpu_seconds += time.process_time() - before
    cell.first_ms += [first for first, _ in found]
    cell.total_ms += [total for _, total in found]


def run(ask: Ask, *, at_once: int, calls: int) -> list[tuple[float, float]]:
    """`calls` calls by `at_once` threads that do not begin in step."""
    numbers = itertools.count()
    lock = threading.Lock()

    def worker(place: int) -> list[tuple[float, float]]:
        time.sleep(place * 37 % 50 / 50 * SPREAD_SECONDS)
        found: list[tuple[float, float]] = []
        while True:
            with lock:
                if next(numbers) >= calls:
                    return found
            found.append(ask())

    with ThreadPoolExecutor(at_once) as pool:
        return [each for found in pool.map(worker, range(at_once)) for each in found]


# --- what it means -----------------------------------------------------------------------------------


def compare(cells: Sequence[Cell]) -> Iterator[Added]:
    by_place = {(cell.provider, cell.at_once, cell.way): cell for cell in cells}
    for cell in cells:
        if cell.way.startswith(OURS):
            for base in BASES:
                yield added(cell, by_place[cell.provider, cell.at_once, base])


def added(cell: Cell, base: Cell) -> Added:
    (first, total), (base_first, base_total) = cell.at(50), base.at(50)
    return Added(
        cell.provider,
        cell.at_once,
        cell.way,
        over=base.way,
        first_ms=round(first - base_first, 2),
        total_ms=round(total - base_total, 2),
        cpu_ms=round(cell.cpu_ms - base.cpu_ms, 2),
    )


def cell_table(cells: Sequence[Cell]) -> str:
    head = ("provider", "way", "at once", "calls", "first p50", "p99", "total p50", "p99", "CPU")
    lines = [
        (
            cell.provider,
            cell.way,
            str(cell.at_once),
            str(cell.calls),
            shown(cell.at(50)[0]),
            shown(cell.at(99)[0]),
            shown(cell.at(50)[1]),
            shown(cell.at(99)[1]),
            shown(cell.cpu_ms, digits=2),
        )
        for cell in cells
    ]
    return table(head, lines)


def added_table(found: Sequence[Added]) -> str:
    head = ("provider", "way", "over", "at once", "first p50", "total p50", "CPU", "target")
    lines = [
        (
            each.provider,
            each.way,
            each.over,
            str(each.at_once),
            shown(each.first_ms),
            shown(each.total_ms),
            shown(each.cpu_ms, digits=2),
            mark(each.holds),
        )
        for each in found
    ]
    return table(head, lines)


def write(cells: Sequence[Cell], found: Sequence[Added]) -> None:
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": describe_machine().splitlines()[0],
        "cells": [{**asdict(cell), "cpu_ms": cell.cpu_ms} for cell in cells],
        "added": [{**asdict(each), "holds": each.holds} for each in found],
    }
    REPORT.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    say(f"written to {REPORT.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
