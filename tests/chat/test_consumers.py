"""The visitor's socket as docs/protocol.md §3 promises it, on real Postgres and Redis."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import time_machine
from channels.db import database_sync_to_async as in_database
from django.db import transaction
from django.utils import timezone

from chat import auth, transcript, turn
from chat.actions import agent as agent_actions
from chat.models import Conversation, Message, Rating, Visitor
from chat.states import Role, TurnState
from prompts.redis import connection as redis
from tests.chat.browser import Browser, Frame, post
from tests.factories import ConversationFactory, VisitorFactory

pytestmark = pytest.mark.django_db(transaction=True)

Connect = Callable[..., Awaitable[Browser]]
UTC_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
QUESTION = "我的订单怎么还没到?"


@pytest_asyncio.fixture
async def connect(transactional_db: None) -> AsyncIterator[Connect]:
    """Opens sockets, signed in when a visitor is given; closes them all at the end."""
    opened: list[Browser] = []

    async def make(visitor: Visitor | None = None, **hello: Any) -> Browser:
        browser = Browser()
        opened.append(browser)
        assert (await browser.open())[0]
        if visitor is not None:
            await browser.hello(visitor, **hello)
        return browser

    yield make
    for browser in opened:
        await browser.leave()


async def answer(ack: Frame) -> None:
    await in_database(turn.run)(uuid.UUID(ack["turn_id"]), worker="w1")


def append_unpushed(visitor: Visitor, *texts: str) -> None:
    """Rows whose push frames were lost."""
    with transaction.atomic():
        conversation = transcript.lock(Conversation.objects.get(visitor=visitor).pk)
        for text in texts:
            transcript.append(conversation, role=Role.SYSTEM, text=text)


# --- hello and ready ---------------------------------------------------------------------------------


async def test_socket_speaks_the_subprotocol(transactional_db: None) -> None:
    browser = Browser(subprotocols=("other", "yingda.v1"))
    assert await browser.open() == (True, "yingda.v1")
    await browser.leave()

    foreign = Browser(subprotocols=("other",))
    assert await foreign.open() == (False, 4400)


async def test_hello_is_answered_with_an_empty_conversation(
    connect: Connect, visitor: Visitor
) -> None:
    browser = await connect()
    ready = await browser.hello(visitor)

    conversation = await in_database(Conversation.objects.get)(visitor=visitor)
    assert ready == {
        "type": "ready",
        "conversation_id": str(conversation.pk),
        "seq": 0,
        "state": "bot",
        "owner": "bot",
        "messages": [],
        "read": {"visitor": 0, "agent": 0},
        "verified": False,
        "form": False,
    }


async def test_hello_answers_lines_after_seq_only(connect: Connect, visitor: Visitor) -> None:
    for text in ("一", "二", "三"):
        await post(visitor, text)

    browser = await connect()
    ready = await browser.hello(visitor, after_seq=1)

    assert [(line["seq"], line["text"]) for line in ready["messages"]] == [(2, "二"), (3, "三")]
    assert ready["seq"] == 3
    assert "token" not in ready


async def test_hello_renews_a_token_that_is_half_spent(connect: Connect, visitor: Visitor) -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=13)):
        token = auth.issue(visitor).text
    browser = await connect()

    await browser.send(type="hello", token=token, after_seq=0)
    ready = await browser.next("ready")

    assert ready["token"] != token
    assert auth.visitor_id(ready["token"]) == visitor.pk


async def test_hello_greets_with_the_resume_prompt_once_the_topic_is_old(
    texts: None, connect: Connect, visitor: Visitor
) -> None:
    dialogue = {
        "topic": "物流查询",
        "summary": "物流查询",
        "slots": {"order_number": "20260131001"},
        "at_seconds": (timezone.now() - timedelta(days=1)).timestamp(),
    }
    await in_database(ConversationFactory.create)(visitor=visitor, dialogue=dialogue)
    browser = await connect()

    prompt = (await browser.hello(visitor))["resume_prompt"]
    ack = await browser.say("1")
    await answer(ack)
    resumed = await browser.next("message", role="bot")

    assert "回复1" in prompt
    assert "20260131001" in resumed["text"]
    await browser.send(type="sync", after_seq=0)
    assert "resume_prompt" not in await browser.next("ready")


async def test_hello_after_a_resolved_conversation_shows_how_it_ended(
    texts: None, connect: Connect, visitor: Visitor, agent: Any
) -> None:
    posted = await post(visitor, "你好")
    await in_database(agent_actions.claim)(posted.conversation_id, agent=agent)
    await in_database(agent_actions.resolve)(posted.conversation_id, agent=agent)

    browser = await connect()
    ready = await browser.hello(visitor, after_seq=1)

    assert (ready["conversation_id"], ready["state"]) == (str(posted.conversation_id), "resolved")
    assert [line["seq"] for line in ready["messages"]] == [2, 3]


# --- sending -----------------------------------------------------------------------------------------


async def test_line_is_acked_pushed_and_answered_once(
    defaults: None, connect: Connect, visitor: Visitor
) -> None:
    browser = await connect(visitor)
    client_id = str(uuid.uuid4())

    ack = await browser.say(QUESTION, client_id=client_id)
    own = await browser.next("message")
    queued = await browser.next("turn")
    await answer(ack)
    final = await browser.next("message")
    done = await browser.next("turn")

    assert ack == {"type": "ack", "client_id": client_id, "seq": 1, "turn_id": ack["turn_id"]}
    assert own == {
        "type": "message",
        "seq": 1,
        "id": own["id"],
        "role": "visitor",
        "text": QUESTION,
        "html": "<p>我的订单怎么还没到?</p>",
        "at": own["at"],
        "ai": False,
        "conversation_id": browser.frames[0]["conversation_id"],
        "client_id": client_id,
    }
    assert UTC_TIME.fullmatch(own["at"])
    assert queued == {"type": "turn", "turn_id": ack["turn_id"], "state": "queued"}
    assert (final["seq"], final["role"], final["ai"]) == (2, "bot", True)
    assert final["turn_id"] == ack["turn_id"]
    assert final["author"]["name"] == "小助手"
    assert done["state"] == "done"
    deltas = browser.of_type("delta")
    assert deltas[0]["offset"] == deltas[0]["n"] == 0
    assert final["text"].startswith("".join(delta["text"] for delta in deltas))
    states = [frame["state"] for frame in browser.of_type("turn")]
    assert states == ["queued", "running", "done"]


async def test_same_line_again_is_the_same_row(connect: Connect, visitor: Visitor) -> None:
    browser = await connect(visitor)
    client_id = str(uuid.uuid4())

    first = await browser.say("你好", client_id=client_id)
    again = await browser.say("你好", client_id=client_id)
    with time_machine.travel(timezone.now() + timedelta(minutes=10)):
        later = await connect(visitor)
        resent = await later.say("你好", client_id=client_id)

    assert first == again == resent
    assert await in_database(Message.objects.count)() == 1


async def test_same_client_id_with_another_text_is_a_conflict(
    connect: Connect, visitor: Visitor
) -> None:
    browser = await connect(visitor)
    client_id = str(uuid.uuid4())
    await browser.say("你好", client_id=client_id)

    await browser.send(type="message.send", client_id=client_id, text="再见")

    error = await browser.next("error")
    assert (error["code"], error["client_id"]) == ("conflict", client_id)
    assert await in_database(Message.objects.count)() == 1


async def test_lines_that_arrive_while_a_turn_waits_share_it(
    connect: Connect, visitor: Visitor
) -> None:
    browser = await connect(visitor)

    acks = [await browser.say(text) for text in ("你好", "在吗", "查订单")]

    assert len({ack["turn_id"] for ack in acks}) == 1
    assert [ack["seq"] for ack in acks] == [1, 2, 3]


async def test_choice_is_stored_like_a_line(connect: Connect, visitor: Visitor) -> None:
    browser = await connect(visitor)
    client_id = str(uuid.uuid4())

    await browser.send(type="choice", client_id=client_id, message_seq=1, value="查询物流")

    ack = await browser.next("ack")
    assert (ack["client_id"], ack["seq"]) == (client_id, 1)
    assert (await browser.next("message"))["text"] == "查询物流"


async def test_human_request_and_cancel_move_the_conversation(
    texts: None, connect: Connect, visitor: Visitor
) -> None:
    browser = await connect(visitor)
    ack = await browser.say(QUESTION)

    await browser.send(type="human.request", reason="急")
    superseded = await browser.next("turn", state="superseded")
    notice = await browser.next("message")
    queued = await browser.next("state")
    await browser.send(type="human.cancel")
    await browser.next("message")
    back = await browser.next("state")

    assert superseded["turn_id"] == ack["turn_id"]
    assert (notice["role"], notice["seq"], bool(notice["text"])) == ("system", 2, True)
    assert (queued["state"], queued["owner"]) == ("queued", "queue")
    assert queued["queue"] == {"position": 1, "eta_seconds": None, "staffed": False}
    assert (back["state"], back["owner"]) == ("bot", "bot")


async def test_line_to_a_person_has_no_turn(
    texts: None, connect: Connect, visitor: Visitor
) -> None:
    browser = await connect(visitor)
    await browser.send(type="human.request")
    await browser.next("state")

    assert "turn_id" not in await browser.say("在吗")


async def test_rating_and_feedback_are_kept(
    texts: None, connect: Connect, visitor: Visitor
) -> None:
    browser = await connect(visitor)
    await answer(await browser.say(QUESTION))

    await browser.send(type="feedback", message_seq=2, value="up")
    await browser.send(type="rate", score=2, resolved=False, tags=["慢"], comment="一般")
    await browser.send(type="rate", score=5, resolved=True, tags=[])
    await browser.round_trip()

    kept = await in_database(Message.objects.get)(seq=2)
    rating = await in_database(Rating.objects.get)()
    assert kept.meta["feedback"] == "up"
    assert (rating.score, rating.resolved, rating.tags, rating.comment) == (5, True, [], "")
    assert not browser.of_type("error")


async def test_feedback_on_a_line_of_ones_own_is_not_found(
    connect: Connect, visitor: Visitor
) -> None:
    browser = await connect(visitor)
    await browser.say("你好")

    await browser.send(type="feedback", message_seq=1, value="down")

    assert (await browser.next("error"))["code"] == "not_found"


async def test_typing_and_read_are_taken_in_silence(connect: Connect, visitor: Visitor) -> None:
    browser = await connect(visitor)
    before = len(browser.frames)

    await browser.send(type="typing", on=True)
    await browser.send(type="read", seq=0)
    await browser.round_trip()

    assert [frame["type"] for frame in browser.frames[before:]] == ["pong"]


# --- nothing lost ------------------------------------------------------------------------------------


async def test_two_sockets_of_a_visitor_see_the_same(
    texts: None, connect: Connect, visitor: Visitor
) -> None:
    one, other = await connect(visitor), await connect(visitor)

    await answer(await one.say(QUESTION))
    for browser in (one, other):
        await browser.next("turn", state=TurnState.DONE)

    shared = [[f for f in b.frames if f["type"] not in {"ack", "ready"}] for b in (one, other)]
    assert shared[0] == shared[1]
    assert [seq for seq, _ in one.lines()] == [1, 2]


async def test_other_tab_follows_into_the_next_conversation(
    texts: None, connect: Connect, visitor: Visitor, agent: Any
) -> None:
    one, other = await connect(visitor), await connect(visitor)
    await one.say("你好")
    conversation = await in_database(Conversation.objects.get)(visitor=visitor)
    await in_database(agent_actions.claim)(conversation.pk, agent=agent)
    await in_database(agent_actions.resolve)(conversation.pk, agent=agent)
    for browser in (one, other):
        await browser.next("state", state="resolved")

    ack = await one.say("还有个问题")
    opened = await one.next("ready")

    assert ack["seq"] == 1
    assert opened["conversation_id"] != str(conversation.pk)
    assert [line["text"] for line in opened["messages"]] == ["还有个问题"]
    followed = await other.next("ready")
    assert followed["conversation_id"] == opened["conversation_id"]


async def test_human_request_after_the_end_opens_the_next_conversation(
    texts: None, connect: Connect, visitor: Visitor, agent: Any
) -> None:
    browser = await connect(visitor)
    await browser.say("你好")
    conversation = await in_database(Conversation.objects.get)(visitor=visitor)
    await in_database(agent_actions.claim)(conversation.pk, agent=agent)
    await in_database(agent_actions.resolve)(conversation.pk, agent=agent)
    await browser.next("state", state="resolved")

    await browser.send(type="human.request")

    ready = await browser.next("ready")
    assert (ready["state"], ready["owner"]) == ("queued", "queue")


async def test_no_line_is_lost_around_hello(connect: Connect, visitor: Visitor) -> None:
    async def keep_posting() -> None:
        for number in range(1, 41):
            await post(visitor, f"第{number}行")

    poster = asyncio.create_task(keep_posting())
    browsers = []
    while not poster.done():
        browsers.append(await connect(visitor))
        await asyncio.sleep(0.01)
    await poster

    expected = [(number, f"第{number}行") for number in range(1, 41)]
    for browser in browsers:
        while len(browser.lines()) < 40:
            await browser.next("message")
        assert browser.lines() == expected


async def test_line_posted_while_the_subscription_waits_is_in_ready(
    connect: Connect, visitor: Visitor
) -> None:
    browser = await connect()
    await in_database(ConversationFactory.create)(visitor=visitor)
    redis().client_pause(300, all=True)

    signing_in = asyncio.create_task(browser.hello(visitor))
    await asyncio.sleep(0.1)
    await post(visitor, "趁机")
    await signing_in
    if not browser.lines():
        await browser.next("message")
    await browser.round_trip()

    assert browser.lines() == [(1, "趁机")]


async def test_gap_in_pushes_is_filled_from_rows(connect: Connect, visitor: Visitor) -> None:
    browser = await connect(visitor)
    await in_database(append_unpushed)(visitor, "一", "二")

    await post(visitor, "三")

    await browser.next("message", seq=3)
    assert browser.lines() == [(1, "一"), (2, "二"), (3, "三")]


async def test_heartbeat_tells_the_seq_and_sync_heals(
    connect: Connect, visitor: Visitor, settings: Any
) -> None:
    settings.HEARTBEAT_SECONDS = 0.05
    browser = await connect(visitor)
    assert await browser.next("heartbeat") == {"type": "heartbeat", "seq": 0}
    await in_database(append_unpushed)(visitor, "丢了的一行")

    await browser.next("heartbeat", seq=1)
    await browser.send(type="sync", after_seq=0)
    await browser.next("ready", seq=1)

    assert browser.lines() == [(1, "丢了的一行")]


async def test_answer_whose_push_was_lost_reaches_whoever_waits(
    connect: Connect, visitor: Visitor, settings: Any
) -> None:
    settings.CATCH_UP_SECONDS = 0.1
    browser = await connect(visitor)
    await browser.say("你好")

    await in_database(append_unpushed)(visitor, "丢了的回答")

    await browser.next("message", seq=2)
    assert browser.lines() == [(1, "你好"), (2, "丢了的回答")]


async def test_socket_hears_again_after_redis_dropped_its_subscription(
    connect: Connect, visitor: Visitor, settings: Any
) -> None:
    settings.HEARTBEAT_SECONDS = 0.2
    browser = await connect(visitor)
    killed: Any = redis().client_kill_filter(_type="pubsub")
    assert killed >= 1

    await post(visitor, "还在吗")
    heartbeat = await browser.next("heartbeat", seq=1)
    await browser.send(type="sync", after_seq=0)
    await browser.next("ready", seq=heartbeat["seq"])
    for _ in range(20):
        await post(visitor, "在的")
        await browser.round_trip()
        if browser.of_type("message"):
            break
        await asyncio.sleep(0.2)

    assert browser.of_type("message")


async def test_ready_carries_the_partial_of_a_turn_in_flight(
    texts: None, connect: Connect, visitor: Visitor
) -> None:
    first = await connect(visitor)
    ack = await first.say(QUESTION)

    second = await connect(visitor)
    waiting = second.frames[-1]["partial"]
    await answer(ack)
    third = await connect(visitor)

    assert waiting == {"turn_id": ack["turn_id"], "offset": 0, "text": ""}
    assert "partial" not in third.frames[-1]


async def test_foreign_visitor_hears_nothing(
    connect: Connect, visitor: Visitor, settings: Any
) -> None:
    stranger = await in_database(VisitorFactory.create)(inbox=visitor.inbox)
    mine, theirs = await connect(visitor), await connect(stranger)

    await mine.say("只给客服看")
    await mine.next("turn")
    await theirs.round_trip()

    assert theirs.lines() == []
