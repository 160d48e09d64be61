"""The step from the bot to the queue through real turns: notice, state and reasons together, or none of it."""

from typing import Any
from uuid import uuid4

import pytest

from chat import escalation, lease, turn
from chat.actions import agent as agent_actions
from chat.actions import visitor as actions
from chat.models import Conversation, Escalation, EscalationPolicy, Message, Turn
from chat.states import Tier
from prompts import completion
from tests.chat.conftest import QUESTION, TEXTS
from tests.chat.ear import Ear

HERE = "127.0.0.1"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


@pytest.fixture
def online(agent: Any) -> Any:
    agent.presence = "online"
    agent.save()
    return agent


def ask(visitor: Any, text: str) -> Turn:
    posted = actions.post_message(visitor, client_id=uuid4(), text=text, address=HERE)
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w")
    return Turn.objects.get(pk=posted.turn_id)


def lines() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("seq").values_list("role", "text"))


def codes(row: Escalation) -> list[str]:
    return [reason["code"] for reason in row.reasons]


def test_a_typed_wish_for_a_person_joins_the_queue_with_notice_state_and_reason(
    visitor: Any, online: Any, ear: Ear
) -> None:
    ended = ask(visitor, "转人工")
    conversation, waiting = Conversation.objects.get(), Escalation.objects.get()
    assert (ended.state, conversation.owner, conversation.epoch) == ("done", "queue", 1)
    assert lines() == [("visitor", "转人工"), ("system", TEXTS["handoff_notice"][0])]
    assert (codes(waiting), waiting.ended_at, waiting.end) == (["asked"], None, "")
    assert ended.decision["escalation"]["reasons"] == [{"code": "asked", "points": 1.0}]
    states = [frame["state"] for frame in ear.frames() if frame["type"] == "state"]
    assert states == ["queued"]


def test_who_asks_while_nobody_is_there_is_told_so(visitor: Any) -> None:
    ask(visitor, "转人工")
    assert lines()[-1] == ("system", TEXTS["offline_notice"][0])


def test_two_answers_that_were_none_call_a_person_after_the_second(
    visitor: Any, online: Any
) -> None:
    ask(visitor, "量子力学是什么")
    assert Conversation.objects.get().owner == "bot"
    ask(visitor, "黑洞里面有什么")
    assert [role for role, _ in lines()] == ["visitor", "bot", "visitor", "bot", "system"]
    assert {"failed", "no_knowledge"} <= set(codes(Escalation.objects.get()))


def test_what_the_visitor_did_not_ask_for_waits_until_somebody_is_online(visitor: Any) -> None:
    for question in ("量子力学是什么", "黑洞里面有什么"):
        ended = ask(visitor, question)
    assert Conversation.objects.get().owner == "bot"
    assert ended.decision["escalation"]["action"] == "offer"


def test_who_left_the_queue_is_not_put_back_unasked_and_may_ask_again(
    visitor: Any, online: Any
) -> None:
    ask(visitor, "转人工")
    actions.cancel_human(visitor)
    for question in ("量子力学是什么", "黑洞里面有什么"):
        ask(visitor, question)
    assert Conversation.objects.get().owner == "bot"
    ask(visitor, "转人工")
    assert list(Escalation.objects.order_by("opened_at").values_list("end", flat=True)) == [
        "left",
        "",
    ]


def test_an_inbox_without_people_never_hands_over(visitor: Any, online: Any) -> None:
    visitor.inbox.reception = "bot_only"
    visitor.inbox.save()
    for question in ("转人工", "量子力学是什么", "黑洞里面有什么"):
        ended = ask(visitor, question)
        assert ended.decision["escalation"]["action"] == "answer"
    assert Conversation.objects.get().owner == "bot"
    assert lines()[-1][0] == "bot"
    assert not Message.objects.filter(meta__offered=True).exists()


def test_what_is_handed_back_is_not_handed_over_again_for_what_failed_before(
    visitor: Any, online: Any
) -> None:
    for question in ("量子力学是什么", "黑洞里面有什么"):
        ask(visitor, question)
    conversation = agent_actions.claim(Conversation.objects.get().pk, agent=online)
    agent_actions.reply(
        conversation.pk,
        agent=online,
        client_id=uuid4(),
        text="都讲清楚了",
        epoch=conversation.epoch,
    )
    agent_actions.hand_back(conversation.pk, agent=online)
    ended = ask(visitor, QUESTION)
    reasons = [reason["code"] for reason in ended.decision["escalation"]["reasons"]]
    assert "failed" not in reasons, reasons
    assert Conversation.objects.get().owner == "bot"


def test_the_agent_who_claims_ends_the_wait(visitor: Any, online: Any) -> None:
    ask(visitor, "转人工")
    agent_actions.claim(Conversation.objects.get().pk, agent=online)
    waited = Escalation.objects.get()
    assert (waited.end, waited.agent_id) == ("claimed", online.pk)
    assert waited.ended_at is not None


def test_a_takeover_while_the_bot_decides_wins(visitor: Any, online: Any) -> None:
    posted = actions.post_message(visitor, client_id=uuid4(), text="转人工", address=HERE)
    claimed = lease.claim(posted.turn_id, worker="w")  # type: ignore[arg-type]
    assert claimed is not None
    conversation = agent_actions.claim(Conversation.objects.get().pk, agent=online)
    with lease.held(claimed) as held, pytest.raises(turn.Abandoned):
        turn.answer(claimed, held)
    assert (Conversation.objects.get().owner, Escalation.objects.count()) == ("agent", 0)
    assert Conversation.objects.get().epoch == conversation.epoch


def test_thresholds_are_read_from_their_row_within_seconds(visitor: Any, online: Any) -> None:
    EscalationPolicy.objects.create(
        pk=1, hand_over_at=0.4, offer_at=0.3, points={"no_knowledge": 0.5}
    )
    completion.CACHE.clear()
    ask(visitor, "量子力学是什么")
    assert Conversation.objects.get().owner == "queue"


def test_words_of_ones_own_replace_those_that_ship(visitor: Any) -> None:
    EscalationPolicy.objects.create(pk=1, restricted="团购\n\n 批发 ")
    assert escalation.rules.read().restricted == ("团购", "批发")


def test_a_good_answer_of_a_calm_customer_says_why_nobody_was_called(visitor: Any) -> None:
    visitor.tier = Tier.VIP
    visitor.save()
    ended = ask(visitor, QUESTION)
    assert ended.decision["escalation"] == {"action": "answer", "score": 0.0, "reasons": []}
