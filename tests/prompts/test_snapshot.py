"""What staff change is seen by every process: at once when it is announced, within five seconds in any case."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis

from prompts import controls, redis, snapshot
from prompts.llm.features import Arm, Tally
from prompts.llm.load import Level, Thresholds
from prompts.llm.router import Policy
from prompts.models import (
    Budget,
    Canary,
    LoadPolicy,
    ModelEndpoint,
    QualityCell,
    RoutePolicy,
)
from prompts.snapshot import Cache, Listener, Snapshot, take_snapshot
from tests.services import database_url

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 20.0


class Shelf:
    """A cache over snapshots that count themselves, so that it can be seen which one is handed out."""

    def __init__(self) -> None:
        self.taken = 0
        self.gate = threading.Event()
        self.gate.set()
        self.cache = Cache(self.take)

    def take(self) -> Snapshot:
        taken_at = time.monotonic()
        self.taken += 1
        self.gate.wait(PATIENCE_SECONDS)
        return snapshot_of(self.taken, taken_at=taken_at)

    def number(self) -> int:
        return cast("Numbered", self.cache.get()).number


@dataclass(frozen=True)
class Numbered:
    """All that a cache looks at in a snapshot, and a number to know it by."""

    number: int
    taken_at: float


def snapshot_of(number: int, *, taken_at: float) -> Snapshot:
    return cast("Snapshot", Numbered(number, taken_at))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture(autouse=True)
def fresh(transactional_db: None) -> Iterator[None]:
    snapshot.CACHE.clear()
    yield
    snapshot.CACHE.clear()


def becomes_true(holds: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def started(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


# --- how old a copy may be -------------------------------------------------------------------------


def test_get_takes_once_while_the_copy_is_fresh(shelf: Shelf) -> None:
    assert [shelf.number() for _ in range(3)] == [1, 1, 1]


def test_get_past_the_soft_age_reads_anew_in_one_thread_while_others_go_on(shelf: Shelf) -> None:
    first = shelf.cache.get()
    shelf.cache.kept = snapshot_of(1, taken_at=first.taken_at - snapshot.SOFT_SECONDS)
    shelf.gate.clear()
    reader = started(shelf.number)
    assert becomes_true(lambda: shelf.taken == 2)

    meanwhile = shelf.number()
    shelf.gate.set()
    reader.join()

    assert meanwhile == 1
    assert (shelf.number(), shelf.taken) == (2, 2)


def test_get_past_the_hard_age_waits_for_the_new_copy(shelf: Shelf) -> None:
    first = shelf.cache.get()
    shelf.cache.kept = snapshot_of(1, taken_at=first.taken_at - snapshot.SNAPSHOT_SECONDS)
    assert told_by_threads(shelf, threads=4) == {2}
    assert shelf.taken == 2


def test_get_after_a_drop_waits_for_the_new_copy(shelf: Shelf) -> None:
    shelf.cache.get()
    shelf.cache.clear()
    assert told_by_threads(shelf, threads=4) == {2}
    assert shelf.taken == 2


def test_copy_that_was_being_taken_when_something_changed_is_not_kept(shelf: Shelf) -> None:
    shelf.gate.clear()
    reader = started(shelf.number)
    assert becomes_true(lambda: shelf.taken == 1)

    shelf.cache.clear()
    shelf.gate.set()
    reader.join()

    assert shelf.number() == 2


def test_get_that_fails_leaves_the_cache_usable(shelf: Shelf) -> None:
    def refuse() -> Snapshot:
        raise LookupError

    shelf.cache.take = refuse
    with pytest.raises(LookupError):
        shelf.cache.get()
    shelf.cache.take = shelf.take
    assert shelf.number() == 1


def told_by_threads(shelf: Shelf, *, threads: int) -> set[int]:
    """What threads got that all asked before the new copy was there."""
    told: list[int] = []
    shelf.gate.clear()
    running = [started(lambda: told.append(shelf.number())) for _ in range(threads)]
    assert becomes_true(lambda: shelf.taken == 2)
    assert told == []
    shelf.gate.set()
    for thread in running:
        thread.join()
    assert len(told) == threads
    return set(told)


# --- announcing ------------------------------------------------------------------------------------


def version() -> int:
    kept: Any = redis.connection().get(snapshot.VERSION_KEY)
    return int(kept or 0)


def test_announce_counts_once_the_transaction_is_committed() -> None:
    snapshot.snapshot()
    with transaction.atomic():
        Budget.objects.create(per_day=1)
        snapshot.announce()
        assert version() == 0
    assert version() == 1
    assert len(snapshot.snapshot().budgets) == 1


def test_announce_in_a_transaction_that_rolls_back_announces_nothing() -> None:
    with transaction.atomic():
        Budget.objects.create(per_day=1)
        snapshot.announce()
        transaction.set_rollback(True)
    assert version() == 0
    assert snapshot.snapshot().budgets == ()


def test_announcement_drops_the_copies_of_others() -> None:
    shelves = [Shelf(), Shelf()]
    for each in shelves:
        Listener(each.cache).start()
    assert becomes_true(lambda: subscribers() >= 2)
    assert [each.number() for each in shelves] == [1, 1]

    snapshot.announce()

    # Far below the age at which they would have read anew by themselves.
    assert becomes_true(lambda: [each.number() for each in shelves] == [2, 2], seconds=2.0)


def subscribers() -> int:
    counted: Any = redis.connection().pubsub_numsub(snapshot.CHANNEL)
    return int(counted[0][1])


FOLLOWER = """
import time
import django
django.setup()
from prompts.snapshot import snapshot
print(len(snapshot().budgets), flush=True)
until = time.monotonic() + 20
while not snapshot().budgets and time.monotonic() < until:
    time.sleep(0.01)
