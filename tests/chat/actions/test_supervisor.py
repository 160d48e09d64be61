"""The supervisor: who may, what the board says, taking over, reassigning, whispering, closing the queue."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from chat import auth, board, intake
from chat.actions import agent as agent_actions
from chat.actions import supervisor
from chat.actions import visitor as actions
from chat.escalation import someone_is_online
from chat.models import Agent, Conversation, Escalation, Note, Rating
from chat.protocol import ProtocolError
from tests.factories import AgentFactory, VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


@pytest.fixture
def chief(transactional_db: None) -> Agent:
    agent = AgentFactory.create(presence="busy")
    agent.user.user_permissions.add(Permission.objects.get(codename="supervise"))
    return Agent.objects.select_related("user").get(pk=agent.pk)


def queued() -> UUID:
    visitor = VisitorFactory.create()
    posted = actions.post_message(visitor, client_id=uuid.uuid4(), text="在吗", address="127.0.0.1")
    actions.request_human(visitor)
    return posted.conversation_id


def member_of(shown: dict[str, Any], agent: Agent) -> dict[str, Any]:
    return next(row for row in shown["agents"] if row["id"] == agent.pk)


def test_nobody_else_may(agent: Agent, chief: Agent) -> None:
    pk = queued()
    acts: list[Callable[[], object]] = [
        lambda: supervisor.barge(pk, agent=agent),
        lambda: supervisor.reassign(pk, agent=agent, to=chief),
        lambda: supervisor.whisper(pk, agent=agent, client_id=uuid.uuid4(), text="x"),
        lambda: supervisor.pause(agent=agent, paused=True),
    ]
    for act in acts:
        with pytest.raises(ProtocolError):
            act()
    assert Conversation.objects.get(pk=pk).owner == "queue"
    assert (auth.may_supervise(agent), auth.may_supervise(chief)) == (False, True)


def test_a_supervisor_takes_over_from_an_agent_whose_late_reply_is_refused(
    agent: Agent, chief: Agent
) -> None:
    pk = queued()
    epoch = agent_actions.claim(pk, agent=agent).epoch
    taken = supervisor.barge(pk, agent=chief)
    assert (taken.owner, taken.agent_id, taken.epoch) == ("agent", chief.pk, epoch + 1)
    with pytest.raises(agent_actions.Conflict):
        agent_actions.reply(pk, agent=agent, client_id=uuid.uuid4(), text="您好", epoch=epoch)


def test_a_conversation_is_given_to_somebody_whoever_had_it(agent: Agent, chief: Agent) -> None:
    pk = queued()
    assert supervisor.reassign(pk, agent=chief, to=agent).agent_id == agent.pk
    assert Escalation.objects.get().end == "claimed"
    again = supervisor.reassign(pk, agent=chief, to=agent)
    assert again.epoch == Conversation.objects.get(pk=pk).epoch


def test_a_whisper_is_a_note_that_no_customer_sees(agent: Agent, chief: Agent) -> None:
    pk = queued()
    agent_actions.claim(pk, agent=agent)
    lines = Conversation.objects.get(pk=pk).last_seq
    supervisor.whisper(pk, agent=chief, client_id=uuid.uuid4(), text="客气一点")
    assert Note.objects.get().text == "客气一点"
    assert Conversation.objects.get(pk=pk).last_seq == lines


def test_a_closed_queue_has_nobody_there(agent: Agent, chief: Agent, inbox: Any) -> None:
    Agent.objects.update(presence="online")
    assert someone_is_online(inbox.pk)
    supervisor.pause(agent=chief, paused=True)
    assert not someone_is_online(inbox.pk)
    supervisor.pause(agent=chief, paused=False)
    assert someone_is_online(inbox.pk)
    intake.CACHE.clear()


def test_the_board_counts_what_waits_what_is_in_hand_and_the_day(
    agent: Agent, chief: Agent
) -> None:
    queued()
    pk = queued()
    epoch = agent_actions.claim(pk, agent=agent).epoch
    agent_actions.reply(pk, agent=agent, client_id=uuid.uuid4(), text="您好", epoch=epoch)
    done = queued()
    agent_actions.claim(done, agent=agent)
    agent_actions.resolve(done, agent=agent)
    Rating.objects.create(conversation_id=done, score=4, resolved=True)
    shown = board.read()
    assert sum(row["waiting"] for row in shown["queue"]) == 1
    row = member_of(shown, agent)
    assert (row["load"], row["capacity"]) == (1, 5)
    day = row["today"]
    assert (day["served"], day["resolved"], day["quick_share"], day["score"]) == (2, 1, 1.0, 4.0)
    assert 0 <= day["reply_seconds"] < 30
    assert board.own(agent) == day
    assert member_of(shown, chief)["today"]["served"] == 0


def test_yesterday_is_not_today(agent: Agent) -> None:
    agent_actions.claim(queued(), agent=agent)
    Escalation.objects.update(ended_at=timezone.now() - timedelta(days=1))
    assert board.own(agent)["served"] == 0


def test_the_api_is_for_supervisors(agent: Agent, chief: Agent, client: Any) -> None:
    pk, url = queued(), "/api/v1/agent"
    client.force_login(agent.user)
    assert client.get(f"{url}/board").status_code == 404
    client.force_login(chief.user)
    assert client.get(f"{url}/board").json()["paused"] is False
    body = {"to": agent.pk}
    given = client.post(f"{url}/conversations/{pk}/reassign", body, content_type="application/json")
    assert given.json()["agent"]["name"] == agent.name
    assert client.post(f"{url}/conversations/{pk}/barge").json()["agent"]["name"] == chief.name
    paused = client.post(f"{url}/intake", {"paused": True}, content_type="application/json")
    assert paused.json() == {"paused": True}
    intake.CACHE.clear()


def test_a_right_that_was_taken_away_ends_on_a_socket_that_is_open(chief: Agent) -> None:
    assert auth.may_supervise(chief)
    chief.user.user_permissions.clear()
    with pytest.raises(ProtocolError):
        supervisor.pause(agent=chief, paused=True)


def test_who_passed_a_conversation_on_is_kept(agent: Agent, chief: Agent) -> None:
    pk, colleague = queued(), AgentFactory.create()
    agent_actions.claim(pk, agent=agent)
    supervisor.reassign(pk, agent=chief, to=colleague)
    left = Note.objects.get(conversation=pk)
    assert (left.agent, left.text) == (chief, f"{agent.name} → {colleague.name}")
