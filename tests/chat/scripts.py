"""Scripted dialogues, tests/chat/dialogues/*.yaml: what a customer says, and what is to be known after each line.

A script has a title, a language and turns. A turn `says` a line, or a list of lines; `masked` is the same as redaction
leaves it; `gap: next_day` or `gap: idle` lets time pass before it. Of `expect`, `intents` come in the order said,
`slots` are those of the current topic (null: not held), `topic` is its intent, `open_topics` are all open ones with
the latest on top, `state_has` and `state_lacks` look at the block for the model, `answer_has` looks at what is said without a model, `handed_over` says that a person takes over, `offered` and `resumes` look at the offer
to go on with an earlier topic. `misheard` names what of `expect` the trained classifier does not reach yet, so that
test_dialogue_turns does not ask for it. `understood` is what classifiers would find where that differs from `expect`; only
test_dialogues reads it.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

SCRIPTS = sorted((Path(__file__).parent / "dialogues").glob("*.yaml"))
# A Saturday, 10:00 in Shanghai
START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
GAPS = {"": timedelta(seconds=20), "next_day": timedelta(days=1), "idle": timedelta(minutes=31)}
LINE = {"says", "masked", "gap", "language", "understood", "misheard", "expect"}
EXPECTED = {
    "intents", "emotion", "wants_human", "slots", "topic", "open_topics", "state_has", "state_lacks", "repair",
    "asks_for_nothing_known", "doubtful", "confused", "offered", "resumes", "solved_before", "handed_over", "answer_has",
}  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    script: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert {"title", "language", "turns"} == script.keys()
    for turn in script["turns"]:
        assert turn.keys() <= LINE, turn
        assert turn["expect"].keys() <= EXPECTED, turn
        assert set(turn.get("misheard", [])) <= turn["expect"].keys(), turn
    return script


def lines_of(said: str | list[str]) -> list[str]:
    return said if isinstance(said, list) else [said]
