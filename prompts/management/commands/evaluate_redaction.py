"""`manage.py evaluate_redaction`: how much personal data the redaction of production finds, and how fast.

Reads the public sets of ../shared/data where they are: filled Chinese chats and synthetic English sentences. Needs
neither database nor Redis. What counts: a span is found when one of its kind covers at least half of it, and right
when at least half of it is covered; "exact" asks for the same first and last character.
"""

import gzip
import json
import random
import statistics
import time
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from prompts.redaction import engine, patterns
from prompts.redaction.normal import normal
from prompts.redaction.spans import RedactionFailed

CHINESE = ("zh_pii_filled", "turns.jsonl.gz")
ENGLISH = ("presidio", "synth_v2_dev.jsonl.gz")
# The kinds of the English set that are personal data of a shop's customer. Towns and countries count neither way.
KINDS = {
    "PERSON": "NAME",
    "STREET_ADDRESS": "ADDRESS",
    "ZIP_CODE": "ADDRESS",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "BANK_CARD",
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "IBAN",
    "US_SSN": "ID_CARD",
    "IP_ADDRESS": "IP",
}
PLACES = {"GPE"}
RESAMPLES = 1000
SEED = 7
TIMED_CHARS, TIMED_TEXTS = 200, 500
HOSTILE_CHARS = 4096
HOSTILE = (
    ".",
    "a.",
    "1",
    "1 ",
    "@",
    "的",
    "张伟 ",
    "浙江省",
    "3号",
    "Mr A ",
    "12 Main St ",
    "::",
    "<PHONE_1>",
)

Place = tuple[int, int, str]


@dataclass(slots=True)
class Example:
    text: str
    wanted: list[Place]
    neutral: list[Place]


@dataclass(slots=True)
class Tally:
    """Of one kind in one text."""

    exact: int = 0
    found: int = 0
    wanted: int = 0
    right: int = 0
    given: int = 0

    def add(self, other: "Tally") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def precision(self) -> float:
        return self.right / self.given if self.given else 1.0

    @property
    def recall(self) -> float:
        return self.found / self.wanted if self.wanted else 1.0

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    @property
    def exact_f1(self) -> float:
        return 2 * self.exact / (self.given + self.wanted) if self.given + self.wanted else 1.0


class Command(BaseCommand):
    help = "Prints precision, recall and F1 of the redaction by kind, its times, and one JSON line."
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", help="folder of the sets; by default ../shared/data")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(options["data"] or settings.BASE_DIR.parent / "shared" / "data")
        engine.warm()
        report: dict[str, Any] = {}
        for language, (name, file), read in (("zh", CHINESE, chinese), ("en", ENGLISH, english)):
            path = folder / name / file
            if not path.exists():
                self.stderr.write(f"{name}: not on this machine ({path}), skipped")
                continue
            examples = [read(row) for row in read_rows(path)]
            self.stderr.write(f"{name}: {len(examples)} texts")
            report[language] = self.table(examples, language=language, title=name)
            report[language] |= self.times(examples, language=language)
        report["hostile_ms_max"] = self.hostile()
        self.stdout.write(json.dumps(report))

    def table(self, examples: list[Example], *, language: Any, title: str) -> dict[str, Any]:
        tallies = [tally(example, language=language) for example in examples]
        kinds = sorted({kind for counts in tallies for kind in counts})
        self.stdout.write(
            f"\n{title}\n{'kind':10} wanted  given      P      R     F1   95 %        exact F1"
        )
        rows = {kind: self.row(kind, [c[kind] for c in tallies if kind in c]) for kind in kinds}
        rows["all"] = self.row("all", [together(counts.values()) for counts in tallies])
        return rows

    def row(self, kind: str, tallies: list[Tally]) -> dict[str, Any]:
        total = together(tallies)
        low, high = interval(tallies)
        self.stdout.write(
            f"{kind:10} {total.wanted:6} {total.given:6}  {total.precision:.3f}  {total.recall:.3f}  {total.f1:.3f}"
            f"  {low:.3f}-{high:.3f}  {total.exact_f1:.3f}"
        )
        figures = {
            "precision": total.precision,
            "recall": total.recall,
            "f1": total.f1,
            "low": low,
            "high": high,
            "exact_f1": total.exact_f1,
        }
        return {name: round(value, 4) for name, value in figures.items()} | {
            "wanted": total.wanted,
            "given": total.given,
        }

    def times(self, examples: list[Example], *, language: Any) -> dict[str, Any]:
        texts = of_length(examples)
        stage_1 = timed(lambda text: patterns.find(normal(text).text, language=language), texts)
        whole = timed(lambda text: engine.find(text, language=language), texts)
        figures = {"stage_1_ms": stage_1, "whole_ms": whole}
        for name, (p50, p99) in figures.items():
            self.stdout.write(
                f"{name:10} p50 {p50:.3f}  p99 {p99:.3f}  at {TIMED_CHARS} characters"
            )
        return {
            f"{name}_{part}": value
            for name, pair in figures.items()
            for part, value in zip(("p50", "p99"), pair, strict=True)
        }

    def hostile(self) -> float:
        """The slowest of the hostile texts, each looked at in both languages."""
        worst = 0.0
        for pattern in HOSTILE:
            text = (pattern * HOSTILE_CHARS)[:HOSTILE_CHARS]
            for language in ("zh", "en"):
                worst = max(worst, timed(partial(attempt, language=language), [text])[0])
        self.stdout.write(f"\nhostile: {worst:.1f} ms at most for {HOSTILE_CHARS} characters")
        return round(worst, 2)


