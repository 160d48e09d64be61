"""What a visitor can do, each act once and in one transaction."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from chat import auth, lease, protocol, push, transcript, turn
from chat.actions import agent as agent_actions
from chat.actions import session
from chat.actions import visitor as actions
from chat.models import Conversation, Message, Rating, Turn, Visitor
from chat.protocol import ProtocolError
from chat.states import Owner, Presence
from tests.chat.conftest import TEXTS
from tests.chat.ear import Ear
from tests.factories import AgentFactory, InboxFactory, VisitorFactory

HERE = "127.0.0.1"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

# Statements of one line into an open conversation, its transaction's BEGIN and COMMIT among them.
POST_QUERIES = 8


def post(visitor: Any, text: str = "在吗", client_id: UUID | None = None) -> actions.Posted:
    return actions.post_message(visitor, client_id=client_id or uuid4(), text=text, address=HERE)


def refusal(act: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(ProtocolError) as caught:
        act(*args, **kwargs)
    return caught.value.code


# --- sessions --------------------------------------------------------------------------------------


def test_open_session_makes_a_visitor_in_the_inboxs_language() -> None:
    inbox = InboxFactory.create(locale="en")
    visitor = session.open_session(inbox, locale=None, resume=None, address=HERE)
    assert (visitor.inbox, visitor.locale) == (inbox, "en")
    assert session.open_session(inbox, locale="zh-TW", resume=None, address=HERE).locale == "zh-TW"
    assert Visitor.objects.count() == 2


def test_open_session_finds_the_visitor_of_an_earlier_token(visitor: Any) -> None:
    token = auth.issue(visitor).text
    assert session.open_session(visitor.inbox, locale=None, resume=token, address=HERE) == visitor
    assert (
        session.open_session(visitor.inbox, locale="en", resume=token, address=HERE).locale == "en"
    )
    assert Visitor.objects.get().locale == "en"
    assert (
        session.open_session(visitor.inbox, locale=None, resume="forged", address=HERE) != visitor
    )


def test_enter_shows_a_resolved_conversation_until_the_next_line_opens_another(
    visitor: Any, agent: Any
) -> None:
    first = actions.enter(visitor)
    assert actions.enter(visitor) == first
    agent_actions.claim(first.pk, agent=agent)
    agent_actions.resolve(first.pk, agent=agent)
    assert actions.enter(visitor) == first
    opened = post(visitor).conversation_id
    assert actions.enter(visitor).pk == opened != first.pk
    assert Conversation.objects.count() == 2


# --- lines -----------------------------------------------------------------------------------------


def test_post_stores_the_line_and_queues_its_turn(visitor: Any) -> None:
    client_id = uuid4()
    posted = post(visitor, "在吗", client_id)
    line, turn = Message.objects.get(), Turn.objects.get()
    assert posted == actions.Posted(line.conversation_id, 1, turn.pk)
    assert (line.role, line.text, line.client_id, line.visitor) == (
        "visitor",
        "在吗",
        client_id,
        visitor,
    )
    assert (turn.state, turn.first_seq, turn.last_seq, turn.epoch) == ("queued", 1, 1, 0)


def test_post_costs_a_known_number_of_queries(visitor: Any, django_assert_num_queries: Any) -> None:
    post(visitor)
    lease.claim(Turn.objects.get().pk, worker="w")
    with django_assert_num_queries(POST_QUERIES):
        post(visitor)
    with django_assert_num_queries(POST_QUERIES):
        post(visitor)


def test_post_tells_every_tab(visitor: Any, ear: Ear) -> None:
    posted = post(visitor)
    assert posted.turn_id is not None
    assert ear.frames() == [
        transcript.as_frame(Message.objects.get()),
        protocol.turn(posted.turn_id, "queued"),
    ]


def test_post_again_gives_the_same_answer_and_stores_nothing(visitor: Any) -> None:
    client_id = uuid4()
    posted = post(visitor, "在吗", client_id)
    assert post(visitor, "在吗", client_id) == posted
    assert (Message.objects.count(), Turn.objects.count()) == (1, 1)


def test_post_again_after_the_conversation_was_resolved_opens_no_other(
    visitor: Any, agent: Any
) -> None:
    client_id = uuid4()
    posted = post(visitor, "在吗", client_id)
    agent_actions.claim(posted.conversation_id, agent=agent)
    agent_actions.resolve(posted.conversation_id, agent=agent)
    assert post(visitor, "在吗", client_id) == posted
    assert Message.objects.filter(role="visitor").count() == 1


def test_post_of_another_text_under_the_same_client_id_conflicts(visitor: Any) -> None:
    client_id = uuid4()
    post(visitor, "在吗", client_id)
    with pytest.raises(ProtocolError, match="conflict") as caught:
        post(visitor, "不在吗", client_id)
    assert caught.value.client_id == client_id
    assert Message.objects.get().text == "在吗"


def test_client_ids_are_each_visitors_own(visitor: Any) -> None:
    client_id = uuid4()
    post(visitor, "在吗", client_id)
    other = post(VisitorFactory.create(inbox=visitor.inbox), "不在吗", client_id)
    assert other.seq == 1
    assert Message.objects.count() == 2


def test_post_under_the_client_id_of_an_agents_line_conflicts(visitor: Any, agent: Any) -> None:
    """Browsers are shown it, so one may come back."""
    client_id = uuid4()
    conversation = agent_actions.claim(actions.enter(visitor).pk, agent=agent)
    agent_actions.reply(conversation.pk, agent=agent, client_id=client_id, text="好", epoch=1)
    assert refusal(post, visitor, "好", client_id) == "conflict"
    assert refusal(post, visitor, "在吗", client_id) == "conflict"
    assert Message.objects.filter(role="visitor").count() == 0


def test_lines_join_the_queued_turn_and_never_the_running_one(visitor: Any) -> None:
    first = post(visitor)
    assert post(visitor).turn_id == first.turn_id
    assert first.turn_id is not None
    assert lease.claim(first.turn_id, worker="w") is not None
    third = post(visitor)
    assert third.turn_id not in {None, first.turn_id}
    assert post(visitor).turn_id == third.turn_id
    spans = Turn.objects.order_by("first_seq").values_list("state", "first_seq", "last_seq")
    assert list(spans) == [("running", 1, 2), ("queued", 3, 4)]


@pytest.mark.parametrize("owner", [Owner.QUEUE, Owner.AGENT])
def test_post_to_a_person_queues_no_turn(visitor: Any, agent: Any, owner: Owner) -> None:
    actions.request_human(visitor)
    if owner is Owner.AGENT:
        agent_actions.claim(Conversation.objects.get().pk, agent=agent)
    assert post(visitor).turn_id is None
    assert not Turn.objects.exists()


def test_post_after_resolve_opens_the_next_conversation(visitor: Any, agent: Any) -> None:
    earlier = post(visitor)
    agent_actions.claim(earlier.conversation_id, agent=agent)
    agent_actions.resolve(earlier.conversation_id, agent=agent)
    posted = post(visitor)
    assert posted.conversation_id != earlier.conversation_id
    assert (posted.seq, Conversation.objects.get(resolved_at=None).owner) == (1, "bot")


# --- ready -----------------------------------------------------------------------------------------


def test_ready_gives_what_was_missed_and_the_state(visitor: Any) -> None:
    for _ in range(3):
        post(visitor)
    turn_id = str(Turn.objects.get().pk)
    conversation = actions.enter(visitor)
    lines = [transcript.as_frame(line) for line in Message.objects.order_by("seq")]
    for after_seq in range(5):
        assert actions.ready(conversation, after_seq=after_seq) == {
            "type": "ready",
            "conversation_id": str(conversation.pk),
            "seq": 3,
            "state": "bot",
            "owner": "bot",
            "messages": lines[after_seq:],
            "partial": {"turn_id": turn_id, "offset": 0, "text": ""},
            "read": {"visitor": 0, "agent": 0},
            "verified": False,
            "form": False,
        }


def test_ready_of_a_new_conversation_is_empty(visitor: Any) -> None:
    frame = actions.ready(actions.enter(visitor), after_seq=0)
    assert (frame["seq"], frame["messages"], "partial" in frame) == (0, [], False)


def test_ready_knows_lines_that_came_after_its_conversation_was_read(visitor: Any) -> None:
    conversation = actions.enter(visitor)
    post(visitor)
    frame = actions.ready(conversation, after_seq=0)
    assert (frame["seq"], [m["seq"] for m in frame["messages"]]) == (1, [1])


def test_ready_is_found_in_redis_only_where_it_may_be_lost(visitor: Any) -> None:
    posted = post(visitor)
    assert posted.turn_id is not None
    partial = protocol.Partial(turn_id=str(posted.turn_id), n=0, text="亲")
    push.delta(actions.enter(visitor), partial, text="亲")
    conversation = actions.enter(visitor)
    assert actions.ready(conversation, after_seq=1)["partial"]["text"] == "亲"


# --- asking for a person ---------------------------------------------------------------------------


def notices() -> list[str]:
    return list(Message.objects.filter(role="system").values_list("text", flat=True))


def test_request_human_queues_tells_and_supersedes(visitor: Any) -> None:
    AgentFactory.create(presence=Presence.ONLINE.value)
    post(visitor)
    actions.request_human(visitor)
    conversation = Conversation.objects.get()
    assert (conversation.owner, conversation.epoch) == ("queue", 1)
    assert conversation.waiting_since is not None
    assert notices() == [TEXTS["handoff_notice"][0]]
    assert Turn.objects.get().state == "superseded"


def test_request_human_says_when_nobody_is_there(visitor: Any, agent: Any) -> None:
    actions.request_human(visitor)
    assert notices() == [TEXTS["offline_notice"][0]]
    assert Conversation.objects.get().owner == "queue"


def test_request_human_twice_is_once(visitor: Any) -> None:
    actions.request_human(visitor)
    since = Conversation.objects.get().waiting_since
    actions.request_human(visitor)
    conversation = Conversation.objects.get()
    assert (conversation.epoch, conversation.waiting_since) == (1, since)
    assert len(notices()) == 1


def test_cancel_human_gives_the_bot_what_is_unanswered(visitor: Any) -> None:
    actions.cancel_human(visitor)
    assert notices() == []
    actions.request_human(visitor)
    post(visitor)
    actions.cancel_human(visitor)
    conversation = Conversation.objects.get()
    assert (conversation.owner, conversation.epoch, conversation.waiting_since) == ("bot", 2, None)
    turn = Turn.objects.get()
    assert (turn.state, turn.first_seq, turn.last_seq, turn.epoch) == ("queued", 2, 2, 2)


# --- feedback and rating ---------------------------------------------------------------------------


def answered(visitor: Any) -> Message:
    posted = post(visitor)
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w")
    return Message.objects.get(role="bot", conversation__visitor=visitor)


def thumb(seq: int, value: Any) -> protocol.Feedback:
    return protocol.Feedback(type="feedback", message_seq=seq, value=value)


def test_feedback_is_kept_with_the_bots_line(visitor: Any) -> None:
    line = answered(visitor)
    actions.give_feedback(visitor, thumb(line.seq, "up"))
    actions.give_feedback(visitor, thumb(line.seq, "down"))
    line.refresh_from_db()
    assert (line.meta["feedback"], line.meta["endpoint"]) == ("down", "sop")


def test_feedback_on_anything_else_is_refused(visitor: Any) -> None:
    answered(visitor)
    other = answered(VisitorFactory.create(inbox=visitor.inbox))
    assert refusal(actions.give_feedback, visitor, thumb(1, "up")) == "not_found"
    assert refusal(actions.give_feedback, visitor, thumb(9, "up")) == "not_found"
    other.refresh_from_db()
    assert "feedback" not in other.meta


def test_rate_keeps_the_last_word(visitor: Any) -> None:
    rating = protocol.Rate(type="rate", score=2, resolved=False, tags=["慢"], comment="太慢")
    assert refusal(actions.rate, visitor, rating) == "not_found"
    actions.enter(visitor)
    actions.rate(visitor, rating)
    actions.rate(visitor, protocol.Rate(type="rate", score=5, resolved=True))
    kept = Rating.objects.get()
    assert (kept.score, kept.resolved, kept.tags, kept.comment) == (5, True, [], "")
    assert kept.conversation.visitor == visitor
