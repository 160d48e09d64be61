"""Qualities are counted from the ledger: by cell, over two weeks, by one worker at a time."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from config.celery import app
from prompts import completion, imports, tasks
from prompts.llm.features import Tally
from prompts.locks import Lock
from prompts.models import (
    EvalRun,
    EvalSet,
    ExampleUse,
    FewShotExample,
    QualityCell,
    SopImport,
)
from prompts.snapshot import records
from tests.prompts.llm.racing import race
from tests.prompts.rows import call, calls


@pytest.fixture(autouse=True)
def fresh(transactional_db: None) -> Iterator[None]:
    completion.CACHE.clear()
    yield
    completion.CACHE.clear()


def cells(*, overall: bool = False) -> list[tuple[Any, ...]]:
    """(endpoint, intent, emotion, length, good, n) of every cell, or of the rows over all cells."""
    found = (
        QualityCell.objects.filter(intent="") if overall else QualityCell.objects.exclude(intent="")
    )
    fields = ("endpoint", "intent", "emotion", "length", "good", "n")
    ordered = found.order_by("endpoint", "intent", "emotion", "length")
    return list(ordered.values_list(*(fields if not overall else ("endpoint", "good", "n"))))


def test_count_qualities_of_an_empty_ledger_leaves_nothing() -> None:
    QualityCell.objects.create(endpoint="gone", good=1, n=1)
    tasks.count_qualities()
    assert not QualityCell.objects.exists()


def test_count_qualities_groups_by_cell_and_sums_by_endpoint() -> None:
    calls(3)
    call(error_class="timeout")
    call(emotion="negative", taken_over=True)
    call(length="long", feedback="down")
    call(intent="return", feedback="up")
    calls(2, endpoint="other")

    tasks.count_qualities()

    assert cells() == [
        ("main", "return", "neutral", "short", 1, 1),
        ("main", "track", "negative", "short", 0, 1),
        ("main", "track", "neutral", "long", 0, 1),
        ("main", "track", "neutral", "short", 3, 4),
        ("other", "track", "neutral", "short", 2, 2),
    ]
    assert sorted(cells(overall=True)) == [("main", 4, 7), ("other", 2, 2)]


def test_count_qualities_leaves_out_what_says_nothing_of_an_answer() -> None:
    call()
    call(ago=timedelta(days=tasks.QUALITY_DAYS, hours=1))
    call(purpose="dispatch")
    call(purpose="trial")
    call(error_class="abandoned")
    tasks.count_qualities()
    assert cells(overall=True) == [("main", 1, 1)]


def test_calls_without_an_intent_count_over_all_only() -> None:
    calls(2, intent="")
    call()
    tasks.count_qualities()
    assert cells() == [("main", "track", "neutral", "short", 1, 1)]
    assert cells(overall=True) == [("main", 3, 3)]


def test_p95_is_that_of_first_tokens_of_the_last_hour() -> None:
    for first_token_ms in range(1, 101):
        call(first_token_ms=float(first_token_ms))
    call(first_token_ms=90_000.0, ago=timedelta(hours=2))
    call(first_token_ms=None)
    call(endpoint="idle", first_token_ms=500.0, ago=timedelta(hours=2))
    tasks.count_qualities()
    p95 = {c.endpoint: c.p95_ms for c in QualityCell.objects.filter(intent="")}
    assert p95 == {"main": pytest.approx(95.05), "idle": 0.0}


def test_count_qualities_reaches_the_snapshot_at_once() -> None:
    assert completion.snapshot().records == {}
    calls(2)
    call(taken_over=True)
    tasks.count_qualities()
    record = completion.snapshot().records["main"]
    assert record.overall == Tally(2, 3)
    assert record.of_cell["track", "neutral", "short"] == Tally(2, 3)


def test_count_qualities_twice_counts_the_same() -> None:
    calls(3)
    tasks.count_qualities()
    first = records()
    tasks.count_qualities()
    assert records() == first


def test_count_qualities_at_once_leaves_one_whole_count() -> None:
    calls(20)

    def one() -> None:
        tasks.count_qualities()
        database.close()

    race(one, racers=6)
    assert cells(overall=True) == [("main", 20, 20)]
    assert cells() == [("main", "track", "neutral", "short", 20, 20)]


def test_count_qualities_does_nothing_while_another_worker_counts() -> None:
    QualityCell.objects.create(endpoint="kept", good=1, n=1)
    call()
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.COUNTING_QUALITIES])
        elsewhere(tasks.count_qualities)
        assert [cell.endpoint for cell in QualityCell.objects.all()] == ["kept"]


def elsewhere(act: Any) -> None:
    """Does it on another connection."""

    def one() -> None:
        act()
        database.close()

    race(one, racers=1)


def test_an_example_is_used_once_a_turn_however_many_calls_that_took() -> None:
    example = FewShotExample.objects.create(key="e", language="zh", intent="i", messages=[])
    shown = {"decision": {"examples": [example.pk]}}
    for error_class in ("", "", ""):  # rounds of tools
        call(trace_id="tools", error_class=error_class, **shown)
    call(trace_id="fallback", error_class="timeout", **shown)
    call(trace_id="fallback", **shown)
    call(trace_id="failed-late", **shown)
    call(trace_id="failed-late", error_class="timeout", **shown)
    call(trace_id="down", **shown)
    call(trace_id="down", feedback="down", **shown)
    call(trace_id="taken", taken_over=True, **shown)

    tasks.count_qualities()

    use = ExampleUse.objects.get()
    assert (use.example, use.shown, use.good) == (example, 5, 2)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """What was rung for: the task's name without its module, and its arguments."""
    rings: list[tuple[str, list[int]]] = []

    def send_task(name: str, args: Any = (), *_: Any, **__: Any) -> None:
        rings.append((name.rpartition(".")[2], list(args)))

    monkeypatch.setattr(app, "send_task", send_task)
    return rings


