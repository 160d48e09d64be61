"""`manage.py analyse` finds line by line what a turn would find, by the local models only."""

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db import connection as database

from chat import analysis
from prompts import snapshot, understanding
from prompts.locks import Lock
from prompts.models import NluModel
from tests.prompts.shop_intents import plant


@pytest.fixture(autouse=True)
def fresh(transactional_db: None) -> Iterator[None]:
    def forget() -> None:
        snapshot.CACHE.clear()
        understanding.LOADED.forget()

    forget()
    yield
    forget()


@pytest.fixture
def trained() -> None:
    plant()
    understanding.train_now()


def analyse(
    *rows: Any, monkeypatch: pytest.MonkeyPatch, out: str = "-"
) -> tuple[list[dict[str, Any]], str]:
    """The objects written, and what was said meanwhile."""
    text = "".join(
        row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) + "\n" for row in rows
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    written, said = io.StringIO(), io.StringIO()
    call_command("analyse", "-", "--out", out, stdout=written, stderr=said)
    return [json.loads(line) for line in written.getvalue().splitlines()], said.getvalue()


@pytest.mark.usefixtures("trained")
def test_a_line_has_what_the_contract_names(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"id": "a", "text": "订单20260131001的快递到哪了,电话13812345678,气死我了"}
    [found], said = analyse(row, monkeypatch=monkeypatch)

    assert found["id"] == "a"
    assert found["intents"][0]["name"] == "logistics"
    assert all(0 < each["p"] <= 1 for each in found["intents"])
    assert 0 <= found["unknown_p"] <= 1
    assert found["emotion"]["label"] == "negative"
    assert 0 < found["emotion"]["score"] <= 1
    # Slots are what the line says; it is the caller's own text.
    assert found["slots"] == {"order_number": "20260131001", "phone": "13812345678"}
    assert found["wants_human"] is False
    assert found["ms"] > 0
    assert "analysed: 1, failed: 0, unreadable: 0" in said


@pytest.mark.usefixtures("trained")
def test_the_line_before_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    heard = analysis.analyse

    def listen(*args: Any, prev: str, **options: Any) -> Any:
        seen.append(prev)
        return heard(*args, prev=prev, **options)

    monkeypatch.setattr(analysis, "analyse", listen)
    rows = [{"id": 1, "text": "好的", "prev": "要退货吗?"}, {"id": 2, "text": "好", "prev": None}]
    analyse(*rows, monkeypatch=monkeypatch)
    assert seen[1:] == ["要退货吗?", ""]


@pytest.mark.usefixtures("trained")
def test_what_was_masked_before_keeps_its_placeholders(monkeypatch: pytest.MonkeyPatch) -> None:
    [found], _ = analyse({"id": 1, "text": "打<PHONE_1>"}, monkeypatch=monkeypatch)
    assert found["slots"] == {"phone": "<PHONE_1>"}


@pytest.mark.usefixtures("trained")
def test_bad_lines_are_named_and_the_rest_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.jsonl"
    rows = [{"id": 1, "text": "退货"}, "nope\n", {"id": 3, "text": "好", "prev": 3}]
    with pytest.raises(CommandError, match="2 lines could not be read, as -:2: not JSON"):
        analyse(*rows, {"id": 4, "text": "发票"}, out=str(out), monkeypatch=monkeypatch)
    written = out.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in written] == [1, 4]


def test_the_first_classifier_is_trained_when_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plant()
    [found], said = analyse({"id": 1, "text": "怎么开发票"}, monkeypatch=monkeypatch)
    assert found["intents"][0]["name"] == "invoice"
    assert NluModel.objects.filter(active=True).count() == 1
    assert "training the first" in said


def test_a_training_that_runs_already_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    plant()
    slept: list[float] = []
    other = database.copy()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [Lock.TRAINING])

    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [Lock.TRAINING])
    monkeypatch.setattr(time, "sleep", sleep)
    try:
        [found], _ = analyse({"id": 1, "text": "怎么开发票"}, monkeypatch=monkeypatch)
    finally:
        other.close()
    assert len(slept) == 1
    assert found["intents"][0]["name"] == "invoice"


def test_without_examples_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="sync_defaults"):
        analyse({"id": 1, "text": "退货"}, monkeypatch=monkeypatch)


def test_without_a_database_the_shipped_examples_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(snapshot, "active_classifier", away)
    [found], said = analyse({"id": 1, "text": "我要退货"}, monkeypatch=monkeypatch)
    assert found["intents"][0]["name"] == "return"
    assert "no database answers" in said
