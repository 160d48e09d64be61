"""`manage.py evaluate_escalation` on a small planted set: who would be passed to a person, and what is said of each."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chat.escalation import Action, Verdict
from chat.management.marked import Judged, Mark, report
from prompts import completion, snapshot, understanding
from prompts.models import Prompt, PromptVersion
from tests.prompts.shop_intents import plant

ADDENDUM = "先道歉"
ANGRY = "你们什么破服务,气死我了,我要投诉!"
SESSIONS = [
    {"id": "angry", "turns": [
        {"role": "user", "text": "快递怎么还没到"}, {"role": "agent", "text": "请稍等"},
        {"role": "user", "text": "气死我了,还没到"}, {"role": "agent", "text": "请再等等"},
        {"role": "user", "text": ANGRY},
    ]},
    {"id": "calm", "turns": [{"role": "user", "text": "快递到哪了"}]},
    {"id": "asked", "turns": [
        {"role": "user", "text": "转人工"}, {"role": "agent", "text": "您好"},
        {"role": "user", "text": "快递到哪了"},
    ]},
]  # fmt: skip
MARKS = [
    {"id": "angry:4", "emotion": "negative"},
    {"id": "calm:0", "emotion": "neutral"},
    {"id": "asked:2", "emotion": "positive"},
    {"id": "calm:0", "emotion": None},
]


@pytest.fixture
def trained(transactional_db: None) -> Iterator[None]:
    def forget() -> None:
        snapshot.CACHE.clear()
        understanding.LOADED.forget()

    forget()
    plant()
    understanding.train_now()
    yield
    forget()


@pytest.fixture
def addendum(texts: None) -> None:
    """What the prompt says for a customer in a bad mood."""
    prompt = Prompt.objects.get(purpose="answer", language="zh")
    fields = {"number": 2, "text": "{{knowledge}}", "emotion_addendum": ADDENDUM}
    version = PromptVersion.objects.create(prompt=prompt, **fields)
    Prompt.objects.filter(pk=prompt.pk).update(current=version)
    completion.CACHE.clear()


def write(path: Path, rows: list[Any]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return str(path)


def evaluate(folder: Path, *, marks: list[Any] = MARKS, **options: Any) -> list[str]:
    said = io.StringIO()
    call_command(
        "evaluate_escalation",
        sessions=write(folder / "sessions.jsonl", SESSIONS),
        marks=write(folder / "marks.jsonl", marks),
        stdout=said,
        stderr=io.StringIO(),
        **options,
    )
    return said.getvalue().splitlines()


@pytest.mark.usefixtures("trained", "addendum")
def test_the_angry_are_handed_over_and_each_line_says_why(tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    lines = evaluate(tmp_path, out=str(out), show=True)

    figures = json.loads(lines[-1])
    assert figures["dissatisfied"]["lines"] == 1
    assert figures["dissatisfied"]["handed_over"]["count"] == 1
    assert figures["dissatisfied"]["addendum"]["count"] == 1
    calm = figures["calm"]
    assert (calm["lines"], calm["handed_over"]["count"]) == (2, 0)
    # A person was asked for two lines before.
    assert calm["handed_over_by_then"]["count"] == 1
    with out.open(encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    angry = rows["angry:4"]
    assert (angry["marked"], angry["action"]) == ("dissatisfied", "hand_over")
    assert "lasting" in angry["reasons"]
    assert angry["addendum"] == ADDENDUM
    assert (rows["calm:0"]["reasons"], rows["calm:0"]["addendum"]) == ("", "")
    assert rows["asked:2"]["escalated_at"] == "0"
    assert any(line.startswith("id=angry:4") and ADDENDUM in line for line in lines)


@pytest.mark.parametrize(
    "mark",
    [
        {"id": "angry:1", "emotion": "negative"},
        {"id": "angry:9", "emotion": "negative"},
        {"id": "nobody:0", "emotion": "negative"},
        {"id": "calm:0", "emotion": "furious"},
        {"emotion": "negative"},
    ],
)
def test_a_mark_that_names_no_customers_line_is_refused(tmp_path: Path, mark: Any) -> None:
    with pytest.raises(CommandError, match=r"marks\.jsonl:1"):
        evaluate(tmp_path, marks=[mark])


def test_shares_come_with_their_interval_and_none_without_a_line() -> None:
    handed = Verdict(Action.HAND_OVER, 1.0)
    lines = [
        Judged(Mark("a", n, dissatisfied=True), "", "negative", 0.9, True, verdict, None)
        for n, verdict in enumerate([handed, Verdict(Action.OFFER, 0.5), Verdict(Action.ANSWER)])
    ]
    found = report(lines)
    share = found["dissatisfied"]["handed_over"]
    assert (share["count"], share["share"]) == (1, 0.3333)
    assert share["interval"][0] < 1 / 3 < share["interval"][1]
    assert found["dissatisfied"]["offered_or_handed_over"]["count"] == 2
    assert found["calm"]["handed_over"] == {"count": 0, "share": None, "interval": [0.0, 1.0]}
