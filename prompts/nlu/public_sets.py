"""Reads the public sets that `manage.py evaluate_nlu` measures on, where their folder is there.

Used by that command. Every set is a folder of gzipped JSON lines; nothing of them is part of the platform. Plain Python.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from prompts.nlu.train import Example

OUTSIDE = "oos"
SOLD = "online_shopping"


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to train on and rows to judge by; without the second, judged by cross-validation."""

    name: str
    train: list[Example]
    test: list[Example]
    outside: str = ""
    target: str = ""
    """What is asked of us, for the table."""


def splits(folder: Path) -> Iterator[Split]:
    """The sets of one intent a row that are in the folder, one at a time."""
    if (folder / "banking77").is_dir():
        yield Split("banking77", single(folder / "banking77/train.jsonl.gz"), [], target="92")
    if (folder / "clinc150").is_dir():
        train, test = (single(folder / f"clinc150/{part}.jsonl.gz") for part in ("train", "val"))
        yield Split("clinc150", train, test, outside=OUTSIDE, target="93 / 45")
    if (folder / "smp_ecdt").is_dir():
        train, test = (
            single(folder / f"smp_ecdt/smp2017_{part}.jsonl.gz") for part in ("train", "develop")
        )
        yield Split("smp2017", train, test, target="91")
    if (folder / SOLD).is_dir():
        yield Split(SOLD, single(folder / SOLD / "reviews.jsonl.gz"), [], target="94.5")


def several(folder: Path) -> list[tuple[int, Example]]:
    """nlupp: (fold, example) with all its intents; empty where the set is not there."""
    path = folder / "nlupp/banking_0_9.jsonl.gz"
    rows = read(path) if path.exists() else []
    return [
        (row["fold"], Example(row["text"], intents[0], language="en", also=tuple(intents[1:])))
        for row in rows
        if (intents := row.get("intents"))
    ]


def shop_customers(folder: Path) -> list[dict[str, Any]]:
    """jddc_intents: {text, prev, a, b, emotion, wants_human}; empty where the set is not there."""
    path = folder / "jddc_intents/utterances.jsonl"
    return read(path) if path.exists() else []


def own_examples(folder: Path) -> list[Example]:
    """The default examples, from prompts/defaults/intents."""
    return [
        Example(text, path.stem, emotion=mood, language=language)
        for path in sorted(folder.glob("[a-z]*.yaml"))
        for language, moods in yaml.safe_load(path.read_text(encoding="utf-8")).items()
        if language in ("zh", "en")
        for mood, texts in moods.items()
        for text in texts
    ]


def own_several(folder: Path) -> list[tuple[str, tuple[str, ...]]]:
    """(text, intents in the order said) of messages that ask for several things."""
    path = folder / "_multi.yaml"
    rows = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [
        (row["text"], tuple(row["intents"]))
        for language in ("zh", "en")
        for row in rows.get(language, [])
    ]


def single(path: Path) -> list[Example]:
    return [Example(row["text"], str(row["label"])) for row in read(path)]


def read(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines, gzipped or not."""
    packed = path.read_bytes()
    data = gzip.decompress(packed) if path.suffix == ".gz" else packed
    return [json.loads(line) for line in data.decode().split("\n") if line.strip()]
