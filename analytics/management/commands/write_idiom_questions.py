"""`manage.py write_idiom_questions`: the idiom questions of the model comparison, from a dictionary of idioms.

analytics/data/README.md names the dictionary. The same seed writes the same questions; what it wrote is read by a
person before it is kept.
"""

import gzip
import json
import re
from argparse import ArgumentParser
from pathlib import Path
from random import Random
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from analytics.comparison import cases

SENTENCE = re.compile(r"[^。]+")
# The sentence that says what an idiom means, not what its characters do; "也…" opens a second meaning.
MEANING = re.compile(
    r"^(现在?|后来?|常|多|今)?(也|多|常|泛|转)?(用来|用以|用于)?(比喻|形容|泛指|指|表示)"
)
CHOICES = 4


class Command(BaseCommand):
    help = (
        "Writes the idiom questions from a JSONL of {word, explanation}; may be packed with gzip."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dictionary", type=Path)
        parser.add_argument("--seed", type=int, default=8)
        parser.add_argument("--count", type=int, default=100)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        groups, given = read_groups()
        meanings = {**read_meanings(options["dictionary"]), **given}
        words = [word for group in groups for word in group]
        if unknown := [word for word in words if word not in meanings]:
            raise CommandError(f"the dictionary lacks {' '.join(unknown)}")
        draw = Random(options["seed"])  # noqa: S311 - nothing secret is drawn
        chosen = draw.sample(words, options["count"])
        rows = [
            question(word, at, groups=groups, meanings=meanings, draw=draw)
            for at, word in enumerate(chosen)
        ]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (cases.FOLDER / "idioms.jsonl").write_text(text, encoding="utf-8")
        self.stdout.write(f"{len(rows)} questions")


def read_groups() -> tuple[list[list[str]], dict[str, str]]:
    """The idioms to ask about, those of one group meaning much the same, and the meanings that are given there."""
    lines = (cases.FOLDER / "idiom_words.txt").read_text(encoding="utf-8").splitlines()
    entries = [
        [entry.partition("=") for entry in line.split()]
        for line in lines
        if line and not line.startswith("#")
    ]
    groups = [[word for word, _, _ in group] for group in entries]
    return groups, {word: given for group in entries for word, _, given in group if given}


def read_meanings(path: Path) -> dict[str, str]:
    """What every idiom of the dictionary means, in a sentence. Raises CommandError."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    try:
        rows = [json.loads(line) for line in text.splitlines()]
        return {row["word"]: meaning_of(row["explanation"]) for row in rows}
    except (ValueError, KeyError) as error:
        raise CommandError(f"{path}: not a JSONL of word and explanation") from error


def meaning_of(explanation: str) -> str:
    """The last sentence that says what it means, without the words that would tell one question from another."""
    sentences = [each.strip() for each in SENTENCE.findall(explanation) if each.strip()]
    telling = [each for each in sentences if MEANING.match(each) and not each.startswith("也")]
    said = (telling or sentences[-1:] or [""])[-1]
    said = re.split(r"[；;(（]", said)[0]
    return MEANING.sub("", said).strip("，, ")


def question(
    word: str, at: int, *, groups: list[list[str]], meanings: dict[str, str], draw: Random
) -> dict[str, Any]:
    """One question; meanings are asked for and idioms by turns, and every letter is right as often."""
    alike = next(group for group in groups if word in group)
    others = [each for group in groups for each in group if each not in alike]
    asks_word = at % 2 == 0
    wrong = near(word, others, meanings=meanings, by_word=asks_word, draw=draw)
    answer = at // 2 % CHOICES
    shown = [*wrong[:answer], word, *wrong[answer:]]
    return {
        "key": f"idiom-{at + 1}",
        "idiom": word,
        "text": f"哪个成语的意思是“{meanings[word]}”？" if asks_word else f"“{word}”是什么意思？",
        "choices": shown if asks_word else [meanings[each] for each in shown],
        "answer": "ABCD"[answer],
    }


def near(
    word: str, others: list[str], *, meanings: dict[str, str], by_word: bool, draw: Random
) -> list[str]:
    """The wrong answers: idioms that share characters with it, or meanings of about its length."""
    shuffled = draw.sample(others, len(others))
    if by_word:
        shuffled.sort(key=lambda each: -len(set(each) & set(word)))
        return draw.sample(shuffled[: CHOICES - 1], CHOICES - 1)
    length = len(meanings[word])
    shuffled.sort(key=lambda each: abs(len(meanings[each]) - length) // 3)
    return shuffled[: CHOICES - 1]
