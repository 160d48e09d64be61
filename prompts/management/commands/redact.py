"""`manage.py redact`: masks texts in bulk, JSONL in and JSONL out, with the redaction of production.

Needs neither database nor Redis. Each line has placeholders of its own.
"""

import secrets
import time
from argparse import ArgumentParser
from typing import Any

from typing_extensions import override

from prompts.management.lines import LinesCommand, ms_since
from prompts.nlu import segment
from prompts.redaction import engine
from prompts.redaction.placeholders import Placeholders
from prompts.redaction.spans import RedactionFailed

KEY_BYTES = 16


class Command(LinesCommand):
    help = "Masks personal data: reads {id, text} a line, writes {id, masked, spans, ms} a line."
    done = "redacted"

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--language", choices=["zh", "en"], help="of all texts; else by the letters of each"
        )

    @override
    def prepare(self, options: dict[str, Any]) -> None:
        engine.warm()

    @override
    def answer(self, row: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        return redacted(row, language=options["language"])


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
