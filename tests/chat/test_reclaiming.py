"""Who writes to an agent who is gone gets another; nobody loses a conversation they look after."""

import uuid
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from chat import intake, places, reclaiming
from chat.actions import agent as actions
from chat.actions import visitor as visitor_actions
from chat.models import Agent, Conversation, Escalation, Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


@pytest.fixture
def held(visitor: Visitor, agent: Agent) -> UUID:
    """An agent's conversation in which the customer has written."""
    pk = write(visitor)
    visitor_actions.request_human(visitor)
    actions.claim(pk, agent=agent)
    # What those who wait are told of this is no part of what is heard later.
    places.TELLER.settle()
    return pk


def write(visitor: Visitor) -> UUID:
    return visitor_actions.post_message(
        visitor, client_id=uuid.uuid4(), text="在吗", address="127.0.0.1"
    ).conversation_id


def fall_silent(agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(seen_at=intake.silent_since())


@pytest.mark.parametrize("why", ["silent", "deactivated"])
def test_what_a_gone_agent_leaves_unanswered_waits_again(
    held: UUID, agent: Agent, ear: Any, why: str
) -> None:
    if why == "silent":
        fall_silent(agent)
    else:
        get_user_model().objects.filter(agent=agent).update(is_active=False)
    assert [reclaiming.sweep(), reclaiming.sweep()] == [1, 0]
    conversation = Conversation.objects.get(pk=held)
    assert (conversation.owner, conversation.agent) == ("queue", None)
    assert Escalation.objects.get(ended_at=None).reasons[0]["code"] == "agent_gone"
    told = ear.frames()
    assert {frame["owner"] for frame in told if frame["type"] == "state"} == {"queue"}


def test_nothing_is_taken_from_who_is_there_answered_or_put_it_aside(
    held: UUID, agent: Agent, visitor: Visitor
) -> None:
    Agent.objects.filter(pk=agent.pk).update(seen_at=timezone.now(), presence="away")
    assert reclaiming.sweep() == 0
    fall_silent(agent)
    Conversation.objects.filter(pk=held).update(snoozed=True)
    assert reclaiming.sweep() == 0
    Conversation.objects.filter(pk=held).update(snoozed=False)
    epoch = Conversation.objects.get(pk=held).epoch
    actions.reply(held, agent=agent, client_id=uuid.uuid4(), text="在的", epoch=epoch)
    assert reclaiming.sweep() == 0
    write(visitor)
    assert reclaiming.sweep() == 1


def test_who_is_gone_for_the_queue_is_gone_for_the_board_and_gets_nothing(
    held: UUID, agent: Agent, settings: Any
) -> None:
    Agent.objects.update(presence="online", seen_at=timezone.now() - timedelta(seconds=60))
    agent.refresh_from_db()
    assert (intake.presence_of(agent), intake.online().count()) == ("away", 0)
    settings.HEARTBEAT_SECONDS = 60
    assert (intake.presence_of(agent), intake.online().count()) == ("online", 1)
    assert reclaiming.sweep() == 0
    settings.HEARTBEAT_SECONDS = 20
    assert reclaiming.sweep() == 1


def test_who_works_by_rest_is_there(held: UUID, agent: Agent) -> None:
    fall_silent(agent)
    caller = Client()
    caller.force_login(agent.user)

    assert caller.get("/api/v1/agent/queue").status_code == 200

    assert reclaiming.sweep() == 0
    Agent.objects.update(seen_at=None)
    caller.get("/api/v1/agent/queue")
    assert Agent.objects.get().seen_at is None  # never counted as there, never as gone
