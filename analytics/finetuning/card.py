"""The data card: where the samples are from, what was left out, how they were masked, what they lack. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from analytics.finetuning.gathering import TEST, VALID, Gathered
from analytics.finetuning.sample import SPLITS, Sample
from analytics.finetuning.sources import Scope

PLACEHOLDER = re.compile(r"<([A-Z_]+)_\d+>")
SOURCES = {
    "example": "few-shot examples that staff approved",
    "sop": "wordings of SOPs in force, with their answers",
    "conversation": "conversations that their customers rated well",
}
GAPS = """\
- Only customers who rate are heard, and only happy ones: complaints, unsolved cases and silence are missing.
- Answers are from the prompts, SOPs and agents of their days; what has changed since is learned as it was.
- Tools, cards and images are missing: an answer that rests on an order looked up shows the finding, not the call.
- There is no system message. Train with the one you will run with.
- Masking finds patterns, names and addresses; it is measured, not perfect (docs/redaction.md). Look at a part of it before it leaves.
- Near-duplicates are found by the characters and words they share; the same question in other words is not found."""


@dataclass(frozen=True, slots=True)
class Made:
    """What the files were made by."""

    at: datetime
    format: str
    scope: Scope
    seed: int
    version: str


def card(gathered: Gathered, made: Made) -> str:
    samples = gathered.samples
    parts = (
        "# Data card: customer service dialogues",
        about(made),
        "## What is in it",
        counts(gathered),
        dates(samples),
        "## What was left out",
        listed(gathered.count.left_out, "nothing"),
        "## Split and leakage",
        split_by(made),
        "## Personal data",
        masking(samples),
        "## Licence and use",
        LICENCE,
        "## Known gaps",
        GAPS,
    )
    return "\n\n".join(parts) + "\n"


LICENCE = """\
Shipped examples and SOPs are under Apache-2.0. What customers and staff wrote belongs to them and to the shop: whoever trains
on it needs the shop's leave, and what the privacy notice told its customers has to cover it. A customer who is erased later is in
files that were made before: make them anew, and train anew."""


def about(made: Made) -> str:
    inboxes = ", ".join(made.scope.inboxes) or "all"
    return (
        f"Made {made.at:%Y-%m-%d %H:%M} UTC by `manage.py export_finetune` of Yingda {made.version}. Format: {made.format}. "
        f"Inboxes: {inboxes}. Rating of conversations: {made.scope.score} of 5 or better, and said to be resolved. Seed: {made.seed}."
    )


def counts(gathered: Gathered) -> str:
    lines = ["| source | read | " + " | ".join(SPLITS) + " |", "|---|---:|---:|---:|---:|"]
    by_split = {
        split: Counter(sample.source for sample in gathered.splits[split]) for split in SPLITS
    }
    for source, said in SOURCES.items():
        cells = [gathered.count.read[source], *(by_split[split][source] for split in SPLITS)]
        lines.append(f"| {said} | " + " | ".join(f"{cell:,}" for cell in cells) + " |")
    spoken = Counter(sample.language for sample in gathered.samples)
    said = ", ".join(f"{language} {count:,}" for language, count in sorted(spoken.items()))
    return "\n".join(lines) + f"\n\nLanguages: {said or 'none'}."


def dates(samples: Sequence[Sample]) -> str:
    days = sorted(sample.day for sample in samples if sample.day)
    return f"Conversations began between {days[0]} and {days[-1]}." if days else "No conversations."


def listed(found: Counter[str], nothing: str) -> str:
    lines = [f"- {why}: {count:,}" for why, count in found.most_common() if count]
    return "\n".join(lines) or f"- {nothing}"


def split_by(made: Made) -> str:
    return (
        f"Of a hundred customers {100 - VALID - TEST} are in train, {VALID} in valid, {TEST} in test, by their hash and the seed; an SOP's "
        "wordings stay together. Checked before it was written: no customer and no SOP in two splits, nothing nearly the same in two "
        "splits, no evaluation case in train."
    )


def masking(samples: Sequence[Sample]) -> str:
    texts = (line.text for sample in samples for line in sample.lines)
    kinds = Counter(kind for text in texts for kind in PLACEHOLDER.findall(text))
    return (
        "Masked when it was said, and once more on its way out; a dialogue that could not be examined to the end was left out. "
        "Placeholders, the same one for the same value within a dialogue:\n\n"
        + listed(kinds, "none")
    )
