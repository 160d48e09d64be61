"""`evaluate_retrieval` ranks a corpus as production does and leaves the shop's rows alone."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from prompts import retrieval
from prompts.management.commands import evaluate_retrieval
from prompts.models import Sop, SopQuestion

pytestmark = pytest.mark.django_db

CORPUS = [
    {"id": "return", "text": "怎么退货"},
    {"id": "return", "text": "我要退货"},
    {"id": "refund", "text": "退款什么时候到账"},
    {"id": 7, "text": "怎么开发票"},
]
QUERIES = [
    {"id": 1, "text": "怎样退货啊", "relevant": ["return"]},
    {"id": 2, "text": "退款几天到账", "relevant": ["refund", "return"]},
    {"id": 3, "text": "发票怎么开", "relevant": [7]},
    {"id": 4, "text": "今天下雨", "relevant": [7]},
]


def write(path: Path, rows: list[Any]) -> str:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n")
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    return {
        "corpus": write(tmp_path / "corpus.jsonl", CORPUS),
        "queries": write(tmp_path / "queries.jsonl", QUERIES),
    }


def evaluate(**options: Any) -> tuple[dict[str, float], str]:
    """The report and what was said meanwhile."""
    out, err = io.StringIO(), io.StringIO()
    call_command("evaluate_retrieval", stdout=out, stderr=err, **options)
    [line] = out.getvalue().splitlines()
    return json.loads(line), err.getvalue()


def test_report_holds_recall_mrr_and_times(files: dict[str, str]) -> None:
    report, progress = evaluate(**files)

    assert report["queries"] == 4
    assert report["hit@1"] == 0.75
    # The second query has two relevant entries and finds one of them.
    assert report["recall@1"] == report["recall@3"] == report["recall@10"] == 0.625
    assert report["mrr"] == 0.75
    assert 0 < report["ms_p50"] <= report["ms_p95"]
    assert "queries: 4/4" in progress


def test_the_rows_of_the_shop_are_neither_ranked_nor_touched(files: dict[str, str]) -> None:
    sop = Sop.objects.create(
        key="k", language="zh", title="怎样退货啊", category="c", intent="i", answer="a"
    )
    retrieval.index_sop(sop)

    assert evaluate(**files)[0]["hit@1"] == 0.75

    assert list(Sop.objects.values_list("key", flat=True)) == ["k"]
    assert SopQuestion.objects.count() == 1
    assert retrieval.search("怎样退货啊", language="zh")[0].key == "k"


def test_a_broken_run_leaves_no_table_behind(files: dict[str, str]) -> None:
    with pytest.raises(ZeroDivisionError), evaluate_retrieval.temporary_tables():
        raise ZeroDivisionError
    assert evaluate(**files)[0]["queries"] == 4


def test_queries_come_from_standard_input(files: dict[str, str], monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(Path(files["queries"]).read_text()))
    assert evaluate(corpus=files["corpus"], queries="-")[0]["queries"] == 4


def test_language_is_that_of_most_texts(files: dict[str, str], tmp_path: Path) -> None:
    assert "language zh" in evaluate(**files)[1]
    corpus = write(tmp_path / "en.jsonl", [{"id": 1, "text": "where is my order"}])
    queries = write(tmp_path / "q.jsonl", [{"id": 1, "text": "track order", "relevant": [1]}])
    assert "language en" in evaluate(corpus=corpus, queries=queries)[1]
    assert "language zh" in evaluate(corpus=corpus, queries=queries, language="zh")[1]


def test_a_text_longer_than_a_question_may_be_is_indexed_whole(tmp_path: Path) -> None:
    corpus = write(tmp_path / "c.jsonl", [{"id": 1, "text": "货" * 400 + "保价"}, *CORPUS])
    queries = write(tmp_path / "q.jsonl", [{"id": 1, "text": "保价", "relevant": [1]}])
    assert evaluate(corpus=corpus, queries=queries)[0]["hit@1"] == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"text": "x"}', '"id" must be'),
        ('{"id": 1, "text": 5}', '"text" must be'),
    ],
)
def test_a_bad_line_is_named(
    files: dict[str, str], tmp_path: Path, line: str, message: str
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": 1, "text": "x"}\n' + line + "\n")
    with pytest.raises(CommandError, match=rf"bad\.jsonl:2: {message}"):
        evaluate(corpus=str(bad), queries=files["queries"])


def test_a_query_without_relevant_ids_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.jsonl", [{"id": 1, "text": "x", "relevant": []}])
    with pytest.raises(CommandError, match=r'bad\.jsonl:1: "relevant" must be a list'):
        evaluate(corpus=files["corpus"], queries=bad)


@pytest.mark.parametrize("names", [("missing", "queries"), ("empty", "queries")])
def test_a_file_without_lines_is_named(
    files: dict[str, str], tmp_path: Path, names: tuple[str, str]
) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(CommandError, match=names[0]):
        evaluate(corpus=str(tmp_path / names[0]), queries=files["queries"])


def test_both_files_cannot_be_standard_input() -> None:
    with pytest.raises(CommandError, match="standard input"):
        evaluate(corpus="-", queries="-")
