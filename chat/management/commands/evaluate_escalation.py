"""`manage.py evaluate_escalation`: who is passed to a person, among real customers whose mood somebody has marked.

Reads only: nothing is stored, and no model of a vendor is asked. Under the policy in force; where no database answers,
under the default one.
"""

import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from typing_extensions import override

from chat import escalation
from chat.escalation import Policy
from chat.management.commands.analyse import Command as Analyse
from chat.management.marked import GROUPS, SPEAKERS, Judge, Judged, Mark, report
from prompts import completion
from prompts.management.commands.evaluate_retrieval import read_lines
from prompts.nlu.emotion import LABELS, NEGATIVE
from prompts.redaction import engine

PROGRESS_ROWS = 50
HEADS = ("id", "marked", "action", "points", "reasons", "escalated_at", "mood", "addendum", "text")


class Command(BaseCommand):
    help = "Replays marked dialogues and says who would be passed to a person, and why; prints a table and JSON."
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--sessions",
            required=True,
            help="JSONL {id, turns: [{role: user|agent, text}]}, or its .gz",
        )
        parser.add_argument(
            "--marks",
            required=True,
            help='JSONL {id: "session:place of the line", emotion: negative|neutral|positive or null}',
        )
        parser.add_argument("--out", help="a CSV file with a line for every marked dialogue")
        parser.add_argument("--show", action="store_true", help="print those lines as well")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        sessions = dict(read_sessions(options["sessions"]))
        marks = list(read_marks(options["marks"], sessions))
        analyse = Analyse()
        analyse.stderr = self.stderr
        classifier = analyse.found()
        engine.warm()
        policy, addendum = in_force()
        judge = Judge(classifier, policy, timezone.localdate())
        judged = []
        for number, mark in enumerate(marks, 1):
            judged.append(judge.judge(mark, sessions[mark.session]))
            if number % PROGRESS_ROWS == 0 or number == len(marks):
                self.stderr.write(f"dialogues: {number}/{len(marks)}")
        rows = [each.row(addendum) for each in judged]
        if options["out"]:
            write(Path(options["out"]), rows)
        if options["show"]:
            self.show(rows)
        self.sum_up(judged)

    def show(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            self.stdout.write("  ".join(f"{name}={row[name]}" for name in HEADS if row[name] != ""))

    def sum_up(self, judged: Sequence[Judged]) -> None:
        found = report(judged)
        for group in GROUPS.values():
            figures = found[group]
            self.stdout.write(f"{group}: {figures['lines']} lines")
            for name, share in figures.items():
                if isinstance(share, dict):
                    self.stdout.write(f"  {name:24}{in_words(share)}")
        self.stdout.write(json.dumps(found))


def in_words(share: Mapping[str, Any]) -> str:
    if share["share"] is None:
        return "none"
    low, high = share["interval"]
    return f"{share['count']:>5}  {share['share']:6.1%}  ({low:.1%} to {high:.1%})"


def in_force() -> tuple[Policy, str]:
    """The thresholds in force, and what the prompt says for a customer in a bad mood."""
    try:
        wording = completion.snapshot().prompts.get(("answer", "zh"))
        return escalation.policy(), wording.emotion_addendum if wording else ""
    except (OperationalError, InterfaceError):
        return Policy(), ""


def read_sessions(name: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    for at, row in read_lines(name):
        turns = row.get("turns")
        if not isinstance(row.get("id"), str) or not isinstance(turns, list):
            raise CommandError(f'{at}: not an object with "id" and "turns"')
        for turn in turns:
            if not isinstance(turn, dict) or not isinstance(turn.get("text"), str):
                raise CommandError(f'{at}: a turn without "text"')
            if turn.get("role") not in SPEAKERS:
                raise CommandError(f'{at}: "role" must be one of {", ".join(SPEAKERS)}')
        yield row["id"], turns


def read_marks(name: str, sessions: Mapping[str, Sequence[Mapping[str, str]]]) -> Iterator[Mark]:
    """The marks with a mood; a null, where people did not agree, is left out."""
    for at, row in read_lines(name):
        session, _, place = str(row.get("id")).rpartition(":")
        if row.get("emotion") is None:
            continue
        if row["emotion"] not in LABELS:
            raise CommandError(f'{at}: "emotion" must be one of {", ".join(LABELS)}, or null')
        if not place.isdecimal() or not is_said(sessions.get(session, ()), int(place)):
            raise CommandError(f'{at}: "id" names no line of a customer in the sessions')
        yield Mark(session, int(place), row["emotion"] == NEGATIVE)


def is_said(turns: Sequence[Mapping[str, str]], place: int) -> bool:
    return place < len(turns) and turns[place]["role"] == "user"


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, HEADS)
        writer.writeheader()
        writer.writerows(rows)