print(len(snapshot().budgets), flush=True)
"""


def test_another_process_sees_what_was_announced() -> None:
    environment = {**os.environ, "DATABASE_URL": database_url()}
    heard_before = subscribers()
    with subprocess.Popen(
        [sys.executable, "-c", FOLLOWER],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "0\n"
        assert becomes_true(lambda: subscribers() > heard_before)
        with transaction.atomic():
            Budget.objects.create(per_day=1)
            snapshot.announce()
        assert other.stdout.readline() == "1\n"
    assert other.returncode == 0


# --- without Redis ---------------------------------------------------------------------------------


@pytest.fixture
def no_redis(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.REDIS_URL = f"unix://{tmp_path}/nothing-here.sock"
    redis.connection.cache_clear()
    yield
    redis.connection.cache_clear()


@pytest.mark.usefixtures("no_redis")
def test_without_redis_the_announcing_process_follows_at_once() -> None:
    before = snapshot.snapshot()
    Budget.objects.create(per_day=1)
    snapshot.announce()
    assert (len(before.budgets), len(snapshot.snapshot().budgets)) == (0, 1)


def test_without_an_announcement_the_age_of_the_copy_brings_the_change() -> None:
    cache = Cache(take_snapshot)
    first = cache.get()
    Budget.objects.create(per_day=1)

    cache.kept = replace(first, taken_at=first.taken_at - snapshot.SNAPSHOT_SECONDS)

    assert len(cache.get().budgets) == 1
    assert snapshot.SOFT_SECONDS < snapshot.SNAPSHOT_SECONDS <= 5.0


def test_listener_tries_again_until_redis_is_there(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    right = redis.connection()
    clients = iter([Redis.from_url(f"unix://{tmp_path}/nothing-here.sock")])
    monkeypatch.setattr(snapshot, "redis_connection", lambda: next(clients, right))
    monkeypatch.setattr(snapshot, "SOFT_SECONDS", 0.01)
    heard_before = subscribers()

    Listener(shelf.cache).start()

    assert becomes_true(lambda: subscribers() > heard_before)


# --- what is in it ---------------------------------------------------------------------------------


def test_snapshot_of_an_empty_database_has_every_default() -> None:
    taken = take_snapshot()
    assert (taken.endpoints, taken.prompts, taken.arms, taken.budgets) == ((), {}, (), ())
    assert (taken.policy, taken.thresholds, taken.forced) == (
        Policy(),
        Thresholds(),
        None,
    )
    assert taken.records == {}


def test_snapshot_holds_what_staff_switched_on(settings: Any) -> None:
    settings.MODEL_API_KEYS = {"OPENAI_API_KEY": "k"}
    main = row("main")
    row("off", enabled=False)
    Canary.objects.create(name="runs", endpoint=main, status="running", last_bucket=9)
    Canary.objects.create(name="draft", endpoint=main, first_bucket=50, last_bucket=60)
    RoutePolicy.objects.create(number=3, content={"quality_vip": 0.97}, active=True)
    RoutePolicy.objects.create(number=4, content={})
    LoadPolicy.objects.create(pk=1, enter_light=7.0, leave_light=5.0, mean_seconds=2)
    Budget.objects.create(inbox="a", per_day=1)
    Budget.objects.create(inbox="b", per_day=1, enabled=False)

    taken = take_snapshot()

    assert [(e.name, e.api_key) for e in taken.endpoints] == [("main", "k")]
    assert taken.arms == (Arm("runs", 0, 9, "main"),)
    assert (taken.policy.version, taken.policy.quality_vip) == ("3", 0.97)
    assert (taken.thresholds.enter[0], taken.thresholds.mean_seconds) == (7.0, 2)
    assert [budget.inbox for budget in taken.budgets] == ["a"]


def test_snapshot_costs_the_same_queries_for_many_rows() -> None:
    counts = []
    for number in range(3):
        main = row(f"e{number}")
        span = {"first_bucket": number, "last_bucket": number}
        Canary.objects.create(name=f"c{number}", endpoint=main, status="running", **span)
        QualityCell.objects.create(endpoint=main.name, good=1, n=1)
        Budget.objects.create(inbox=f"i{number}", per_day=1)
        with CaptureQueriesContext(database) as queries:
            take_snapshot()
        counts.append(len(queries))
    assert counts == [counts[0]] * 3


def test_records_sum_cells_by_intent_and_keep_the_overall_row_apart() -> None:
    cell("main", good=90, n=100, p95_ms=700.0)
    cell("main", "track", "neutral", "short", good=8, n=10)
    cell("main", "track", "negative", "short", good=1, n=5)
    cell("main", "return", "neutral", "long", good=3, n=3)
    cell("other", "track", "neutral", "short", good=2, n=2)

    found = snapshot.records()

    main = found["main"]
    assert (main.overall, main.p95_ms) == (Tally(90, 100), 700.0)
    assert main.of_intent == {"track": Tally(9, 15), "return": Tally(3, 3)}
    assert main.of_cell["track", "negative", "short"] == Tally(1, 5)
    assert len(main.of_cell) == 3
    assert found["other"].of_intent == {"track": Tally(2, 2)}
    assert found["other"].overall == Tally()


def test_forced_level_holds_for_its_time_only() -> None:
    controls.force_level(Level.SOP, minutes=10)
    assert take_snapshot().forced is Level.SOP
    LoadPolicy.objects.update(forced_until=timezone.now() - timedelta(seconds=1))
    assert take_snapshot().forced is None
    controls.force_level(Level.NORMAL, minutes=10)
    assert take_snapshot().forced is Level.NORMAL
    controls.force_level(None, minutes=10)
    assert take_snapshot().forced is None


def row(name: str, **changes: Any) -> ModelEndpoint:
    fields = {"provider": "openai", "model": "m", "api_key_env": "OPENAI_API_KEY"}
    return ModelEndpoint.objects.create(name=name, **{**fields, **changes})


def cell(name: str, intent: str = "", emotion: str = "", length: str = "", **counts: Any) -> None:
    QualityCell.objects.create(
        endpoint=name, intent=intent, emotion=emotion, length=length, **counts
    )
