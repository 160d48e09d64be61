"""How conversations that heard a release ended, beside the others."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from chat import arms
from chat.models import Conversation, Escalation, Message, Rating, Turn
from prompts import releases
from prompts.models import EvalSet, Release
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()
PLACES = count(1)


def thread_of_its_own() -> Conversation:
    made: Conversation = ConversationFactory.create()
    return made


def turn(
    conversation: Conversation, release: str, *, ago: float = 60, mood: str = "neutral", **said: Any
) -> Turn:
    """An answered turn, so many minutes ago."""
    place = next(PLACES)
    at = NOW - timedelta(minutes=ago)
    decision = {
        "release": release,
        "answered_by": "main",
        "analysis": {"emotion": [mood, 0.9]},
        **said,
    }
    return Turn.objects.create(
        conversation=conversation,
        first_seq=place,
        last_seq=place,
        epoch=0,
        state="done",
        started_at=at,
        finished_at=at,
        decision=decision,
        timings={"total": 1000.0},
    )


def read() -> tuple[releases.Outcomes, releases.Outcomes]:
    return arms.outcomes("spring", NOW - timedelta(hours=3), NOW)


def test_every_answered_turn_counts_with_a_model_or_without() -> None:
    thread = thread_of_its_own()
    turn(thread, "spring")
    turn(thread, "spring", answered_by="sop", mood="negative")
    turn(thread_of_its_own(), "")
    turn(thread_of_its_own(), "spring", ago=600)  # before its time

    arm, control = read()

    assert (arm.turns, arm.without_model, arm.negative, arm.p50_ms) == (2, 1, 1, 1000.0)
    assert (control.turns, control.conversations) == (1, 1)


def test_how_conversations_ended() -> None:
    well, taken, rated, disliked, angry, lively = (thread_of_its_own() for _ in range(6))
    for thread in (well, taken, rated, disliked):
        last = turn(thread, "spring")
    Message.objects.create(
        conversation=disliked, seq=1, role="bot", text="t", turn=last, meta={"feedback": "down"}
    )
    turn(angry, "spring", mood="neutral", ago=61)
    turn(angry, "spring", mood="negative")
    turn(lively, "spring", ago=1)  # not over yet
    Escalation.objects.create(conversation=taken, opened_at=NOW - timedelta(minutes=59))
    Rating.objects.create(conversation=rated, score=2, resolved=False)
    Rating.objects.create(conversation=well, score=5, resolved=True)

    arm, _ = read()

    assert (arm.conversations, arm.taken_over, arm.disliked) == (6, 1, 1)
    assert (arm.rated, arm.score, arm.resolved) == (2, 7, 1)
    assert (arm.settled, arm.went_well) == (5, 1)


def test_who_heard_both_is_in_neither_and_a_wait_before_counts_against_nobody() -> None:
    both, before = thread_of_its_own(), thread_of_its_own()
    turn(both, "spring")
    turn(both, "")
    Escalation.objects.create(conversation=before, opened_at=NOW - timedelta(minutes=90))
    turn(before, "spring")

    arm, control = read()

    assert (arm.turns, control.turns) == (2, 1)
    assert (arm.conversations, arm.taken_over, control.conversations) == (1, 0, 0)


def test_the_verdict_on_a_release_reads_its_conversations() -> None:
    release = on_canary()
    for number in range(60):
        turn(thread_of_its_own(), "spring", mood="negative" if number % 2 else "neutral")
        turn(thread_of_its_own(), "")

    verdict = releases.verdict_of(*releases.outcomes(release))

    assert (verdict.kind, verdict.needed) == ("worse", 0)


def on_canary(**limits: Any) -> Release:
    chosen = EvalSet.objects.create(name="shop", title="Shop")
    started = NOW - timedelta(hours=2)
    return Release.objects.create(
        name="spring", note="n", eval_set=chosen, status="canary", started_at=started, **limits
    )


def test_the_guard_sees_turns_that_no_model_answered() -> None:
    release = on_canary(min_samples=20)
    for number in range(20):
        mood = "negative" if number % 2 else "neutral"
        turn(thread_of_its_own(), "spring", answered_by="sop", mood=mood)
        turn(thread_of_its_own(), "", answered_by="sop")

    assert releases.guard() == ["spring"]

    release.refresh_from_db()
    assert release.status == "rolled_back"
    assert "negative moods: 50.00% against 0.00%" in release.reason


def test_a_few_conversations_all_taken_over_are_enough_one_angry_customer_is_not() -> None:
    on_canary()
    angry = thread_of_its_own()
    for _ in range(30):
        turn(angry, "spring", mood="negative")
    Escalation.objects.create(conversation=angry, opened_at=NOW - timedelta(minutes=59))
    for _ in range(60):
        turn(thread_of_its_own(), "")
    assert releases.guard() == []

    for _ in range(4):
        taken = thread_of_its_own()
        turn(taken, "spring")
        Escalation.objects.create(conversation=taken, opened_at=NOW - timedelta(minutes=59))

    assert releases.guard() == ["spring"]
    assert "takeovers: 100.00%" in Release.objects.get().reason


def test_the_p99_that_is_shown_is_the_one_that_is_guarded() -> None:
    release = on_canary()
    turn(thread_of_its_own(), "spring")

    compared, (arm, _) = releases.told(release)

    assert compared.arm.stats.p99_ms == arm.p99_ms == 1000.0


def test_thumbs_down_of_a_long_canary_are_looked_up_in_an_index_of_their_own() -> None:
    now = timezone.now()
    asked: dict[str, Any] = {"name": "spring", "since": now, "until": now, "quiet": now, "badly": 2}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {arms.OUTCOMES}", asked)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "message_disliked" in plan
    assert "turn_of_releases" in plan


@pytest.mark.django_db(transaction=True)
def test_the_memory_to_sort_in_is_taken_for_that_statement_only() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW work_mem")
        before = cursor.fetchone()
        cursor.execute(f"{arms.SORTING}; SHOW work_mem")
        cursor.nextset()
        assert cursor.fetchone() == ("64MB",)

    assert read() == (releases.Outcomes(), releases.Outcomes())

    with connection.cursor() as cursor:
        cursor.execute("SHOW work_mem")
        assert cursor.fetchone() == before
