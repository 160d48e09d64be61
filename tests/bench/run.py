"""`make bench`, `python -m tests.bench.run [--quick] [--server daphne|uvicorn|both] [--seconds S]`.

Starts the fake provider and the whole platform in a temporary home, and compares what visitors get through it with
what they would get from the provider directly. Prints tables, writes var/reports/bench.json.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil

from tests.bench import report, usage
from tests.bench.report import Row, Target
from tests.bench.stack import (
    ROOT,
    TTFT_MS,
    BenchError,
    Generator,
    one_vendor,
    running_platform,
    running_provider,
)

REPORT = ROOT / "var" / "reports" / "bench.json"
QUIET_SECONDS = 10.0
TRAINING_SECONDS = 120.0
WARM_SOCKETS, IDLE_SOCKETS = 50, 200
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Measured:
    """Everything one run found out."""

    rows: list[Row] = field(default_factory=list)
    memory_mb: dict[str, dict[str, float]] = field(default_factory=dict)
    idle_cpu_ms: dict[str, dict[str, float]] = field(default_factory=dict)
    """CPU milliseconds per second of a platform that nobody uses."""
    targets: list[Target] = field(default_factory=list)
    start_seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shape:
    servers: tuple[str, ...]
    crowds: tuple[int, ...]
    seconds: float
    quiet_seconds: float


def main() -> int:
    shape = parse(sys.argv[1:])
    measured = Measured()
    say(describe_machine())
    try:
        with running_provider() as provider_url:
            for server in shape.servers:
                measure_server(server, provider_url, shape, measured)
    except BenchError as error:
        say(str(error))
        return 1
    print_tables(measured)
    write(measured, shape)
    return 0 if all(target.holds(target.now) for target in measured.targets) else 1


def parse(arguments: Sequence[str]) -> Shape:
    parser = argparse.ArgumentParser(prog="tests.bench.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one server, a few seconds per row")
    parser.add_argument("--server", choices=["daphne", "uvicorn", "both"])
    parser.add_argument("--seconds", type=float, help="of load per row (default 6, quick 3)")
    chosen = parser.parse_args(arguments)
    server = chosen.server or ("daphne" if chosen.quick else "both")
    return Shape(
        servers=("daphne", "uvicorn") if server == "both" else (server,),
        crowds=(1, 20, 50),
        seconds=chosen.seconds or (3.0 if chosen.quick else 6.0),
        quiet_seconds=3.0 if chosen.quick else QUIET_SECONDS,
    )


def describe_machine() -> str:
    memory_gb = psutil.virtual_memory().total / 1e9
    return (
        f"{os.cpu_count()} cores, {memory_gb:.0f} GB, load {os.getloadavg()[0]:.1f} before the run, "
        f"Python {platform.python_version()}; provider, load generator and platform share them.\n"
        "Absolute figures drift with the machine: the ratios to the direct stream of the same run count.\n"
    )


def measure_server(server: str, provider_url: str, shape: Shape, measured: Measured) -> None:
    say(f"{server}: starting the platform")
    with running_platform(server, environment=one_vendor(provider_url)) as platform:
        url, pid = platform.url, platform.pid
        measured.start_seconds[server] = round(platform.start_seconds, 1)
        check_answers(load("yingda", url, visitors=1, seconds=1))
        idle_mb = rest(server, pid, shape, measured)
        socket_kb = weigh_sockets(url, pid)
        rows: list[Row] = []
        for visitors in shape.crowds:
            say(f"{server}: {visitors} visitors")
            rows += direct_rows(server, provider_url, visitors, shape)
            direct = next(row for row in reversed(rows) if row.way == "direct")
            rows.append(measure_row(server, url, pid, visitors, shape.seconds, direct=direct))
    measured.rows += rows
    measured.memory_mb[f"{server}, {rows[-1].visitors} visitors"] = dict(rows[-1].pss_mb or {})
    measured.targets += report.targets(server, rows, idle_mb=idle_mb, socket_kb=socket_kb)


def check_answers(result: dict[str, Any]) -> None:
    """Raises BenchError unless the platform answers with the provider's stream."""
    first_ms = result["ttft_ms"]
    if result["failed"] or result["apologies"] or not first_ms or min(first_ms) < TTFT_MS:
        raise BenchError("the platform does not answer through the provider: nothing to measure")


