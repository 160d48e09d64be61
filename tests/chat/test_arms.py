"""How conversations that heard a release ended, beside the others."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
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
    chosen = EvalSet.objects.create(name="shop", title="Shop")
    started = NOW - timedelta(hours=2)
    release = Release.objects.create(
        name="spring", note="n", eval_set=chosen, status="canary", started_at=started
    )
    for number in range(60):
        turn(thread_of_its_own(), "spring", mood="negative" if number % 2 else "neutral")
        turn(thread_of_its_own(), "")

    verdict = releases.verdict_of(*releases.outcomes(release))

    assert (verdict.kind, verdict.needed) == ("worse", 0)