def test_jobs_that_nobody_is_at_are_rung_for(rung: list[tuple[str, list[int]]]) -> None:
    now = timezone.now()
    chosen = EvalSet.objects.create(name="s", title="s")

    def run(state: str, *, ago: timedelta, lease: timedelta | None = None) -> int:
        until = now + lease if lease else None
        row = EvalRun.objects.create(
            set=chosen, state=state, created_at=now - ago, lease_until=until
        )
        return row.pk

    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    unrung = run("waiting", ago=minute)
    died = run("running", ago=hour, lease=-minute)
    run("waiting", ago=timedelta(0))
    run("running", ago=hour, lease=minute)
    run("running", ago=timedelta(days=2), lease=-hour)
    run("done", ago=hour)

    def job(state: str, *, lease: timedelta | None = None) -> int:
        until = now + lease if lease else None
        return SopImport.objects.create(file_name="f", file=b"", state=state, lease_until=until).pk

    to_check, to_apply = job("waiting"), job("applying", lease=-minute)
    job("checked")
    job("applying", lease=minute)

    tasks.resume_jobs()

    assert rung == [
        ("run_evaluation", [unrung]),
        ("run_evaluation", [died]),
        ("check_import", [to_check]),
        ("apply_import", [to_apply]),
    ]


def test_a_file_is_checked_by_one_worker_at_a_time() -> None:
    job = SopImport.objects.create(file_name="f.csv", file=b"key,title")

    assert imports.claim(job.pk, "waiting") is not None
    tasks.check_import(job.pk)
    job.refresh_from_db()
    assert job.state == "waiting"
    # Its worker died.
    SopImport.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.check_import(job.pk)

    job.refresh_from_db()
    assert (job.state, job.lease_until) == ("checked", None)


def test_beat_rings_for_both_tasks() -> None:
    app.loader.import_default_modules()
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert {tasks.guard_canaries.name, tasks.count_qualities.name} <= scheduled
    assert scheduled <= set(app.tasks)
