"""Who holds a turn: one worker at a time, as long as the database's clock says, and no longer."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from chat import lease
from chat.models import Conversation, Turn
from chat.states import TurnState
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db(transaction=True)


def queued(conversation: Conversation | None = None, *, seq: int = 1, **fields: Any) -> Turn:
    conversation = conversation or ConversationFactory.create()
    return Turn.objects.create(
        conversation=conversation, first_seq=seq, last_seq=seq, epoch=0, **fields
    )


def claimed(turn: Turn, worker: str = "w1") -> Turn:
    taken = lease.claim(turn.pk, worker=worker)
    assert taken is not None
    return taken


def expire(turn: Turn) -> None:
    Turn.objects.filter(pk=turn.pk).update(lease_until=Now() - timedelta(milliseconds=1))


def lease_seconds(turn: Turn) -> float:
    """What is left of the lease, by the database's clock."""
    left = Turn.objects.annotate(left=F("lease_until") - Now()).get(pk=turn.pk).left
    return float(left.total_seconds())


# --- claim -----------------------------------------------------------------------------------------


def test_claim_takes_a_queued_turn_with_all_that_a_turn_needs(
    settings: Any, django_assert_num_queries: Any
) -> None:
    turn = queued()
    with django_assert_num_queries(1):
        taken = claimed(turn)
        assert taken.conversation.visitor.locale == "zh-CN"
        assert taken.conversation.inbox.shop_name == "测试小店"
    assert (taken.pk, taken.state, taken.worker, taken.attempt) == (turn.pk, "running", "w1", 1)
    assert taken.started_at is not None
    assert settings.LEASE_SECONDS - 5 < lease_seconds(turn) <= settings.LEASE_SECONDS


def test_claim_of_a_running_turn_waits_for_its_lease_to_end() -> None:
    turn = queued()
    claimed(turn)
    assert lease.claim(turn.pk, worker="w2") is None
    expire(turn)
    again = claimed(turn, "w2")
    assert (again.worker, again.attempt) == ("w2", 2)
    assert lease.claim(turn.pk, worker="w3") is None


def test_claim_goes_by_the_database_clock() -> None:
    turn = queued()
    claimed(turn)
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert lease.claim(turn.pk, worker="w2") is None
        assert lease.due(older_than_seconds=0, limit=9) == []


@pytest.mark.parametrize("state", [TurnState.DONE, TurnState.FAILED, TurnState.SUPERSEDED])
def test_claim_of_an_ended_turn_is_refused(state: TurnState) -> None:
    turn = queued(state=state.value, lease_until=timezone.now() - timedelta(hours=1))
    assert lease.claim(turn.pk, worker="w1") is None
    assert lease.claim_exhausted(turn.pk, worker="w1") is None


def test_claim_of_an_unknown_turn_is_refused() -> None:
    assert lease.claim(uuid4(), worker="w1") is None


def test_claim_waits_while_another_turn_of_the_conversation_runs() -> None:
    first = queued()
    claimed(first)
    second = queued(first.conversation, seq=2)
    assert lease.claim(second.pk, worker="w2") is None
    expire(first)
    assert lease.claim(second.pk, worker="w2") is None
    Turn.objects.filter(pk=first.pk).update(state=TurnState.DONE.value)
    assert claimed(second, "w2").attempt == 1


def test_claim_does_not_wait_for_other_conversations() -> None:
    claimed(queued())
    assert claimed(queued()).attempt == 1


def test_claim_gives_a_turn_up_after_its_attempts(settings: Any) -> None:
    turn = queued()
    for attempt in range(1, settings.TURN_ATTEMPTS + 1):
        assert lease.claim_exhausted(turn.pk, worker="w") is None
        assert claimed(turn).attempt == attempt
        expire(turn)
    assert lease.claim(turn.pk, worker="w") is None
    assert lease.due(older_than_seconds=0, limit=9) == []
    assert lease.exhausted(limit=9) == [turn.pk]
    last = lease.claim_exhausted(turn.pk, worker="w")
    assert last is not None
    assert (last.state, last.attempt) == ("running", settings.TURN_ATTEMPTS + 1)
    assert lease.exhausted(limit=9) == []


