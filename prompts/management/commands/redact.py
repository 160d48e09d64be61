"""`manage.py redact`: masks texts in bulk, JSONL in and JSONL out, with the redaction of production.

Needs neither database nor Redis. Each line has placeholders of its own.
"""

import json
import secrets
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from prompts.nlu import segment
from prompts.redaction import engine
from prompts.redaction.placeholders import Placeholders
from prompts.redaction.spans import RedactionFailed

PROGRESS_ROWS = 500
KEY_BYTES = 16


class Command(BaseCommand):
    help = "Masks personal data: reads {id, text} a line, writes {id, masked, spans, ms} a line."
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="JSONL {id, text}, - for standard input")
        parser.add_argument("--out", default="-", help="where to write, - for standard output")
        parser.add_argument(
            "--language", choices=["zh", "en"], help="of all texts; else by the letters of each"
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        engine.warm()
        failed = count = 0
        with (
            opened(options["file"], sys.stdin, "r") as source,
            opened(options["out"], self.stdout, "w") as target,
        ):
            for count, row in enumerate(rows(source, name=options["file"]), 1):
                answer = redacted(row, language=options["language"])
                failed += answer["masked"] is None
                target.write(json.dumps(answer, ensure_ascii=False) + "\n")
                if count % PROGRESS_ROWS == 0:
                    self.stderr.write(f"redacted: {count}")
        self.stderr.write(f"redacted: {count}, failed: {failed}")
        if failed:
            raise CommandError(f'{failed} texts could not be examined; their "masked" is null')


def redacted(row: dict[str, Any], *, language: engine.Language | None) -> dict[str, Any]:
    """{id, masked, spans: [{start, end, type, score}], ms}; masked is null, with "failed", where nothing is sure."""
    text = row["text"]
    answer: dict[str, Any] = {"id": row["id"]}
    started = time.perf_counter()
    try:
        masked = engine.mask(
            text,
            language=language or ("zh" if segment.language_of(text) == "zh" else "en"),
            book=Placeholders(key=secrets.token_bytes(KEY_BYTES)),
        )
    except RedactionFailed as error:
        return answer | {"masked": None, "spans": [], "ms": ms_since(started), "failed": str(error)}
    spans = [
        {"start": span.start, "end": span.end, "type": span.type, "score": span.score}
        for span in masked.spans
    ]
    return answer | {"masked": masked.text, "spans": spans, "ms": ms_since(started)}


def ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)


def rows(source: TextIO, *, name: str) -> Iterator[dict[str, Any]]:
    """The object of each line that is not blank. Raises CommandError for one without id and text."""
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise CommandError(f"{name}:{number}: not JSON: {error.msg}") from error
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise CommandError(f'{name}:{number}: not an object with a "text"')
        if not isinstance(row.get("id"), str | int):
            raise CommandError(f'{name}:{number}: "id" must be a string or a number')
        yield row


@contextmanager
def opened(name: str, standard: Any, mode: str) -> Iterator[Any]:
    """The file, or the standard stream for "-". Raises CommandError when it cannot be opened or read."""
    if name == "-":
        yield standard
        return
    try:
        with Path(name).open(mode, encoding="utf-8") as file:
            yield file
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name}: {error}") from error
