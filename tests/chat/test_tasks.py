"""Doorbells carry ids and nothing else, may be lost, and are made up for by the sweeper."""

import base64
import json
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from chat import lease, tasks
from chat.actions import visitor as actions
from chat.models import Message, Turn
from chat.states import TurnState
from prompts.redis import connection
from tests.chat.conftest import TEXTS

HERE = "127.0.0.1"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

SECRET = "我的手机号是13812345678"


def post(visitor: Any, text: str = "在吗") -> UUID:
    posted = actions.post_message(visitor, client_id=uuid4(), text=text, address=HERE)
    assert posted.turn_id is not None
    return posted.turn_id


def doorbells() -> list[dict[str, Any]]:
    """The messages that wait in the broker's queue of turns."""
    waiting: Any = connection().lrange("turns", 0, -1)
    return [json.loads(message) for message in waiting]


def arguments(doorbell: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(doorbell["body"]))[:2]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A doorbell counts as lost after a minute: no test is as slow as that."""
    monkeypatch.setattr(tasks, "DOORBELL_SECONDS", 60.0)


def long_ago(turn_id: UUID) -> None:
    Turn.objects.filter(pk=turn_id).update(queued_at=timezone.now() - timedelta(seconds=61))


def expire(turn_id: UUID) -> None:
    Turn.objects.filter(pk=turn_id).update(lease_until=Now() - timedelta(seconds=1))


def spoken(visitor: Any) -> list[str]:
    lines = Message.objects.filter(conversation__visitor=visitor).order_by("seq")
    return [line.role for line in lines]


# --- doorbells -------------------------------------------------------------------------------------


def test_a_line_rings_once_with_the_turns_id_and_no_word_of_it(visitor: Any) -> None:
    turn_id = post(visitor, SECRET)
    (doorbell,) = doorbells()
    assert doorbell["headers"]["task"] == "chat.tasks.run_turn"
    assert arguments(doorbell) == [[str(turn_id)], {}]
    everything = json.dumps(doorbell) + base64.b64decode(doorbell["body"]).decode()
    assert "13812345678" not in everything
    assert str(visitor.pk) not in everything


def test_a_line_that_is_rolled_back_rings_nowhere(visitor: Any) -> None:
    with transaction.atomic():
        post(visitor)
        transaction.set_rollback(True)
    assert doorbells() == []
    assert not Message.objects.exists()


@pytest.mark.usefixtures("redis_down")
def test_a_line_is_accepted_while_the_broker_is_away(visitor: Any) -> None:
    started = time.monotonic()
    turn_id = post(visitor)
    assert time.monotonic() - started < 3
    tasks.run_turn(str(turn_id))
    assert spoken(visitor) == ["visitor", "bot"]


def test_run_turn_goes_on_with_what_was_queued_meanwhile(visitor: Any) -> None:
    first = post(visitor)
    assert lease.claim(first, worker="dead") is not None
    second = post(visitor)
    expire(first)
    tasks.run_turn(str(first))
    assert spoken(visitor) == ["visitor", "visitor", "bot", "bot"]
    assert [t.state for t in Turn.objects.all()] == ["done", "done"]
    assert Turn.objects.get(pk=second).worker == tasks.WORKER


def test_run_turn_of_an_unknown_turn_does_nothing() -> None:
    tasks.run_turn(str(uuid4()))


# --- the sweep of beat -----------------------------------------------------------------------------


def test_sweep_rings_again_for_turns_nobody_works_on(visitor: Any) -> None:
    turn_id = post(visitor)
    connection().flushdb()
    tasks.sweep()
    assert doorbells() == []
    long_ago(turn_id)
    tasks.sweep()
    assert [arguments(doorbell) for doorbell in doorbells()] == [[[str(turn_id)], {}]]


def test_sweep_apologises_when_no_attempt_is_left(visitor: Any, settings: Any) -> None:
    turn_id = post(visitor)
    for _ in range(settings.TURN_ATTEMPTS):
        assert lease.claim(turn_id, worker="dead") is not None
        expire(turn_id)
    tasks.sweep()
    turn = Turn.objects.get()
    assert (turn.state, turn.error) == (TurnState.FAILED, "attempts")
    assert Message.objects.get(turn=turn, role="bot").text == TEXTS["apology"][0]


# --- the sweeper of a worker -----------------------------------------------------------------------


def swept(sweeper: tasks.Sweeper) -> None:
    sweeper.sweep()
    sweeper.pool.shutdown(wait=True)


def test_sweeper_answers_without_a_broker(visitor: Any) -> None:
    turn_id = post(visitor)
    swept(tasks.Sweeper())
    assert spoken(visitor) == ["visitor"]
    long_ago(turn_id)
    swept(tasks.Sweeper())
    assert spoken(visitor) == ["visitor", "bot"]


def test_sweeper_leaves_a_living_worker_alone_and_takes_over_from_a_dead_one(visitor: Any) -> None:
    turn_id = post(visitor)
    long_ago(turn_id)
    assert lease.claim(turn_id, worker="alive") is not None
    swept(tasks.Sweeper())
    assert spoken(visitor) == ["visitor"]
    expire(turn_id)
    swept(tasks.Sweeper())
    assert spoken(visitor) == ["visitor", "bot"]
    assert Turn.objects.get().attempt == 2


def test_sweeper_apologises_when_no_attempt_is_left(visitor: Any, settings: Any) -> None:
    turn_id = post(visitor)
    Turn.objects.update(attempt=settings.TURN_ATTEMPTS)
    expire(turn_id)
    swept(tasks.Sweeper())
    assert Turn.objects.get().state == TurnState.FAILED


def test_sweeper_loop_recovers_a_lost_doorbell_by_itself(visitor: Any, settings: Any) -> None:
    settings.SWEEP_SECONDS = 0.02
    long_ago(post(visitor))
    sweeper = tasks.Sweeper()
    sweeper.start()
    deadline = time.monotonic() + 5
    while spoken(visitor) != ["visitor", "bot"] and time.monotonic() < deadline:
        time.sleep(0.02)
    sweeper.stopped.set()
    sweeper.pool.shutdown(wait=True)
    assert spoken(visitor) == ["visitor", "bot"]


def test_a_worker_that_stops_leaves_its_turns_to_others(visitor: Any) -> None:
    turn_id = post(visitor)
    assert lease.claim(turn_id, worker=tasks.WORKER) is not None
    assert lease.claim(turn_id, worker="other") is None
    tasks.Sweeper().give_back()
    assert lease.claim(turn_id, worker="other") is not None
