"""The console's socket of an agent who serves some inboxes: nothing of another one is shown, pushed or done."""

import asyncio
import uuid
from typing import Any, get_args

import pytest
from channels.db import database_sync_to_async as in_database

from chat import protocol
from chat.actions import visitor as visitor_actions
from chat.consumers import agent as agent_socket
from chat.models import Agent, Conversation, Note
from tests.chat.browser import post
from tests.chat.test_consumers_agent import ORIGIN, Console, cookie_of
from tests.factories import AgentFactory, InboxFactory, VisitorFactory

pytestmark = pytest.mark.django_db(transaction=True)

ID = str(uuid.uuid4())
# What each act needs beside the conversation.
FIELDS: dict[str, dict[str, Any]] = {
    "claim": {},
    "open": {},
    "reply": {"client_id": ID, "text": "您好", "epoch": 1},
    "note": {"client_id": ID, "text": "您好"},
    "transfer": {"to": 1},
    "barge": {},
    "reassign": {"to": 1},
    "whisper": {"client_id": ID, "text": "您好"},
    "ring.decline": {},
    "hand_back": {},
    "resolve": {},
    "reveal": {"placeholder": "<PHONE_1>", "reason": "回电"},
    "tags.set": {"tags": ["急"]},
    "snooze": {},
    "wake": {},
    "suggest": {"client_id": ID, "kind": "summary"},
    "translate": {"language": "en"},
    "brief.grade": {"grade": "good"},
    "mentions.read": {},
    "typing": {"on": True},
    "read": {"seq": 1},
}


def test_every_act_in_a_conversation_is_tried_below() -> None:
    union = get_args(get_args(protocol.AgentFrame)[0])
    acts = {
        get_args(frame.model_fields["type"].annotation)[0]
        for frame in union
        if issubclass(frame, protocol.OfConversation)
    }
    assert acts == set(FIELDS)


async def waiting_in(inbox: Any) -> uuid.UUID:
    visitor = await in_database(VisitorFactory.create)(inbox=inbox)
    await post(visitor, "转人工")
    await in_database(visitor_actions.request_human)(visitor)
    conversation: Conversation = await in_database(Conversation.objects.get)(visitor=visitor)
    return conversation.pk


async def enter(agent: Agent) -> tuple[Console, Any]:
    user = await in_database(lambda: agent.user)()
    console = Console(origin=ORIGIN, cookie=await in_database(cookie_of)(user))
    assert (await console.open())[0]
    return console, await console.next("ready")


async def test_another_inbox_is_as_if_it_were_not_there(texts: None) -> None:
    ours, theirs = await in_database(InboxFactory.create_batch)(2)
    agent = await in_database(AgentFactory.create)(user__is_superuser=True)
    await in_database(agent.inboxes.add)(ours)
    mine, other = await waiting_in(ours), await waiting_in(theirs)

    console, ready = await enter(agent)
    assert [entry["conversation_id"] for entry in ready["conversations"]] == [str(mine)]
    assert [place["conversation_id"] for place in ready["queue"]] == [str(mine)]
    for act, fields in FIELDS.items():
        refused = await console.refused(act, other, **fields)
        assert refused["code"] == "not_found", act
    await console.ask("claim", mine)

    # What happens there is told to nobody here: the next entry is the own one's, though the other changed before.
    seen = [frame for frame in console.frames if frame["type"] == "conversation"]
    assert {frame["conversation_id"] for frame in seen} <= {str(mine)}
    row = await in_database(Conversation.objects.get)(pk=other)
    assert (row.owner, row.tags, await in_database(Note.objects.count)()) == ("queue", [], 0)
    await console.leave()


async def test_what_is_open_closes_with_the_right_to_it(
    texts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_socket, "SESSION_SECONDS", 0.05)
    ours, theirs = await in_database(InboxFactory.create_batch)(2)
    agent, colleague = await in_database(AgentFactory.create_batch)(2)
    mine = await waiting_in(ours)
    console, _ = await enter(agent)
    watching, _ = await enter(colleague)
    for each in (console, watching):
        await each.send(type="open", conversation_id=str(mine))
        await each.next("thread")
    await watching.next("viewers", agents=[{"id": agent.pk, "name": agent.name}])

    await in_database(agent.inboxes.add)(theirs)
    await asyncio.wait_for(watching.next("viewers", agents=[]), 10)
    await console.leave()
    await watching.leave()
