"""`manage.py import_loadtest FILE`: keeps a load test for the page of load tests, and prints its table."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from analytics.loadtests import keeping, record, table


class Command(BaseCommand):
    help = (
        "Reads the file of a load test (- for standard input), completes it from this platform's ledger of model calls "
        "unless that was done where it ran, and keeps it. The same run is kept once."
    )
    requires_system_checks: list[str] = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="what `make loadtest` wrote, - for standard input")
        parser.add_argument(
            "--out", help="write the completed file here, for another platform's page"
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = keeping.complete(record.read(content_of(options["file"])))
        except (record.Unreadable, keeping.Foreign) as error:
            raise CommandError(f"{options['file']}: {error}") from None
        if options["out"]:
            write(Path(options["out"]), found)
        is_new = keeping.keep(found)
        for language in ("zh", "en"):
            self.stdout.write(table.markdown(found, language))
        self.stderr.write("kept" if is_new else "it was there already")


def content_of(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from None


def write(path: Path, found: record.Record) -> None:
    try:
        path.write_text(found.model_dump_json(exclude={"turns"}) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
