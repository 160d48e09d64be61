"""`evaluate_nlu` trains on one file, scores on another, and says what is not there."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.prompts.nlu.examples import examples

TEST = [
    {"text": "快递几号送到呀", "intent": "logistics"},
    {"text": "这个能退货吗", "intent": "return"},
    {"text": "怎样开发票", "label": "invoice"},
    {"text": "量子力学怎么学", "intent": "other"},
]


def write(path: Path, rows: list[Any]) -> str:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n")
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    rows = [{"text": e.text, "intent": e.intent} for e in examples()]
    return {
        "train": write(tmp_path / "train.jsonl", rows),
        "test": write(tmp_path / "test.jsonl", TEST),
    }


def evaluate(**options: Any) -> tuple[dict[str, Any], list[str], str]:
    """The JSON of the last line, the lines before, and what was said meanwhile."""
    out, err = io.StringIO(), io.StringIO()
    call_command("evaluate_nlu", stdout=out, stderr=err, **options)
    *table, last = out.getvalue().splitlines()
    return json.loads(last), table, err.getvalue()


def test_files_are_trained_on_and_scored(files: dict[str, str]) -> None:
    report, table, progress = evaluate(**files, oos="other")

    assert report["rows"] == 4
    assert report["in_scope_accuracy"] == 1.0
    assert report["oos_recall"] == 1.0
    assert report["accuracy"] == report["macro_f1"] == 1.0
    assert report["train_rows"] == len(examples())
    assert 0 < report["ms_p50"] <= report["ms_p99"]
    assert 0 < report["baseline_accuracy"] <= 1
    assert any(line.strip().startswith("accuracy ") for line in table)
    assert "fitting" in progress


def test_without_a_label_for_outside_there_is_no_recall(files: dict[str, str]) -> None:
    report, _, _ = evaluate(**files)

    assert report["oos_recall"] is None


def test_sets_that_are_not_there_are_named(tmp_path: Path) -> None:
    report, _, said = evaluate(data=tmp_path / "none", only=["smp2017"])

    assert report == {}
    assert "not there" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": "x"}, "belong together"),
        ({"train": "/none", "test": "/none"}, "No such file"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        evaluate(**options)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"text": "a"}], "text"),
        ([{"text": 1, "intent": "a"}], "text"),
        ([[]], "text"),
        ([{"text": "a", "intent": "b"}], "too few"),
    ],
)
def test_wrong_rows_are_refused(
    files: dict[str, str], tmp_path: Path, rows: list[Any], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        evaluate(train=write(tmp_path / "bad.jsonl", rows), test=files["test"])
