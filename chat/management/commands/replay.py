"""`manage.py replay FILE`: plays customers' lines from a JSONL file through a running server. See chat.replay."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm
from typing_extensions import override

from chat import replay


class Command(BaseCommand):
    help = (
        "Plays the customers' lines of FILE (JSONL, may be gzipped, - for standard input) through the public "
        "socket of a running server and prints one JSON line. Exit code 0 when nothing was lost or doubled "
        "and everything was answered."
    )
    requires_system_checks: list[str] = []

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSONL of {id, turns: [{role, text}]}")
        parser.add_argument("--url", default=default_url(), help="default: %(default)s")
        parser.add_argument("--inbox", default="ib_demo", help="default: %(default)s")
        parser.add_argument("--visitors", type=positive, default=10, help="at a time (10)")
        parser.add_argument(
            "--rate", type=rate, default=0.0, help="messages per second (0: no limit)"
        )
        parser.add_argument("--dialogues", type=positive, help="play only the first N")
        parser.add_argument("--timeout", type=float, default=30.0, help="seconds per answer (30)")

    @override
    def handle(self, *args: object, **options: Any) -> None:
        try:
            dialogues = read(options["file"])[: options["dialogues"]]
            summary = self.play(dialogues, options)
        except replay.ReplayError as error:
            raise CommandError(str(error)) from None
        if summary.skipped:
            self.stderr.write(f"skipped {summary.skipped} lines: blank, too long or unprintable")
        self.stdout.write(json.dumps(summary.line(visitors=options["visitors"])))
        if not summary.is_clean:
            sys.exit(1)

    def play(self, dialogues: list[replay.Dialogue], options: dict[str, Any]) -> replay.Summary:
        messages = sum(len(dialogue.utterances) for dialogue in dialogues)
        with tqdm(total=messages, unit="msg", file=sys.stderr) as bar:
            return asyncio.run(
                replay.play(
                    dialogues,
                    url=options["url"],
                    inbox=options["inbox"],
                    visitors=options["visitors"],
                    rate=options["rate"],
                    answer_seconds=options["timeout"],
                    progress=bar.update,
                )
            )


def read(name: str) -> list[replay.Dialogue]:
    if name == "-":
        return replay.load(sys.stdin.buffer, name="standard input")
    try:
        with Path(name).open("rb") as file:
            return replay.load(file, name=name)
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from None


def default_url() -> str:
    return f"http://{settings.HOST}:{settings.PORT}"


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def rate(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number
