"""What batch commands share: JSON lines in and out, a bad line named by its number, progress on standard error."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

PROGRESS_ROWS = 500
BYTE_ORDER_MARK = "\ufeff"


class BadLine(ValueError):
    """A line that is not what the command reads; its text says why."""


class LinesCommand(BaseCommand):
    """A line that cannot be read is named and left out, the others are done, and the command ends with an error.

    An answer with "failed" counts as one that failed, and ends the command with an error too.
    """

    requires_system_checks = []
    wanted = "{id, text}"
    done = "done"

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help=f"JSONL {self.wanted}, - for standard input")
        parser.add_argument("--out", default="-", help="where to write, - for standard output")

    def prepare(self, options: dict[str, Any]) -> None:
        """Loads what the first line would otherwise wait for. Raises CommandError."""

    def check_row(self, row: dict[str, Any]) -> None:
        """Raises BadLine where the row lacks what this command needs beside id and text."""

    def answer(self, row: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """What is written for a row."""
        raise NotImplementedError

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        check_apart(options["file"], options["out"])
        with opened(options["file"], standard_input(), "r") as source:
            self.prepare(options)
            with opened(options["out"], self.stdout, "w") as target:
                bad, failed = self.run(source, target, options=options)
        problems = [f"{len(bad)} lines could not be read, as {bad[0]}"] if bad else []
        problems += [f"{failed} texts could not be examined"] if failed else []
        if problems:
            raise CommandError("; ".join(problems))

    def run(self, source: Any, target: Any, *, options: dict[str, Any]) -> tuple[list[str], int]:
        """The lines that could not be read, each with the reason, and how many answers failed."""
        bad: list[str] = []
        failed = count = 0
        for number, line in enumerate(source, 1):
            if not line.strip():
                continue
            try:
                row = read(line)
                self.check_row(row)
            except BadLine as error:
                bad.append(f"{options['file']}:{number}: {error}")
                self.stderr.write(bad[-1])
                continue
            answer = self.answer(row, options)
            failed += "failed" in answer
            target.write(json.dumps(answer, ensure_ascii=False) + "\n")
            count += 1
            if count % PROGRESS_ROWS == 0:
                self.stderr.write(f"{self.done}: {count}")
        self.stderr.write(f"{self.done}: {count}, failed: {failed}, unreadable: {len(bad)}")
        return bad, failed


def read(line: str) -> dict[str, Any]:
    """The object of a line. Raises BadLine for one without id and text."""
    try:
        row = json.loads(line.removeprefix(BYTE_ORDER_MARK))
    except (ValueError, RecursionError) as error:
        raise BadLine(f"not JSON: {getattr(error, 'msg', type(error).__name__)}") from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise BadLine('not an object with a "text"')
    if not isinstance(row.get("id"), str | int):
        raise BadLine('"id" must be a string or a number')
    try:
        f"{row['id']}{row['text']}".encode()
    except UnicodeEncodeError:
        raise BadLine("not UTF-8") from None
    return row


def check_apart(source: str, target: str) -> None:
    """Raises CommandError where the input would be written over while it is read."""
    if source != "-" and Path(source).resolve() == Path(target).resolve():
        raise CommandError(f"{target}: is read and cannot be written at the same time")


def standard_input() -> Any:
    if hasattr(sys.stdin, "reconfigure"):
        # A line with bytes that are no text is one bad line, not the end of all.
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    return sys.stdin


@contextmanager
def opened(name: str, standard: Any, mode: str) -> Iterator[Any]:
    """The file, or the standard stream for "-". Raises CommandError when it cannot be opened or read."""
    if name == "-":
        yield standard
        return
    errors = "surrogateescape" if mode == "r" else "strict"
    try:
        with Path(name).open(mode, encoding="utf-8", errors=errors) as file:
            yield file
    except OSError as error:
        raise CommandError(f"{name}: {error}") from error


def ms_since(started: float) -> float:
    """Milliseconds since a moment of time.perf_counter."""
    return round((time.perf_counter() - started) * 1000, 3)
