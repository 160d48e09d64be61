"""A turn end to end on real Postgres and Redis: one message in, one answer out, never after a takeover."""

import uuid
from typing import Any

import pytest

from chat import turn
from chat.actions import visitor as actions
from chat.models import Message, Turn
from chat.states import Role, TurnState
from prompts.models import ModelCall

pytestmark = pytest.mark.django_db(transaction=True)


def post(visitor: Any, text: str = "我的订单怎么还没到?") -> actions.Posted:
    return actions.post_message(visitor, client_id=uuid.uuid4(), text=text)


def test_run_answers_a_queued_turn_once(defaults: None, visitor: Any) -> None:
    posted = post(visitor)
    assert posted.turn_id is not None

    turn.run(posted.turn_id, worker="w1")
    turn.run(posted.turn_id, worker="w2")

    answers = Message.objects.filter(turn=posted.turn_id, role=Role.BOT.value)
    assert [a.seq for a in answers] == [posted.seq + 1]
    assert Turn.objects.get(pk=posted.turn_id).state == TurnState.DONE
    assert not ModelCall.objects.exists()