# --- what nobody works on --------------------------------------------------------------------------


def long_ago(seconds: float) -> dict[str, Any]:
    return {"queued_at": timezone.now() - timedelta(seconds=seconds)}


def test_due_finds_lost_doorbells_and_dead_workers_oldest_first() -> None:
    dead = queued(**long_ago(90))
    lost = queued(**long_ago(50))
    queued(**long_ago(1))  # its doorbell may yet be answered
    claimed(queued(**long_ago(90)))
    queued(dead.conversation, seq=2, **long_ago(80), state="superseded")
    claimed(dead)
    expire(dead)
    queued(dead.conversation, seq=3, **long_ago(70))  # waits for the dead one
    assert lease.due(older_than_seconds=30, limit=9) == [dead.pk, lost.pk]
    assert lease.due(older_than_seconds=30, limit=1) == [dead.pk]


# --- keeping and returning -------------------------------------------------------------------------


def test_extend_renews_the_workers_own_leases_and_tells_which() -> None:
    kept, stolen, ended = (claimed(queued()) for _ in range(3))
    for turn in (kept, stolen):
        expire(turn)
    claimed(stolen, "w2")
    Turn.objects.filter(pk=ended.pk).update(state=TurnState.SUPERSEDED.value, lease_until=None)
    asked = [kept.pk, stolen.pk, ended.pk]
    assert lease.extend(asked, worker="w1") == {kept.pk}
    assert lease_seconds(kept) > 10
    assert Turn.objects.get(pk=ended.pk).lease_until is None


def test_give_back_ends_only_the_lease_of_that_attempt() -> None:
    turn = queued()
    first = claimed(turn)
    expire(turn)
    second = claimed(turn, "w1")
    lease.give_back(first)
    assert lease_seconds(turn) > 10
    lease.give_back(second)
    assert lease_seconds(turn) <= 0
    assert claimed(turn, "w2").attempt == 3


def test_give_back_all_ends_the_leases_of_one_worker() -> None:
    mine = [claimed(queued()), claimed(queued())]
    other = claimed(queued(), "w2")
    assert lease.give_back_all("w1") == 2
    assert [lease_seconds(turn) <= 0 for turn in [*mine, other]] == [True, True, False]


# --- the keeper ------------------------------------------------------------------------------------


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in 5 s"
        time.sleep(0.01)


def test_held_keeps_the_leases_of_several_workers_alive(settings: Any) -> None:
    settings.LEASE_HEARTBEAT_SECONDS = 0.02
    turns = [claimed(queued(), "w1"), claimed(queued(), "w2")]
    keeper = lease.Keeper()
    holding = [lease.Held(turn) for turn in turns]
    for held in holding:
        keeper.add(held)
        expire(held.turn)
    wait_for(lambda: all(lease_seconds(turn) > 10 for turn in turns))
    for held in holding:
        keeper.remove(held)
    assert not any(held.lost.is_set() for held in holding)

    def is_left_alone() -> bool:
        # A beat that was under way when it was let go may extend it once more.
        expire(turns[0])
        time.sleep(0.1)
        return lease_seconds(turns[0]) < 0

    wait_for(is_left_alone)


def test_held_says_when_a_lease_was_lost(settings: Any) -> None:
    settings.LEASE_HEARTBEAT_SECONDS = 0.02
    turn = claimed(queued())
    keeper = lease.Keeper()
    held = lease.Held(turn)
    expire(turn)
    claimed(turn, "w2")
    keeper.add(held)
    wait_for(held.lost.is_set)
    keeper.remove(held)
    assert Turn.objects.get().worker == "w2"


def test_held_lets_go_whatever_happens() -> None:
    turn = claimed(queued())

    def held_turns() -> set[UUID]:
        return set(lease.KEEPER.held)

    def fail() -> None:
        with lease.held(turn):
            assert held_turns() == {turn.pk}
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert held_turns() == set()