def attempt(text: str, *, language: Any) -> None:
    """Too much personal data in one text is an answer too: it goes nowhere."""
    try:
        engine.find(text, language=language)
    except RedactionFailed:
        return


def tally(example: Example, *, language: Any) -> dict[str, Tally]:
    given = [
        (span.start, span.end, span.type) for span in engine.find(example.text, language=language)
    ]
    counts: dict[str, Tally] = {}
    for kind in {kind for _, _, kind in [*given, *example.wanted]}:
        mine = [place for place in given if place[2] == kind]
        wanted = [place for place in example.wanted if place[2] == kind]
        accepted = [*wanted, *example.neutral]
        counts[kind] = Tally(
            exact=len(set(mine) & set(wanted)),
            found=sum(covered(place, mine) for place in wanted),
            wanted=len(wanted),
            right=sum(covered(place, accepted) for place in mine),
            given=len(mine),
        )
    return counts


def covered(place: Place, others: Iterable[Place]) -> bool:
    """Whether at least half of the characters of `place` lie in `others`, which do not overlap."""
    shared = sum(max(0, min(place[1], other[1]) - max(place[0], other[0])) for other in others)
    return 2 * shared >= place[1] - place[0]


def together(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for one in tallies:
        total.add(one)
    return total


def interval(tallies: list[Tally]) -> tuple[float, float]:
    """95 % of F1 by a bootstrap over texts."""
    rng = random.Random(SEED)  # noqa: S311 - a resample, not a secret
    drawn = sorted(together(rng.choices(tallies, k=len(tallies))).f1 for _ in range(RESAMPLES))
    return drawn[int(0.025 * RESAMPLES)], drawn[int(0.975 * RESAMPLES)]


def of_length(examples: list[Example]) -> list[str]:
    """Texts of the set put together until they are as long as a long message."""
    texts, text = [], ""
    for example in examples:
        text += example.text + " "
        if len(text) >= TIMED_CHARS:
            texts.append(text[:TIMED_CHARS])
            text = ""
    return texts[:TIMED_TEXTS]


def timed(call: Callable[[str], object], texts: list[str]) -> tuple[float, float]:
    """p50 and p99 in milliseconds of one call a text."""
    took = []
    for text in texts:
        started = time.perf_counter()
        call(text)
        took.append((time.perf_counter() - started) * 1000)
    took.sort()
    return round(statistics.median(took), 4), round(took[int(len(took) * 0.99)], 4)


def read_rows(path: Path) -> list[dict[str, Any]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise CommandError(f"{path}: {error}") from error


def chinese(row: dict[str, Any]) -> Example:
    wanted = [(found["start"], found["end"], found["type"]) for found in row["entities"]]
    return Example(text=row["text"], wanted=wanted, neutral=[])


def english(row: dict[str, Any]) -> Example:
    by_kind: defaultdict[str, list[Place]] = defaultdict(list)
    for span in row["spans"]:
        kind = span["entity_type"]
        place = (span["start_position"], span["end_position"], KINDS.get(kind, ""))
        by_kind["neutral" if kind in PLACES else "wanted" if kind in KINDS else "other"].append(
            place
        )
    return Example(text=row["text"], wanted=by_kind["wanted"], neutral=by_kind["neutral"])
