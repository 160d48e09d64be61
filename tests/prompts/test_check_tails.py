"""`check_tails` says whether the endings of order numbers can be used as buckets."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command


def checked(path: Path | str) -> tuple[str, dict[str, Any]]:
    out = io.StringIO()
    call_command("check_tails", str(path), stdout=out)
    text, _, line = out.getvalue().rstrip("\n").rpartition("\n")
    return text, json.loads(line)


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_consecutive_numbers_are_uniform(tmp_path: Path) -> None:
    text, report = checked(write(tmp_path / "orders", [f"SF{at:08d}" for at in range(1000)]))

    assert (report["verdict"], report["n"], report["p_value"]) == ("uniform", 1000, 1.0)
    assert report["counts"] == [10] * 100
    assert "verdict         uniform" in text


def test_a_channel_in_the_ending_is_found(tmp_path: Path) -> None:
    rows = [f"{at:06d}01" if at % 4 == 0 else f"{at:08d}" for at in range(2000)]

    text, report = checked(write(tmp_path / "orders", rows))

    assert report["verdict"] == "uneven"
    assert report["p_value"] < 1e-6
    # 500 of their own, and the fifteen hundred others' share.
    assert report["worst"][0]["tail"] == 1
    assert report["worst"][0]["count"] == rows_ending(rows, "01")
    assert "uneven: the endings carry something" in text
    assert text.splitlines()[7].startswith("01")


def rows_ending(rows: list[str], tail: str) -> int:
    return sum(row.endswith(tail) for row in rows)


def test_json_lines_and_what_has_no_tail_are_read(tmp_path: Path) -> None:
    rows = ['{"order_number": "A-17", "total": 5}', '{"order_number": 99}', "", "5", "x"]

    _, report = checked(write(tmp_path / "orders.jsonl", rows))

    assert (report["n"], report["skipped"], report["verdict"]) == (2, 2, "too_few")
    assert report["counts"][17] == report["counts"][99] == 1


def test_numbers_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1042\n1043\n"))
    assert checked("-")[1]["n"] == 2


def test_nothing_is_too_few(tmp_path: Path) -> None:
    text, report = checked(write(tmp_path / "orders", []))
    assert (report["n"], report["verdict"]) == (0, "too_few")
    assert "at least 500" in text


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("{", r"orders:2: not JSON"),
        ('{"number": "1"}', r'orders:2: "order_number" must be'),
        ('{"order_number": true}', r'orders:2: "order_number" must be'),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        checked(write(tmp_path / "orders", ["1042", row]))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="missing"):
        checked(tmp_path / "missing")
