"""Tags, and conversations that are put aside: until a time, until the customer writes, never past a change of owner."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from chat import desk, waking
from chat.actions import agent as agent_actions
from chat.actions import sorting
from chat.actions import visitor as actions
from chat.models import Conversation, Visitor
from chat.protocol import ProtocolError
from tests.factories import AgentFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


@pytest.fixture
def owned(visitor: Visitor, agent: Any) -> Conversation:
    pk = say(visitor, "在吗")
    return agent_actions.claim(pk, agent=agent)


def say(visitor: Visitor, text: str) -> uuid.UUID:
    posted = actions.post_message(visitor, client_id=uuid.uuid4(), text=text, address="127.0.0.1")
    return posted.conversation_id


def snoozed(conversation: Conversation) -> bool:
    return Conversation.objects.get(pk=conversation.pk).snoozed


def test_tags_are_masked_kept_once_and_listed(owned: Conversation) -> None:
    sorting.set_tags(owned.pk, tags=["物流", " 物流 ", "13812345678"])
    assert desk.listed()[0]["tags"] == ["物流", "<PHONE_1>"]


def test_resolving_without_tags_keeps_those_there_are(owned: Conversation, agent: Any) -> None:
    sorting.set_tags(owned.pk, tags=["物流"])
    agent_actions.resolve(owned.pk, agent=agent)
    assert Conversation.objects.get(pk=owned.pk).tags == ["物流"]


def test_the_customers_next_line_wakes(owned: Conversation, visitor: Visitor, agent: Any) -> None:
    sorting.snooze(owned.pk, agent=agent, until=None)
    assert desk.listed()[0]["snoozed"] is True
    agent_actions.reply(
        owned.pk, agent=agent, client_id=uuid.uuid4(), text="稍等", epoch=owned.epoch
    )
    assert snoozed(owned)
    say(visitor, "好的")
    assert not snoozed(owned)


def test_its_time_wakes_and_no_sooner(owned: Conversation, agent: Any) -> None:
    until = timezone.now() + timedelta(hours=1)
    sorting.snooze(owned.pk, agent=agent, until=until)
    assert waking.wake_due() == 0
    Conversation.objects.update(snoozed_until=timezone.now() - timedelta(seconds=1))
    assert waking.wake_due() == 1
    assert waking.wake_due() == 0
    assert not snoozed(owned)


@pytest.mark.parametrize("act", [agent_actions.hand_back, sorting.wake])
def test_another_owner_and_the_agents_own_word_wake(
    owned: Conversation, agent: Any, act: Any
) -> None:
    sorting.snooze(owned.pk, agent=agent, until=None)
    act(owned.pk, agent=agent)
    assert not snoozed(owned)


def test_only_its_agent_puts_it_aside_and_for_a_time_to_come(
    owned: Conversation, agent: Any
) -> None:
    with pytest.raises(agent_actions.Conflict):
        sorting.snooze(owned.pk, agent=AgentFactory.create(), until=None)
    for wrong in (timezone.now(), timezone.now() + timedelta(days=91)):
        with pytest.raises(ProtocolError):
            sorting.snooze(owned.pk, agent=agent, until=wrong)
    assert not snoozed(owned)
