"""`manage.py analyse`: intents, mood and slots of texts in bulk, JSONL in and JSONL out, as a turn finds them.

By the local models only: no vendor is asked and nothing is stored. The classifier is the one in force; without a
database it is trained on the examples that ship with the platform.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from typing_extensions import override

from chat import analysis, question, vault
from chat.analysis import Analysis
from chat.dialogue import Dialogue
from prompts import snapshot, understanding
from prompts.default_files import FOLDER
from prompts.management.lines import BadLine, LinesCommand, ms_since
from prompts.nlu import public_sets, segment
from prompts.nlu.intents import Classifier
from prompts.nlu.train import TooFewExamples, train
from prompts.redaction import engine
from prompts.redaction.placeholders import PLACEHOLDER, Placeholders
from prompts.redaction.spans import RedactionFailed

KEY_BYTES = 16
P_DIGITS = 4
# How long to wait for a training that another process runs, as a fresh installation does by itself.
WAIT_SECONDS, PAUSE_SECONDS = 180, 1.0


class Command(LinesCommand):
    help = (
        "Finds intents, mood and slots by the local models: reads {id, text, prev?} a line, "
        "writes {id, intents, unknown_p, emotion, slots, wants_human, ms} a line."
    )
    wanted = "{id, text, prev?}"
    done = "analysed"

    @override
    def prepare(self, options: dict[str, Any]) -> None:
        self.classifier = self.found()
        self.patterns = question.order_patterns()
        self.today = timezone.localdate()
        engine.warm()
        self.analysed("好 ok", prev="")

    @override
    def check_row(self, row: dict[str, Any]) -> None:
        if not isinstance(row.get("prev", ""), str | None):
            raise BadLine('"prev" must be a string')

    @override
    def answer(self, row: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        text, values = masked(row["text"])
        started = time.perf_counter()
        found = self.analysed(text, prev=row.get("prev") or "")
        return {"id": row["id"], **shown(found, values), "ms": ms_since(started)}

    def analysed(self, text: str, *, prev: str) -> Analysis:
        return analysis.analyse(
            [text],
            language="zh",
            dialogue=Dialogue(),
            today=self.today,
            prev=prev,
            classifier=self.classifier,
            patterns=self.patterns,
        )

    def found(self) -> Classifier:
        """The classifier in force; trained now where there is none yet. Raises CommandError."""
        try:
            return in_force() or self.trained()
        except (OperationalError, InterfaceError):
            connection.close_pool()  # type: ignore[attr-defined]  # of the Postgres backend
            self.stderr.write(
                "no database answers: training on the shipped examples; `make up`, or set DATABASE_URL, "
                "to use the classifier in force"
            )
            return self.shipped()

    def trained(self) -> Classifier:
        """The first classifier of an installation, by this process or by the one that trains already."""
        self.stderr.write("no classifier is in force yet: training the first")
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            try:
                understanding.train_now(note="first")
            except understanding.AlreadyTraining:
                time.sleep(PAUSE_SECONDS)
            except TooFewExamples as error:
                raise CommandError(
                    f"too few examples to train: {error}. `manage.py sync_defaults` loads the shipped ones."
                ) from error
            if found := in_force():
                return found
        raise CommandError("another process trains without end: try `manage.py train_nlu` later")

    def shipped(self) -> Classifier:
        def progress(what: str, done: int, steps: int) -> None:
            self.stderr.write(f"training: {what} {done}/{steps}")

        examples = public_sets.own_examples(FOLDER / "intents")
        weights, _ = train(examples, progress=progress, unknown=understanding.UNKNOWN)
        return Classifier(weights)


def in_force() -> Classifier | None:
    """The classifier in force now, whatever this process heard before; None where there is none yet."""
    return understanding.load(snapshot.active_classifier())


def masked(text: str) -> tuple[str, Mapping[str, str]]:
    """The text as a turn has it, and what its placeholders stand for.

    One that was masked before, or cannot be examined, stays as it is: it goes nowhere.
    """
    if PLACEHOLDER.search(text):
        return text, {}
    language: engine.Language = "zh" if segment.language_of(text) == "zh" else "en"
    book = Placeholders(key=secrets.token_bytes(KEY_BYTES))
    try:
        found = engine.mask(text, language=language, book=book, not_personal=vault.order_patterns())
    except RedactionFailed:
        return text, {}
    return found.text, found.values


def shown(found: Analysis, values: Mapping[str, str]) -> dict[str, Any]:
    """What protocol.md promises of a line, and whether "unknown" is the honest answer. Slots are as they were written."""
    understood, intents = found.understood, found.found
    return {
        "intents": [
            {"name": name, "p": round(p, P_DIGITS)}
            for name, p in (intents.intents if intents else ())
        ],
        "unknown_p": round(understood.unknown_p, P_DIGITS),
        "unknown": bool(intents and intents.unknown),
        "emotion": {
            "label": understood.emotion,
            "score": round(understood.emotion_score, P_DIGITS),
        },
        "slots": {slot.name: values.get(slot.value, slot.value) for slot in understood.said.slots},
        "wants_human": understood.wants_human,
    }
