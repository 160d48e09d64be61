"""What an agent can do: only with a conversation that is theirs, and under its present epoch."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from chat import transcript
from chat.actions import agent as actions
from chat.actions import visitor as visitor_actions
from chat.models import Conversation, Message, Turn
from tests.chat.conftest import TEXTS
from tests.factories import AgentFactory

HERE = "127.0.0.1"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


@pytest.fixture
def conversation(visitor: Any) -> Conversation:
    return visitor_actions.enter(visitor)


def claim(conversation: Conversation, agent: Any) -> Conversation:
    return actions.claim(conversation.pk, agent=agent)


def reply(
    conversation: Conversation,
    agent: Any,
    *,
    epoch: int,
    client_id: UUID | None = None,
    text: str = "您好",
) -> Message:
    client_id = client_id or uuid4()
    return actions.reply(conversation.pk, agent=agent, client_id=client_id, text=text, epoch=epoch)


def texts() -> list[str]:
    return list(Message.objects.order_by("seq").values_list("text", flat=True))


# --- claim -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("queued", [False, True])
def test_claim_takes_over_tells_and_supersedes(
    visitor: Any, conversation: Conversation, agent: Any, queued: bool
) -> None:
    visitor_actions.post_message(visitor, client_id=uuid4(), text="在吗", address=HERE)
    if queued:
        visitor_actions.request_human(visitor)
    taken = claim(conversation, agent)
    row = Conversation.objects.get()
    assert (row.owner, row.agent, row.epoch, row.waiting_since) == (
        "agent",
        agent,
        1 + queued,
        None,
    )
    assert (taken.epoch, taken.owner) == (row.epoch, "agent")
    assert texts()[-1] == f"{agent.name} 为您服务"
    assert Turn.objects.get().state == "superseded"


def test_claim_of_ones_own_changes_nothing(conversation: Conversation, agent: Any) -> None:
    claim(conversation, agent)
    assert claim(conversation, agent).epoch == 1
    assert len(texts()) == 1


def test_claim_of_anothers_names_the_winner(conversation: Conversation, agent: Any) -> None:
    claim(conversation, agent)
    with pytest.raises(actions.Conflict) as caught:
        claim(conversation, AgentFactory.create())
    assert caught.value.winner == agent.name
    assert Conversation.objects.get().agent == agent


def test_nothing_can_be_done_with_a_resolved_or_unknown_conversation(
    conversation: Conversation, agent: Any
) -> None:
    claim(conversation, agent)
    actions.resolve(conversation.pk, agent=agent)
    for pk in (conversation.pk, uuid4()):
        for act in (actions.claim, actions.hand_back, actions.resolve):
            with pytest.raises(Conversation.DoesNotExist):
                act(pk, agent=agent)
        with pytest.raises(Conversation.DoesNotExist):
            actions.reply(pk, agent=agent, client_id=uuid4(), text="x", epoch=2)
    assert len(texts()) == 2


# --- reply -----------------------------------------------------------------------------------------


def test_reply_stores_the_line_under_the_agents_name(
    conversation: Conversation, agent: Any
) -> None:
    claim(conversation, agent)
    line = reply(conversation, agent, epoch=1, text="**您好**")
    frame = transcript.as_frame(line)
    shown = [frame[name] for name in ("role", "seq", "ai", "author", "html")]
    assert shown == [
        "agent",
        2,
        False,
        {"name": agent.name, "avatar": ""},
        "<p><strong>您好</strong></p>",
    ]
    assert (line.epoch, line.visitor) == (1, None)


def test_reply_again_is_the_same_line_even_after_handing_back(
    conversation: Conversation, agent: Any
) -> None:
    claim(conversation, agent)
    client_id = uuid4()
    line = reply(conversation, agent, epoch=1, client_id=client_id)
    assert reply(conversation, agent, epoch=1, client_id=client_id) == line
    actions.hand_back(conversation.pk, agent=agent)
    assert reply(conversation, agent, epoch=1, client_id=client_id) == line
    assert texts().count("您好") == 1


def test_reply_with_another_text_under_the_same_client_id_conflicts(
    conversation: Conversation, agent: Any
) -> None:
    claim(conversation, agent)
    client_id = uuid4()
    reply(conversation, agent, epoch=1, client_id=client_id)
    with pytest.raises(actions.Conflict):
        reply(conversation, agent, epoch=1, client_id=client_id, text="再见")
    assert "再见" not in texts()


@pytest.mark.parametrize("epoch", [0, 2, -1])
def test_reply_under_another_epoch_conflicts(
    conversation: Conversation, agent: Any, epoch: int
) -> None:
    claim(conversation, agent)
    with pytest.raises(actions.Conflict):
        reply(conversation, agent, epoch=epoch)
    assert len(texts()) == 1


def test_reply_to_what_one_does_not_own_conflicts(conversation: Conversation, agent: Any) -> None:
    with pytest.raises(actions.Conflict) as caught:
        reply(conversation, agent, epoch=0)
    assert caught.value.winner == ""
    claim(conversation, agent)
    with pytest.raises(actions.Conflict) as caught:
        reply(conversation, AgentFactory.create(), epoch=1)
    assert caught.value.winner == agent.name
    assert len(texts()) == 1


# --- hand back and resolve -------------------------------------------------------------------------


def test_hand_back_gives_the_bot_what_the_agent_left_unanswered(
    visitor: Any, conversation: Conversation, agent: Any
) -> None:
    claim(conversation, agent)
    visitor_actions.post_message(visitor, client_id=uuid4(), text="在吗", address=HERE)
    reply(conversation, agent, epoch=1)
    visitor_actions.post_message(visitor, client_id=uuid4(), text="还没到", address=HERE)
    actions.hand_back(conversation.pk, agent=agent)
    row = Conversation.objects.get()
    assert (row.owner, row.agent, row.epoch) == ("bot", None, 2)
    turn = Turn.objects.get()
    assert (turn.state, turn.first_seq, turn.last_seq, turn.epoch) == ("queued", 4, 4, 2)
    assert texts()[-1] == TEXTS["handed_back"][0]


def test_hand_back_of_an_answered_conversation_queues_nothing(
    visitor: Any, conversation: Conversation, agent: Any
) -> None:
    visitor_actions.post_message(visitor, client_id=uuid4(), text="在吗", address=HERE)
    claim(conversation, agent)
    reply(conversation, agent, epoch=1)
    actions.hand_back(conversation.pk, agent=agent)
    assert [turn.state for turn in Turn.objects.all()] == ["superseded"]


def test_resolve_ends_the_conversation_and_its_epoch(
    conversation: Conversation, agent: Any
) -> None:
    claim(conversation, agent)
    assert actions.resolve(conversation.pk, agent=agent).epoch == 2
    row = Conversation.objects.get()
    assert (row.epoch, row.resolved_at is not None) == (2, True)
    assert transcript.state_fields(row)["state"] == "resolved"
    assert texts()[-1] == TEXTS["conversation_resolved"][0]


@pytest.mark.parametrize("act", [actions.hand_back, actions.resolve])
def test_only_the_owner_may_end_it(conversation: Conversation, agent: Any, act: Any) -> None:
    with pytest.raises(actions.Conflict):
        act(conversation.pk, agent=agent)
    claim(conversation, agent)
    with pytest.raises(actions.Conflict) as caught:
        act(conversation.pk, agent=AgentFactory.create())
    assert caught.value.winner == agent.name
    assert (Conversation.objects.get().epoch, len(texts())) == (1, 1)