def rest(server: str, pid: int, shape: Shape, measured: Measured) -> float:
    """Leaves the platform alone for a while; returns its memory then."""
    wait_until_trained(pid)
    before = usage.cpu_seconds(pid)
    time.sleep(shape.quiet_seconds)
    spent = difference_ms(usage.cpu_seconds(pid), before, per=shape.quiet_seconds)
    measured.idle_cpu_ms[server] = spent
    measured.memory_mb[f"{server}, idle"] = usage.pss_mb(pid)
    return sum(measured.memory_mb[f"{server}, idle"].values())


def wait_until_trained(pid: int) -> None:
    """A fresh installation trains its classifier at first: that is not what is measured."""
    deadline = time.monotonic() + TRAINING_SECONDS
    while time.monotonic() < deadline:
        before = usage.cpu_seconds(pid)["default"]
        time.sleep(2.0)
        if usage.cpu_seconds(pid)["default"] - before < 0.2:
            return


def weigh_sockets(url: str, pid: int) -> float:
    """Kilobytes of the web process per idle socket.

    A few sockets come first: what they leave behind is there before the others are weighed.
    """
    grown_mb = 0.0
    for sockets in (WARM_SOCKETS, WARM_SOCKETS + IDLE_SOCKETS):
        before_mb = usage.pss_mb(pid)["web"]
        with Generator("idle", url, visitors=sockets, seconds=0) as generator:
            generator.wait_warm()
            grown_mb = usage.pss_mb(pid)["web"] - before_mb
            generator.measure(at_most_seconds=PATIENCE_SECONDS)
    return max(0.0, grown_mb) * 1000 / IDLE_SOCKETS


def direct_rows(server: str, provider_url: str, visitors: int, shape: Shape) -> list[Row]:
    """The direct stream, right before the platform's turn; through the SDK in the first round only."""
    found = load("raw", provider_url, visitors=visitors, seconds=shape.seconds)
    rows = [report.row("direct", visitors, found)]
    if server == shape.servers[0]:
        found = load("sdk", provider_url, visitors=visitors, seconds=shape.seconds / 2)
        rows.append(report.row("direct, SDK", visitors, found))
    return rows


def measure_row(
    server: str, url: str, pid: int, visitors: int, seconds: float, *, direct: Row
) -> Row:
    with Generator("yingda", url, visitors=visitors, seconds=seconds) as generator:
        generator.wait_warm()
        before = usage.cpu_seconds(pid)
        result = json.loads(generator.measure(at_most_seconds=seconds + PATIENCE_SECONDS))
        spent = difference_ms(usage.cpu_seconds(pid), before, per=max(1, result["answers"]))
        pss_mb = usage.pss_mb(pid)
    return report.row(server, visitors, result, direct=direct, cpu_ms=spent, pss_mb=pss_mb)


def load(target: str, url: str, *, visitors: int, seconds: float) -> dict[str, Any]:
    with Generator(target, url, visitors=visitors, seconds=seconds) as generator:
        generator.wait_warm()
        result: dict[str, Any] = json.loads(
            generator.measure(at_most_seconds=seconds + PATIENCE_SECONDS)
        )
        return result


def difference_ms(
    after: dict[str, float], before: dict[str, float], *, per: float
) -> dict[str, float]:
    parts = {part: (after[part] - before.get(part, 0.0)) * 1000 / per for part in after}
    return {part: round(value, 2) for part, value in parts.items()}


def print_tables(measured: Measured) -> None:
    cpu_ms = {
        f"{row.way}, {row.visitors} visitors": row.cpu_ms for row in measured.rows if row.cpu_ms
    }
    for title, drawn in (
        ("Speed (milliseconds)", report.speed_table(measured.rows)),
        ("CPU milliseconds per turn", report.parts_table(cpu_ms)),
        ("CPU milliseconds per idle second", report.parts_table(measured.idle_cpu_ms)),
        ("Memory (PSS, megabytes)", report.parts_table(measured.memory_mb)),
        ("Targets", report.target_table(measured.targets)),
    ):
        print(f"\n{title}\n{drawn}")
    started = ", ".join(f"{name} {took:.1f}" for name, took in measured.start_seconds.items())
    print(f"\nSeconds from an empty home to ready: {started}")


def write(measured: Measured, shape: Shape) -> None:
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": describe_machine().splitlines()[0],
        "shape": asdict(shape),
        **asdict(measured),
    }
    REPORT.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    say(f"written to {REPORT.relative_to(ROOT)}")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
