"""`replay_routing` prints a table and one JSON line, and says plainly where data is made up."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from prompts.llm.router import outcomes
from prompts.llm.router.offline import measure
from prompts.llm.router.policy import Policy
from tests.prompts.llm.tables import Make, easy_and_hard, lines


def write(path: Path, make: Make = easy_and_hard, *, turns: int = 200) -> str:
    path.write_text("\n".join(lines(turns, make)) + "\n", encoding="utf-8")
    return str(path)


def replayed(*arguments: str, **options: Any) -> tuple[list[str], dict[str, Any], str]:
    """The table's lines, the JSON line, and what was said meanwhile."""
    out, err = io.StringIO(), io.StringIO()
    call_command(
        "replay_routing", *arguments, stdout=out, stderr=err, **{"resamples": 50, **options}
    )
    *text, line = out.getvalue().splitlines()
    return text, json.loads(line), err.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path / "table.jsonl")


def real(number: int) -> dict[str, Any]:
    return {**easy_and_hard(number), "synthetic": False}


def cells(text: list[str], name: str) -> list[str]:
    [line] = [line for line in text if line.startswith(name)]
    return line.removeprefix(name).split()


def test_the_report_is_what_was_measured(file: str) -> None:
    text, report, progress = replayed(file)

    table = outcomes.read(Path(file).read_text().splitlines())
    wanted = measure(table, Policy(), resamples=50).full
    assert report["cseq"] == wanted.saved
    assert tuple(report["cseq_interval"]) == wanted.saved_interval
    assert report["best_single"] == "dear"
    assert [row["name"] for row in report["rows"]][-2:] == ["full policy", "oracle"]
    assert cells(text, "full policy")[1:3] == ["100.0%", f"{wanted.saved:.1%}"]
    assert f"Cost Saved at Equal Quality: {wanted.saved:.1%}" in "\n".join(text)
    assert "resamples" not in "\n".join(text)
    assert f"{report['learned']} turns learned from" in progress


def test_synthetic_data_is_called_so_before_anything_else(file: str, tmp_path: Path) -> None:
    assert replayed(file)[0][0] == "SYNTHETIC DATA: 200 of 200 turns are made up."

    mixed = write(tmp_path / "mixed.jsonl", lambda at: easy_and_hard(at) if at < 3 else real(at))
    assert replayed(mixed)[0][0] == "SYNTHETIC DATA: 3 of 200 turns are made up."

    text, report, _ = replayed(write(tmp_path / "real.jsonl", real))
    assert text[0] == "200 turns of real outcomes"
    assert "SYNTHETIC" not in "\n".join(text)
    assert report["synthetic"] == 0


def test_saving_by_worse_answers_is_none(file: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    rule = {"name": "cheap", "when": {}, "effect": {"strength": "light"}}
    policy.write_text(json.dumps({"version": "12", "rules": [rule]}))

    text, report, _ = replayed(file, policy=str(policy))

    assert (report["policy_version"], report["cseq"], report["cseq_interval"]) == ("12", None, None)
    assert "Cost Saved at Equal Quality: none" in "\n".join(text)
    assert cells(text, "full policy")[6] == "no"


def test_a_free_best_endpoint_leaves_nothing_to_save(tmp_path: Path) -> None:
    def free(number: int) -> dict[str, Any]:
        row = easy_and_hard(number)
        row["outcomes"]["dear"]["cost"] = 0
        return row

    text, report, _ = replayed(write(tmp_path / "free.jsonl", free))

    assert report["cseq"] is None
    assert "not defined" in "\n".join(text)


def test_the_report_is_kept_where_it_is_wanted(file: str, tmp_path: Path) -> None:
    kept = tmp_path / "report.json"
    _, report, _ = replayed(file, out=str(kept))
    assert json.loads(kept.read_text()) == report


def test_the_table_comes_from_standard_input(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(Path(file).read_text()))
    assert replayed("-")[1] == replayed(file)[1]


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ("{", "not JSON|Expecting"),
        ('{"explore": 2}', "explore: must be between 0 and 1"),
        (
            '{"rules": [{"name": "x", "when": {}, "effect": {"endpoint": "gone"}}]}',
            "pins the endpoint “gone”, which does not exist",
        ),
    ],
)
def test_a_bad_policy_is_refused_with_a_sentence(
    file: str, tmp_path: Path, policy: str, sentence: str
) -> None:
    path = tmp_path / "policy.json"
    path.write_text(policy)
    with pytest.raises(CommandError, match=sentence):
        replayed(file, policy=str(path))


def test_a_bad_table_is_refused_with_a_sentence(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text(lines(0)[0] + '\n{"turn": 5}\n')
    with pytest.raises(CommandError, match=r"bad\.jsonl: line 2: turn"):
        replayed(str(bad))
    with pytest.raises(CommandError, match="each half needs"):
        replayed(write(tmp_path / "short.jsonl", turns=10))
    with pytest.raises(CommandError, match="missing"):
        replayed(str(tmp_path / "missing"))


def test_a_report_that_cannot_be_kept_is_told(file: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nowhere"):
        replayed(file, out=str(tmp_path / "nowhere" / "report.json"))
    with pytest.raises(CommandError, match="at least 1"):
        replayed(file, resamples=0)
