"""`manage.py redact` masks line by line; `manage.py evaluate_redaction` measures on the sets that are there."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from prompts.redaction import engine


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def redact(
    *args: str, stdin: str = "", monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[list[Any], str]:
    """The objects written to standard output, and what was said meanwhile."""
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    out, err = io.StringIO(), io.StringIO()
    call_command("redact", *args, stdout=out, stderr=err, **options)
    return [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


def test_redact_answers_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    text = lines(
        {"id": 1, "text": "电话13812345678"}, {"id": "b", "text": "My name is Anna Freeman"}
    )
    [one, other], said = redact("-", stdin=text + "\n", monkeypatch=monkeypatch)

    assert (one["id"], one["masked"]) == (1, "电话<PHONE_1>")
    assert one["spans"] == [{"start": 2, "end": 13, "type": "PHONE", "score": 1.0}]
    assert one["ms"] > 0
    assert (other["id"], other["masked"]) == ("b", "My name is <NAME_1>")
    assert "redacted: 2, failed: 0, unreadable: 0" in said


def test_redact_reads_and_writes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(lines({"id": 1, "text": "邮箱a@b.cn"}), encoding="utf-8")
    printed, _ = redact(
        str(source), "--out", str(target), "--language", "zh", monkeypatch=monkeypatch
    )

    assert printed == []
    assert json.loads(target.read_text(encoding="utf-8"))["masked"] == "邮箱<EMAIL_1>"


def test_redact_fails_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "sys.stdin", io.StringIO(lines({"id": 1, "text": "x" * (engine.TEXT_CHARS_MAX + 1)}))
    )
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 texts could not be examined"):
        call_command("redact", "-", stdout=out, stderr=io.StringIO())
    answer = json.loads(out.getvalue())
    assert (answer["masked"], answer["spans"], answer["failed"]) == (None, [], "too long")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[]", 'with a "text"'),
        ('{"id": 1}', 'with a "text"'),
        ('{"text": "x"}', '"id" must be'),
    ],
)
def test_redact_names_a_bad_line_and_does_the_rest(
    line: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.jsonl"
    text = lines({"id": 1, "text": "x"}) + line + "\n" + lines({"id": 3, "text": "y"})
    with pytest.raises(CommandError, match=rf"1 lines could not be read, as -:2: .*{message}"):
        redact("-", "--out", str(out), stdin=text, monkeypatch=monkeypatch)
    written = out.read_text(encoding="utf-8").splitlines()
    assert [json.loads(each)["id"] for each in written] == [1, 3]


def test_bytes_that_are_no_text_are_one_bad_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    good = lines({"id": 1, "text": "好"}).encode()
    source.write_bytes(b"\xef\xbb\xbf" + good + b'{"id": 2, "text": "\xff"}\n' + good)
    with pytest.raises(CommandError, match=r"1 lines could not be read, as .*:2: not UTF-8"):
        redact(str(source), "--out", str(out), monkeypatch=monkeypatch)
    assert len(out.read_text(encoding="utf-8").splitlines()) == 2


def test_a_file_is_not_written_over_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(lines({"id": 1, "text": "x"}))
    with pytest.raises(CommandError, match="cannot be written"):
        redact(str(source), "--out", str(source), monkeypatch=monkeypatch)
    assert source.read_text() == lines({"id": 1, "text": "x"})


def test_redact_names_a_missing_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="missing"):
        redact("missing.jsonl", monkeypatch=monkeypatch)


def write_set(folder: Path, name: str, *rows: Any) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir()
    with gzip.open(folder / name, "wt", encoding="utf-8") as file:
        file.write(lines(*rows))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    filler = {"text": "请问什么时候发货" * 30, "entities": []}
    phone = {"text": "电话13812345678", "entities": [{"start": 2, "end": 13, "type": "PHONE"}]}
    missed = {"text": "叫小明", "entities": [{"start": 1, "end": 3, "type": "NAME"}]}
    write_set(tmp_path / "zh_pii_filled", "turns.jsonl.gz", filler, phone, missed)
    spans = [
        {"entity_type": "PERSON", "start_position": 8, "end_position": 20},
        {"entity_type": "GPE", "start_position": 24, "end_position": 31},
        {"entity_type": "DATE_TIME", "start_position": 0, "end_position": 2},
    ]
    person = {"text": "My dear Anna Freeman of Harburg. " * 1, "spans": spans}
    write_set(
        tmp_path / "presidio", "synth_v2_dev.jsonl.gz", person, {"text": "x" * 300, "spans": []}
    )
    return tmp_path


def evaluate(folder: Path) -> tuple[str, dict[str, Any], str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("evaluate_redaction", data=str(folder), stdout=out, stderr=err)
    *table, last = out.getvalue().splitlines()
    return "\n".join(table), json.loads(last), err.getvalue()


def test_evaluate_scores_by_kind_and_measures_time(data: Path) -> None:
    table, report, _ = evaluate(data)

    assert report["zh"]["PHONE"]["f1"] == report["zh"]["PHONE"]["exact_f1"] == 1.0
    assert (report["zh"]["NAME"]["recall"], report["zh"]["NAME"]["f1"]) == (0.0, 0.0)
    assert report["zh"]["all"]["wanted"] == 2
    assert report["en"]["NAME"]["wanted"] == 1
    assert 0 < report["zh"]["stage_1_ms_p50"] <= report["zh"]["whole_ms_p99"]
    assert report["hostile_ms_max"] > 0
    assert "PHONE" in table


def test_evaluate_says_which_sets_are_absent(tmp_path: Path) -> None:
    _, report, said = evaluate(tmp_path)
    assert "zh_pii_filled: not on this machine" in said
    assert "presidio: not on this machine" in said
    assert report.keys() == {"hostile_ms_max"}


def test_evaluate_names_a_broken_set(data: Path) -> None:
    (data / "presidio" / "synth_v2_dev.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(CommandError, match=r"synth_v2_dev\.jsonl\.gz"):
        evaluate(data)
