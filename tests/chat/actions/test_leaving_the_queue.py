"""What becomes of a conversation that leaves the queue, by who receives and by what was said."""

import uuid
from typing import Any

import pytest

from chat import tasks, transcript
from chat.actions import agent as agent_actions
from chat.actions import choosing, ending
from chat.actions import visitor as actions
from chat.models import Conversation, Escalation, Message, Turn, Visitor
from chat.protocol import Choice, ProtocolError
from chat.states import Owner, Role

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

HERE = "127.0.0.1"


def said(text: str, *, visitor: Visitor) -> Conversation:
    posted = actions.post_message(visitor, client_id=uuid.uuid4(), text=text, address=HERE)
    return Conversation.objects.get(pk=posted.conversation_id)


def run_turns() -> None:
    for turn in Turn.objects.filter(state="queued"):
        tasks.run_turn(str(turn.pk))


@pytest.mark.parametrize(("text", "answers"), [("我要打12315投诉,订单还没到", 1), ("转人工", 0)])
def test_what_called_a_person_unanswered_is_answered_after_leaving_and_calls_nobody_again(
    visitor: Visitor, agent: Any, text: str, answers: int
) -> None:
    talk = said(text, visitor=visitor)
    run_turns()
    talk.refresh_from_db()
    assert talk.owner == Owner.QUEUE
    ending.leave_queue(visitor)
    run_turns()
    talk.refresh_from_db()
    assert talk.owner == Owner.BOT
    assert Message.objects.filter(role=Role.BOT.value).count() == answers
    assert Escalation.objects.count() == 1
    # Said anew it counts anew.
    said(text, visitor=visitor)
    run_turns()
    talk.refresh_from_db()
    assert talk.owner == Owner.QUEUE


def test_leaving_the_queue_of_an_inbox_with_people_only_ends_it(
    inbox: Any, visitor: Visitor
) -> None:
    inbox.reception = "human_only"
    inbox.save()
    visitor.inbox = inbox
    talk = said("在吗", visitor=visitor)
    assert talk.owner == "queue"
    ending.leave_queue(visitor)
    talk.refresh_from_db()
    assert talk.resolved_at is not None
    assert not transcript.open_turn(talk.pk)


def test_handing_back_where_only_people_receive_puts_it_into_the_queue(
    inbox: Any, visitor: Visitor, agent: Any
) -> None:
    inbox.reception = "human_only"
    inbox.save()
    visitor.inbox = inbox
    talk = said("在吗", visitor=visitor)
    agent_actions.claim(talk.pk, agent=agent)
    assert agent_actions.hand_back(talk.pk, agent=agent).owner == "queue"


def test_cancelling_in_a_resolved_conversation_opens_no_other(visitor: Visitor, agent: Any) -> None:
    talk = said("在吗", visitor=visitor)
    agent_actions.claim(talk.pk, agent=agent)
    agent_actions.resolve(talk.pk, agent=agent)
    actions.cancel_human(visitor)
    assert Conversation.objects.count() == 1


def test_a_card_of_a_resolved_conversation_is_refused_and_opens_no_other(
    visitor: Visitor, agent: Any
) -> None:
    talk = said("在吗", visitor=visitor)
    agent_actions.claim(talk.pk, agent=agent)
    agent_actions.resolve(talk.pk, agent=agent)
    with pytest.raises(ProtocolError) as refused:
        choosing.choose(visitor, confirmation(uuid.uuid4()), address=HERE)
    assert (refused.value.code, Conversation.objects.count()) == ("conflict", 1)


def test_a_choice_under_the_id_of_an_agents_line_is_a_conflict(
    visitor: Visitor, agent: Any
) -> None:
    talk = said("在吗", visitor=visitor)
    talk = agent_actions.claim(talk.pk, agent=agent)
    taken = uuid.uuid4()
    agent_actions.reply(talk.pk, agent=agent, client_id=taken, text="您好", epoch=talk.epoch)
    with pytest.raises(ProtocolError) as refused:
        choosing.choose(visitor, confirmation(taken), address=HERE)
    assert refused.value.code == "conflict"


def confirmation(client_id: uuid.UUID) -> Choice:
    value = f"confirm:{uuid.uuid4()}"
    return Choice(type="choice", client_id=client_id, message_seq=1, value=value)
