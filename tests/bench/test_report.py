"""The arithmetic of the bench: what is added, what share, which target holds."""

from tests.bench import report

DIRECT = {
    "answers": 100,
    "answers_per_second": 90.0,
    "ttft_ms": [200.0, 202.0, 210.0],
    "final_ms": [500.0, 505.0, 520.0],
}
OURS = {
    **DIRECT,
    "answers_per_second": 45.0,
    "ttft_ms": [210.0, 215.0, 400.0],
    "final_ms": [510.0, 600.0, 1300.0],
    "failed": 1,
    "lost": 2,
}


def rows() -> list[report.Row]:
    direct = report.row("direct", 50, DIRECT)
    ours = report.row(
        "daphne",
        50,
        OURS,
        direct=direct,
        cpu_ms={"web": 10.0, "turns": 20.0},
        pss_mb={"web": 800.0},
    )
    return [direct, ours]


def test_row_compares_with_the_direct_stream() -> None:
    direct, ours = rows()
    assert (direct.added_ms, direct.share) == (None, None)
    assert (ours.added_ms, ours.share, ours.cpu_ms_total, ours.faults) == (13.0, 0.5, 30.0, 3)


def test_targets_hold_or_not() -> None:
    found = report.targets("daphne", rows(), idle_mb=901.0, socket_kb=41.0)
    held = {target.name: (target.holds(target.now), target.holds(target.goal)) for target in found}
    assert held == {
        "added ms to first token, 1 visitor, p50": (True, False),
        "answers/s of direct, 50 visitors": (True, False),
        "p99 to final of direct, 50 visitors": (True, False),
        "CPU ms per turn, 50 visitors": (True, False),
        "answers lost, doubled or failed": (False, False),
        "KB per idle socket": (True, False),
        "MB of the stack, idle": (False, False),
        "MB of the stack, 50 visitors": (True, False),
    }


def test_tables_line_up() -> None:
    drawn = report.speed_table(rows()).splitlines()
    assert len({len(line) for line in drawn}) == 1
    assert "0.50" in drawn[-1]
    assert "MISSED" in report.target_table(
        report.targets("daphne", rows(), idle_mb=1.0, socket_kb=1.0)
    )
