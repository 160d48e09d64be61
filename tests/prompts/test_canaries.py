"""Canaries are started and stopped once, never two over one bucket, and rolled back by what the ledger says."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from prompts import canaries, completion, tasks
from prompts.llm.canary import ArmStats
from prompts.models import Canary, ModelCall, ModelEndpoint
from tests.prompts.llm.racing import race
from tests.prompts.rows import call, calls

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def main(transactional_db: None) -> Iterator[ModelEndpoint]:
    fields = {"provider": "openai", "model": "m", "api_key_env": "OPENAI_API_KEY"}
    made = ModelEndpoint.objects.create(name="main", **fields)
    completion.CACHE.clear()
    yield made
    completion.CACHE.clear()


def canary(name: str = "trial", *, first: int = 0, last: int = 9, **changes: Any) -> Canary:
    fields: dict[str, Any] = {"endpoint": ModelEndpoint.objects.get(), "min_samples": 10}
    return Canary.objects.create(
        name=name, first_bucket=first, last_bucket=last, **{**fields, **changes}
    )


def running(name: str = "trial", **changes: Any) -> Canary:
    started = {"status": "running", "started_at": timezone.now() - timedelta(hours=1)}
    return canary(name, **{**started, **changes})


def status(row: Canary) -> str:
    row.refresh_from_db()
    return row.status


def arms() -> list[str]:
    return [arm.canary for arm in completion.snapshot().arms]


# --- moves -----------------------------------------------------------------------------------------


def test_start_sends_the_buckets_at_once() -> None:
    row = canary()
    assert arms() == []
    assert canaries.start(row)
    assert (arms(), status(row)) == (["trial"], "running")
    assert row.started_at is not None


def test_roll_back_takes_them_back_at_once_and_says_why() -> None:
    row = running()
    assert arms() == ["trial"]
    assert canaries.roll_back(row, "x" * 300)
    assert (arms(), status(row)) == ([], "rolled_back")
    assert (row.reason, row.ended_at is not None) == ("x" * 200, True)


def test_finish_ends_a_canary() -> None:
    row = running()
    assert canaries.finish(row)
    assert (arms(), status(row), row.reason) == ([], "finished", "")


def test_moves_happen_once_and_only_from_where_they_may() -> None:
    row = canary()
    assert [canaries.roll_back(row, ""), canaries.finish(row)] == [False, False]
    assert [canaries.start(row), canaries.start(row)] == [True, False]
    assert [canaries.finish(row), canaries.finish(row)] == [True, False]
    assert [canaries.roll_back(row, ""), canaries.start(row)] == [False, False]
    assert status(row) == "finished"


def test_move_that_is_rolled_back_with_its_transaction_changes_nothing() -> None:
    row = canary()
    with transaction.atomic():
        canaries.start(row)
        transaction.set_rollback(True)
    assert (status(row), arms()) == ("draft", [])


def test_of_two_who_end_a_canary_at_once_exactly_one_does() -> None:
    row = running()
    outcomes = at_once([lambda: canaries.roll_back(row, "bad"), lambda: canaries.finish(row)])
    assert sorted(outcomes) == [False, True]
    assert status(row) in {"rolled_back", "finished"}


def test_of_many_who_start_a_canary_at_once_exactly_one_does() -> None:
    row = canary()
    outcomes = at_once([lambda: canaries.start(row)] * 4)
    assert outcomes.count(True) == 1


def test_of_overlapping_canaries_started_at_once_exactly_one_runs() -> None:
    rows = [canary(f"c{number}", first=number, last=number + 5) for number in range(4)]
    outcomes = at_once([partial(canaries.start, row) for row in rows])
    assert outcomes.count(True) == 1
    assert Canary.objects.filter(status="running").count() == 1


def at_once(acts: list[Any]) -> list[bool]:
    """What each act returned to a thread of its own."""
    left = list(acts)

    def one() -> bool:
        try:
            return bool(left.pop()())
        finally:
            database.close()

    return race(one, racers=len(acts))


@pytest.mark.parametrize(
    ("first", "last", "may"),
    [
        (0, 19, True),
        (0, 20, False),
        (25, 28, False),
        (0, 99, False),
        (30, 35, False),
        (31, 40, True),
    ],
)
def test_start_is_refused_where_another_claims_a_bucket(first: int, last: int, may: bool) -> None:
    other = running("other", first=20, last=30)
    row = canary(first=first, last=last)
    assert canaries.start(row) is may
    assert canaries.overlapping(row) == (None if may else other)


def test_ended_canaries_claim_nothing() -> None:
    canary("done", status="finished")
    canary("back", status="rolled_back")
    canary("draft")
    assert canaries.start(canary())


# --- statistics ------------------------------------------------------------------------------------


def test_statistics_count_arm_and_control_since_the_start() -> None:
    row = running()
    call(canary="trial", trace_id="t1", error_class="timeout", total_ms=9000)
    call(canary="trial", trace_id="t1", total_ms=100, wants_json=True, taken_over=True)
    call(canary="trial", trace_id="t2", total_ms=300, wants_json=True, error_class="bad_output")
    calls(4, total_ms=200)
    # What belongs to neither.
    call(canary="trial", ago=timedelta(hours=2))
    call(canary="trial", error_class="abandoned")
    call(canary="trial", purpose="dispatch", error_class="timeout")
    call(canary="other", error_class="timeout")

    found = canaries.statistics(row)

    assert found.arm == ArmStats(
        turns=2, takeovers=1, calls=3, errors=2, asked_json=2, json_failures=1, p99_ms=100.0
    )
    assert found.control == ArmStats(turns=4, calls=4, p99_ms=200.0)
    assert found.breach is None


def test_statistics_end_with_the_canary() -> None:
    row = running(ended_at=timezone.now() - timedelta(minutes=30), status="finished")
    calls(2, canary="trial", ago=timedelta(minutes=45))
    calls(3, canary="trial", ago=timedelta(minutes=15))
    assert canaries.statistics(row).arm.turns == 2


def test_statistics_of_a_draft_are_empty() -> None:
    call()
    found = canaries.statistics(canary())
    assert (found.arm, found.control) == (ArmStats(), ArmStats())


def test_statistics_of_a_name_with_quotes_are_its_own() -> None:
    row = running("it's ' OR 1=1 --")
    call(canary=row.name)
    call(canary="other")
    assert canaries.statistics(row).arm.turns == 1


# --- the guard -------------------------------------------------------------------------------------


BAD: dict[str, dict[str, Any]] = {
    "errors": {"error_class": "timeout"},
    "json_failures": {"wants_json": True, "error_class": "bad_output"},
    "takeovers": {"taken_over": True},
    "p99_ms": {"total_ms": 5000.0},
}
FINE: dict[str, Any] = {"total_ms": 1000.0, "wants_json": True}
# Switched off, so that a test sees one measure alone.
LENIENT: dict[str, Any] = {
    "max_error_points": 100.0,
    "max_json_points": 100.0,
    "max_takeover_points": 100.0,
}
LENIENT["max_p99_factor"] = 1000.0
STRICT: dict[str, dict[str, Any]] = {
    "errors": {"max_error_points": 2.0},
    "json_failures": {"max_json_points": 2.0},
    "takeovers": {"max_takeover_points": 5.0},
    "p99_ms": {"max_p99_factor": 1.5},
}


def arm_with(measure: str, *, turns: int, bad: int) -> None:
    calls(20, **FINE)
    calls(turns - bad, canary="trial", **FINE)
    calls(bad, canary="trial", **{**FINE, **BAD[measure]})


@pytest.mark.parametrize("measure", list(BAD))
def test_guard_rolls_back_for_each_measure_and_says_it_in_both_languages(measure: str) -> None:
    row = running(**{**LENIENT, **STRICT[measure]})
    arm_with(measure, turns=10, bad=3)
    breach = canaries.statistics(row).breach
    assert breach is not None
    assert breach.measure == measure

    tasks.guard_canaries()

    assert status(row) == "rolled_back"
    assert row.reason == f"{breach.message_zh} / {breach.message_en}"
    assert arms() == []


@pytest.mark.parametrize("measure", list(BAD))
def test_guard_is_silent_below_the_fewest_samples(measure: str) -> None:
    row = running(**{**LENIENT, **STRICT[measure]})
    arm_with(measure, turns=9, bad=9)
    assert canaries.guard() == []
    assert status(row) == "running"


@pytest.mark.parametrize("measure", list(BAD))
def test_guard_lets_an_arm_go_on_that_is_no_worse_than_the_control(measure: str) -> None:
    row = running(**{**LENIENT, **STRICT[measure]})
    calls(20, **{**FINE, **BAD[measure]})
    calls(20, canary="trial", **{**FINE, **BAD[measure]})
    assert canaries.guard() == []
    assert status(row) == "running"


def test_guard_leaves_what_is_not_automatic_to_people() -> None:
    row = running(automatic=False)
    arm_with("errors", turns=10, bad=10)
    assert canaries.statistics(row).breach is not None
    assert canaries.guard() == []
    assert status(row) == "running"


def test_guard_rolls_back_the_broken_one_only() -> None:
    broken = running()
    fine = running("fine", first=50, last=59)
    arm_with("errors", turns=10, bad=10)
    calls(10, canary="fine", **FINE)
    assert canaries.guard() == ["trial"]
    assert (status(broken), status(fine)) == ("rolled_back", "running")
    assert arms() == ["fine"]


def test_guards_at_once_roll_back_once() -> None:
    row = running()
    arm_with("errors", turns=10, bad=10)
    outcomes = at_once([canaries.guard] * 3)
    assert outcomes.count(True) == 1
    assert status(row) == "rolled_back"


# --- tails of order numbers ------------------------------------------------------------------------


def test_tails_count_each_conversations_turns_once_and_order_numbers_only() -> None:
    call(trace_id="t1", bucket=42, bucket_source="order")
    call(trace_id="t1", bucket=42, bucket_source="order", endpoint="second")
    call(trace_id="t2", bucket=42, bucket_source="order")
    call(bucket=7, bucket_source="conversation")
    call(bucket=8, bucket_source="order", ago=timedelta(days=31))
    found = canaries.tails()
    assert (found.n, found.counts[42], found.verdict) == (2, 2, "too_few")
    assert canaries.tails(days=40).n == 3


def test_tails_that_are_even_or_not_are_told_apart() -> None:
    even = [
        ModelCall(
            trace_id=f"e{n}",
            purpose="answer",
            endpoint="main",
            bucket=n % 100,
            bucket_source="order",
        )
        for n in range(600)
    ]
    ModelCall.objects.bulk_create(even)
    assert canaries.tails().verdict == "uniform"
    skewed = [
        ModelCall(
            trace_id=f"s{n}", purpose="answer", endpoint="main", bucket=88, bucket_source="order"
        )
        for n in range(100)
    ]
    ModelCall.objects.bulk_create(skewed)
    found = canaries.tails()
    assert (found.verdict, found.worst[0].bucket) == ("uneven", 88)
