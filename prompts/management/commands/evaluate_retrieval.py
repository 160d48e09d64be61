"""`manage.py evaluate_retrieval`: how well the retrieval of production ranks a given corpus.

The corpus lives in temporary tables that stand before the real ones, for this connection only: the same SQL runs,
nobody else sees it, and no row of the shop is touched.
"""

import gzip
import importlib.util
import json
import statistics
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from typing_extensions import override

from prompts import retrieval
from prompts.management import plain_bm25
from prompts.models import LANGUAGES, Sop, SopQuestion
from prompts.nlu import segment

DEPTHS = (1, 3, 10)
PROGRESS_ROWS = 200
INSERT_ROWS = 5000
TABLES = (Sop._meta.db_table, SopQuestion._meta.db_table)


@dataclass(frozen=True, slots=True)
class Query:
    text: str
    relevant: frozenset[str]


class Command(BaseCommand):
    help = "Ranks queries over a corpus as production would; prints recall, MRR and times as JSON, beside plain BM25."
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--corpus", required=True, help="JSONL {id, text}, - for standard input"
        )
        parser.add_argument(
            "--queries", required=True, help="JSONL {id, text or query, relevant: [ids]}"
        )
        parser.add_argument("--language", choices=[code for code, _ in LANGUAGES])

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["corpus"] == options["queries"] == "-":
            raise CommandError("only one of --corpus and --queries can be standard input")
        corpus = read_corpus(options["corpus"])
        queries = read_queries(options["queries"])
        language = options["language"] or language_of(corpus)
        with temporary_tables():
            ids = load(corpus, language=language)
            self.stderr.write(f"corpus: {len(corpus)} texts of {len(ids)} ids, language {language}")
            report: dict[str, Any] = self.measure(queries, ids=ids, language=language)
        if importlib.util.find_spec("bm25s"):
            asked = [query.text for query in queries]
            plain = plain_bm25.rankings(corpus, asked, limit=max(DEPTHS))
            report["bm25"] = quality(queries, plain)
        self.stdout.write(json.dumps(report))

    def measure(
        self, queries: list[Query], *, ids: dict[int, str], language: str
    ) -> dict[str, float]:
        rankings: list[list[str]] = []
        times_ms: list[float] = []
        retrieval.statistics()
        for number, query in enumerate(queries, 1):
            started = time.perf_counter()
            hits = retrieval.search(query.text, language=language, limit=max(DEPTHS))
            times_ms.append((time.perf_counter() - started) * 1000)
            rankings.append([ids[hit.sop_id] for hit in hits])
            if number % PROGRESS_ROWS == 0 or number == len(queries):
                self.stderr.write(f"queries: {number}/{len(queries)}")
        return score(queries, rankings, times_ms)


def score(
    queries: list[Query], rankings: list[list[str]], times_ms: list[float]
) -> dict[str, float]:
    times_ms.sort()
    return {
        **quality(queries, rankings),
        "ms_p50": round(statistics.median(times_ms), 3),
        "ms_p95": round(times_ms[int(len(times_ms) * 0.95)], 3),
    }


def quality(queries: list[Query], rankings: list[list[str]]) -> dict[str, float]:
    """Recall is the share of a query's relevant ids in the first k; hit@k whether any of them is there."""
    judged = list(zip(queries, rankings, strict=True))
    report: dict[str, float] = {"queries": len(queries)}
    for depth in DEPTHS:
        found = [(len(query.relevant & set(ids[:depth])), query) for query, ids in judged]
        report[f"recall@{depth}"] = mean([hits / len(query.relevant) for hits, query in found])
        report[f"hit@{depth}"] = mean([float(hits > 0) for hits, _ in found])
    report["mrr"] = mean([reciprocal_rank(query.relevant, ids) for query, ids in judged])
    return report


def mean(values: list[float]) -> float:
    return round(statistics.fmean(values), 4)


