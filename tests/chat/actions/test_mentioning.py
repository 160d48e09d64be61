"""Colleagues called in a note: who may be, who hears of it, and how long it stays unread."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from chat import desk, push
from chat.actions import agent as actions
from chat.actions import mentioning
from chat.models import Agent, Conversation, Mention, Note
from chat.protocol import ProtocolError
from tests.factories import AgentFactory, ConversationFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversation() -> Conversation:
    return ConversationFactory.create()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, dict[str, Any]]]:
    """What was sent to the consoles of single agents."""
    sent: list[tuple[int, dict[str, Any]]] = []
    real = push.to_desk

    def to_desk(agent_id: int, frame: dict[str, Any]) -> None:
        sent.append((agent_id, frame))
        real(agent_id, frame)

    monkeypatch.setattr(push, "to_desk", to_desk)
    return sent


def write(conversation: Conversation, agent: Agent, text: str, **more: Any) -> Note:
    fields = {"client_id": uuid4(), **more}
    return actions.note(conversation.pk, agent=agent, text=text, **fields)


def test_whoever_is_called_is_told_once_and_keeps_it_until_it_is_read(
    conversation: Conversation, agent: Agent, told: list[tuple[int, dict[str, Any]]]
) -> None:
    colleague, other = AgentFactory.create(name="小李"), AgentFactory.create()
    client_id = uuid4()
    text = f"<@{colleague.pk}> 看一下 <@{colleague.pk}> <@{agent.pk}>"
    note = write(conversation, agent, text, client_id=client_id)
    assert write(conversation, agent, text, client_id=client_id) == note

    assert desk.as_note(note)["mentions"] == [{"id": colleague.pk, "name": "小李"}]
    assert [(pk, frame["type"]) for pk, frame in told] == [
        (colleague.pk, "mentions"),
        (colleague.pk, "alert"),
    ]
    [unread] = desk.mentions(colleague)
    assert (unread["conversation_id"], unread["by"]) == (str(conversation.pk), agent.name)
    assert unread["text"] == text
    assert desk.mentions(other) == desk.mentions(agent) == []

    told.clear()
    mentioning.read(conversation.pk, agent=other)
    assert (told, len(desk.mentions(colleague))) == ([], 1)
    mentioning.read(conversation.pk, agent=colleague)
    mentioning.read(conversation.pk, agent=colleague)
    assert told == [(colleague.pk, {"type": "mentions", "mentions": []})]


def test_a_new_name_is_shown_in_notes_of_before(conversation: Conversation, agent: Agent) -> None:
    colleague = AgentFactory.create(name="小李")
    write(conversation, agent, f"<@{colleague.pk}> 在吗")
    Agent.objects.filter(pk=colleague.pk).update(name="李工")
    [note] = desk.thread(conversation.pk, after_seq=0, language="zh")["notes"]
    assert note["mentions"] == [{"id": colleague.pk, "name": "李工"}]


@pytest.mark.parametrize("columns", [{"user__is_staff": False}, {"user__is_active": False}])
def test_who_reads_no_conversations_is_called_by_nobody(
    conversation: Conversation, agent: Agent, columns: dict[str, Any]
) -> None:
    gone = AgentFactory.create(**columns)
    for pk in (gone.pk, 999_999_999):
        with pytest.raises(ProtocolError) as refused:
            write(conversation, agent, f"<@{pk}> 在吗")
        assert refused.value.code == "not_found"
    assert (Note.objects.count(), Mention.objects.count()) == (0, 0)


def test_a_note_calls_ten_at_most(conversation: Conversation, agent: Agent) -> None:
    many = AgentFactory.create_batch(mentioning.MOST + 1)
    with pytest.raises(ProtocolError):
        write(conversation, agent, " ".join(f"<@{each.pk}>" for each in many))
    write(conversation, agent, " ".join(f"<@{each.pk}>" for each in many[1:]))
    assert Mention.objects.count() == mentioning.MOST


def test_mentions_by_rest(conversation: Conversation, agent: Agent, client: Client) -> None:
    write(conversation, AgentFactory.create(name="小李"), f"<@{agent.pk}> 在吗")
    client.force_login(agent.user)
    listed = client.get("/api/v1/agent/mentions").json()
    assert [(each["by"], each["text"]) for each in listed] == [("小李", f"<@{agent.pk}> 在吗")]

    read = client.post(f"/api/v1/agent/conversations/{conversation.pk}/mentions/read")
    assert (read.status_code, json.loads(client.get("/api/v1/agent/mentions").content)) == (204, [])
