"""Passing a conversation on: owner, epoch, notice and turns change together or not at all."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from chat import lease, ownership, protocol, push, transcript, turn
from chat.actions import handing
from chat.actions import visitor as visitor_actions
from chat.memory import Dialogue
from chat.models import Conversation, Message, Turn
from chat.states import IllegalMove, Owner
from prompts.redis import connection
from tests.chat.conftest import TEXTS
from tests.chat.ear import Ear

HERE = "127.0.0.1"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


def post(visitor: Any, text: str = "在吗") -> Any:
    return visitor_actions.post_message(visitor, client_id=uuid4(), text=text, address=HERE)


def move(visitor: Any, to: Owner, notice: str, agent: Any = None) -> ownership.Change:
    with transaction.atomic():
        conversation = transcript.lock(visitor_actions.enter(visitor).pk)
        return ownership.move(conversation, to, notice=notice, agent=agent)


def leave_queue(visitor: Any) -> None:
    with transaction.atomic():
        handing.to_bot(transcript.lock(visitor_actions.enter(visitor).pk), notice="queue_left")


def spans() -> list[tuple[str, int, int, int]]:
    return [(t.state, t.first_seq, t.last_seq, t.epoch) for t in Turn.objects.order_by("queued_at")]


def test_move_changes_owner_epoch_notice_and_turns_together(visitor: Any) -> None:
    waiting = post(visitor)
    change = move(visitor, Owner.QUEUE, "handoff_notice")
    row = Conversation.objects.get()
    assert (row.owner, row.epoch, row.last_seq) == ("queue", 1, 2)
    assert (change.notice.role, change.notice.epoch) == ("system", 1)
    assert change.superseded == (waiting.turn_id,)
    assert spans() == [("superseded", 1, 1, 0)]


def test_move_that_fails_leaves_nothing_behind(visitor: Any) -> None:
    post(visitor)
    # An agent's conversation without an agent is refused by the database.
    with pytest.raises(DatabaseError):
        move(visitor, Owner.AGENT, "agent_joined")
    row = Conversation.objects.get()
    assert (row.owner, row.epoch, row.last_seq) == ("bot", 0, 1)
    assert spans() == [("queued", 1, 1, 0)]


def test_move_to_oneself_is_illegal(visitor: Any) -> None:
    with pytest.raises(IllegalMove):
        move(visitor, Owner.BOT, "handed_back")
    assert not Message.objects.exists()


def test_notice_is_in_the_visitors_language(visitor: Any, agent: Any) -> None:
    visitor.locale = "en"
    visitor.save()
    change = move(visitor, Owner.AGENT, "agent_joined", agent)
    assert change.notice.text == f"{agent.name} is here"


def test_running_and_queued_turns_are_superseded_alike(visitor: Any) -> None:
    running = post(visitor)
    assert lease.claim(running.turn_id, worker="w") is not None
    queued = post(visitor)
    change = move(visitor, Owner.QUEUE, "handoff_notice")
    assert set(change.superseded) == {running.turn_id, queued.turn_id}
    assert spans() == [("superseded", 1, 1, 0), ("superseded", 2, 2, 0)]


def test_announce_tells_the_browsers_and_stops_the_workers(visitor: Any, ear: Ear) -> None:
    superseded = post(visitor).turn_id
    ear.frames()
    visitor_actions.request_human(visitor)
    assert ear.frames() == [
        protocol.turn(superseded, "superseded"),
        transcript.as_frame(Message.objects.get(role="system")),
        {
            "type": "state",
            "state": "queued",
            "owner": "queue",
            "queue": {"position": 1, "eta_seconds": None, "staffed": False},
        },
    ]
    assert connection().exists(push.cancel_key(str(superseded))) == 1


# --- what the bot owes when it gets a conversation back ----------------------------------------------


def test_back_at_the_bot_everything_unanswered_is_one_turn(visitor: Any) -> None:
    for _ in range(2):
        post(visitor)
    move(visitor, Owner.QUEUE, "handoff_notice")
    post(visitor)
    leave_queue(visitor)
    assert spans() == [("superseded", 1, 2, 0), ("queued", 1, 4, 2)]
    turn.run(Turn.objects.get(state="queued").pk, worker="w")
    assert [m.role for m in Message.objects.order_by("seq")][-1] == "bot"


def test_back_at_the_bot_an_answered_thread_is_left_in_peace(visitor: Any) -> None:
    turn.run(post(visitor).turn_id, worker="w")
    move(visitor, Owner.QUEUE, "handoff_notice")
    leave_queue(visitor)
    assert spans() == [("done", 1, 1, 0)]


def test_back_at_the_bot_a_line_that_came_while_another_was_answered_is_not_forgotten(
    visitor: Any,
) -> None:
    running = lease.claim(post(visitor).turn_id, worker="w")
    assert running is not None
    post(visitor, "还没到")
    turn.commit(running, turn.Outcome(text="您好", dialogue=Dialogue()))
    move(visitor, Owner.QUEUE, "handoff_notice")
    leave_queue(visitor)
    assert [t for t in spans() if t[0] == "queued"] == [("queued", 2, 2, 2)]


def test_back_at_the_bot_an_apology_counts_as_an_answer(visitor: Any) -> None:
    failing = lease.claim(post(visitor).turn_id, worker="w")
    assert failing is not None
    turn.apologise(failing)
    move(visitor, Owner.QUEUE, "handoff_notice")
    leave_queue(visitor)
    assert spans() == [("failed", 1, 1, 0)]
    assert Message.objects.get(role="bot").text == TEXTS["apology"][0]