def reciprocal_rank(relevant: frozenset[str], ids: list[str]) -> float:
    return next((1 / place for place, found in enumerate(ids, 1) if found in relevant), 0.0)


def language_of(corpus: list[tuple[str, str]]) -> str:
    """The language of most texts."""
    chinese = sum(segment.language_of(text) == "zh" for _, text in corpus)
    return "zh" if chinese * 2 >= len(corpus) else "en"


def read_corpus(name: str) -> list[tuple[str, str]]:
    """(id, text) of each line; lines that share an id are wordings of one entry."""
    return [(key(row, at), string(row, at)) for at, row in read_lines(name)]


def read_queries(name: str) -> list[Query]:
    queries = []
    for at, row in read_lines(name):
        relevant = row.get("relevant")
        if isinstance(relevant, str | int):
            relevant = [relevant]
        if not isinstance(relevant, list) or not relevant:
            raise CommandError(f'{at}: "relevant" must be a list of ids that is not empty')
        text = string(row, at, field="query" if "query" in row else "text")
        queries.append(Query(text=text, relevant=frozenset(map(str, relevant))))
    return queries


def key(row: dict[str, Any], at: str) -> str:
    if not isinstance(row.get("id"), str | int):
        raise CommandError(f'{at}: "id" must be a string or a number')
    return str(row["id"])


def string(row: dict[str, Any], at: str, *, field: str = "text") -> str:
    text = row.get(field)
    if not isinstance(text, str):
        raise CommandError(f'{at}: "{field}" must be a string')
    return text


def read_lines(name: str) -> list[tuple[str, dict[str, Any]]]:
    """("file:line", object) of each line that is not blank. Raises CommandError when one is no object."""
    try:
        content = sys.stdin.read() if name == "-" else unpacked(Path(name))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CommandError(f"{name}: {error}") from error
    rows = []
    for number, line in enumerate(content.split("\n"), 1):
        if line.strip():
            rows.append((f"{name}:{number}", read_object(line, at=f"{name}:{number}")))
    if not rows:
        raise CommandError(f"{name}: no lines")
    return rows


def unpacked(path: Path) -> str:
    """The text of a file, which may be gzipped. Raises OSError, EOFError, UnicodeDecodeError."""
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()


def read_object(line: str, *, at: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise CommandError(f"{at}: not JSON: {error.msg}") from error
    if not isinstance(row, dict):
        raise CommandError(f"{at}: not a JSON object")
    return row


@contextmanager
def temporary_tables() -> Iterator[None]:
    """Empty tables named as the real ones, which this connection finds first."""
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"CREATE TEMPORARY TABLE {table} (LIKE {table} INCLUDING ALL)")
    retrieval.forget()
    try:
        yield
    finally:
        retrieval.forget()
        with connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{table}")


def load(corpus: list[tuple[str, str]], *, language: str) -> dict[int, str]:
    """Stores the corpus as SOPs with their wordings, indexed; each SOP's id to the id in the file."""
    sops = {
        outer: Sop(key=str(number), language=language, category="-", intent="-", answer="-")
        for number, outer in enumerate(dict.fromkeys(outer for outer, _ in corpus))
    }
    Sop.objects.bulk_create(sops.values(), batch_size=INSERT_ROWS)
    store([(sops[outer], text) for outer, text in corpus])
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ANALYZE {table}")
    return {sop.pk: outer for outer, sop in sops.items()}


def store(wordings: list[tuple[Sop, str]]) -> None:
    # The column is shorter than a document may be; the index is made of all of it.
    longest = SopQuestion._meta.get_field("text").max_length
    whole = {(sop.pk, text.replace("\0", "")[:longest]): (sop, text) for sop, text in wordings}
    questions = [SopQuestion(sop=sop, text=short) for (_, short), (sop, _) in whole.items()]
    SopQuestion.objects.bulk_create(questions, batch_size=INSERT_ROWS)
    for question, (_, text) in zip(questions, whole.values(), strict=True):
        question.text = text
    retrieval.reindex(questions)
