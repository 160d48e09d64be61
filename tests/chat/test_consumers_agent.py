"""The console's socket as docs/protocol.md §4 promises it, on real Postgres and Redis."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async as in_database
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client

from chat import push
from chat.actions import agent as actions
from chat.actions import visitor as visitor_actions
from chat.assisting import translations
from chat.consumers import agent as agent_socket
from chat.consumers.viewing import Viewers
from chat.models import Agent, Conversation, Message, Note, Reveal, Visitor
from tests.chat.browser import HOST, Browser, Frame, post
from tests.factories import AgentFactory, UserFactory, VisitorFactory

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = f"http://{HOST}"


class Console(Browser):
    """A console's socket: the client of §4."""

    path = "/ws/agent/"

    async def ask(self, act: str, conversation_id: Any, **fields: Any) -> Frame:
        """Sends a frame about a conversation and returns `ok`."""
        await self.send(type=act, conversation_id=str(conversation_id), **fields)
        return await self.next("ok", act=act)

    async def refused(self, act: str, conversation_id: Any, **fields: Any) -> Frame:
        await self.send(type=act, conversation_id=str(conversation_id), **fields)
        return await self.next("error")


def cookie_of(user: Any) -> str:
    browser = Client()
    browser.force_login(user)
    return f"sessionid={browser.cookies['sessionid'].value}"


Open = Callable[..., Awaitable[Console]]


@pytest_asyncio.fixture
async def open_console(transactional_db: None) -> AsyncIterator[Open]:
    """Opens consoles, signed in as agents; closes them all at the end."""
    opened: list[Console] = []

    async def make(agent: Agent) -> Console:
        user = await in_database(lambda: agent.user)()
        console = Console(origin=ORIGIN, cookie=await in_database(cookie_of)(user))
        opened.append(console)
        assert (await console.open())[0]
        await console.next("ready")
        return console

    yield make
    for console in opened:
        await console.leave()


async def queued(visitor: Visitor, text: str = "转人工") -> uuid.UUID:
    """A conversation that waits for a person."""
    posted = await post(visitor, text)
    await in_database(visitor_actions.request_human)(visitor)
    return posted.conversation_id


# --- who gets in -------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
async def test_pages_of_others_are_refused(agent: Agent, origin: str | None) -> None:
    user = await in_database(lambda: agent.user)()
    console = Console(origin=origin, cookie=await in_database(cookie_of)(user))
    assert await console.open() == (False, 4403)


async def test_only_staff_get_in(transactional_db: None) -> None:
    customer = await in_database(UserFactory.create)(is_staff=False)
    for cookie in (await in_database(cookie_of)(customer), "sessionid=nonsense", None):
        assert await Console(origin=ORIGIN, cookie=cookie).open() == (False, 4401)


async def test_session_that_ended_closes_the_socket(
    open_console: Open, agent: Agent, settings: Any
) -> None:
    settings.HEARTBEAT_SECONDS = 0.1
    console = await open_console(agent)
    await in_database(get_user_model().objects.filter(agent=agent).update)(is_staff=False)
    assert await console.closed() == 4401


async def test_logging_out_elsewhere_closes_the_socket(
    open_console: Open, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_socket, "SESSION_SECONDS", 0.1)
    console = await open_console(agent)
    await console.round_trip()
    await in_database(Session.objects.all().delete)()
    assert await console.closed() == 4401


# --- the queue and the list --------------------------------------------------------------------------


async def test_waiting_conversation_is_pushed_with_its_reasons_and_score(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    console = await open_console(agent)

    pk = await queued(visitor)

    queue = await console.next("queue")
    entry = console.of_type("conversation")[-1]
    assert queue["entries"] == [
        {"conversation_id": str(pk), "score": 0, "because": [{"code": "wait", "points": 0}]}
    ]
    assert (entry["owner"], entry["reasons"], entry["latest"]["text"]) == (
        "queue",
        ["asked"],
        "转人工",
    )
    assert entry["unanswered_since"]


async def test_ready_lists_what_is_there(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    console = await open_console(agent)
    ready = console.frames[0]
    assert [row["conversation_id"] for row in ready["conversations"]] == [str(pk)]
    assert [row["conversation_id"] for row in ready["queue"]] == [str(pk)]
    assert ready["agent"]["name"] == agent.name
    assert agent.name in [member["name"] for member in ready["agents"]]


# --- claiming ----------------------------------------------------------------------------------------


async def test_of_racing_agents_exactly_one_wins_and_the_others_learn_who(
    texts: None, open_console: Open, visitor: Visitor
) -> None:
    agents = [await in_database(AgentFactory.create)() for _ in range(4)]
    consoles = [await open_console(each) for each in agents]
    pk = await queued(visitor)

    for console in consoles:
        await console.send(type="claim", conversation_id=str(pk))
    await asyncio.gather(*(console.round_trip() for console in consoles))

    conversation = await in_database(Conversation.objects.select_related("agent").get)(pk=pk)
    won = [console.of_type("ok") for console in consoles if console.of_type("ok")]
    lost = [console.of_type("error") for console in consoles if console.of_type("error")]
    assert (len(won), len(lost)) == (1, 3)
    assert conversation.agent is not None
    assert {error["winner"] for errors in lost for error in errors} == {conversation.agent.name}
    assert {error["code"] for errors in lost for error in errors} == {"conflict"}
    assert conversation.epoch == 2


async def test_claim_leaves_the_queue_of_every_console(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    other = await open_console(await in_database(AgentFactory.create)())
    console = await open_console(agent)

    await console.ask("claim", pk)

    entry = await other.next("conversation", owner="agent")
    assert entry["agent"]["name"] == agent.name
    assert (await other.next("queue"))["entries"] == []


# --- replying ----------------------------------------------------------------------------------------


async def test_reply_reaches_the_visitor_and_every_agent_who_looks_on(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    console = await open_console(agent)
    onlooker = await open_console(await in_database(AgentFactory.create)())
    customer = Browser()
    await customer.open()
    await customer.hello(visitor)
    epoch = (await console.ask("claim", pk))["epoch"]
    await onlooker.send(type="open", conversation_id=str(pk))
    await onlooker.next("thread")
    client_id = str(uuid.uuid4())

    done = await console.ask("reply", pk, client_id=client_id, text="您好", epoch=epoch)

    line = await customer.next("message", role="agent")
    assert (line["text"], line["seq"], line["author"]["name"]) == ("您好", done["seq"], agent.name)
    assert (await onlooker.next("message", role="agent"))["client_id"] == client_id
    await customer.leave()


async def test_reply_under_an_old_epoch_is_refused_and_not_stored(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    console = await open_console(agent)
    epoch = (await console.ask("claim", pk))["epoch"]
    other = await in_database(AgentFactory.create)()
    await in_database(actions.transfer)(pk, agent=agent, to=other)
    client_id = str(uuid.uuid4())

    error = await console.refused("reply", pk, client_id=client_id, text="还在吗", epoch=epoch)

    assert (error["code"], error["winner"]) == ("conflict", other.name)
    assert error["client_id"] == client_id
    assert not await in_database(Message.objects.filter(text="还在吗").exists)()


async def test_two_lines_at_once_are_both_kept(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    console = await open_console(agent)
    epoch = (await console.ask("claim", pk))["epoch"]
    for text in ("一", "二"):
        line = {"type": "reply", "conversation_id": str(pk), "epoch": epoch}
        await console.send(**line, text=text, client_id=str(uuid.uuid4()))
    await console.next("ok", act="reply")
    await console.next("ok", act="reply")
    said = Message.objects.filter(role="agent").order_by("seq").values_list("text", flat=True)
    assert await in_database(list)(said) == ["一", "二"]


# --- notes, passing on, ending -----------------------------------------------------------------------


async def test_note_is_seen_by_agents_only(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    customer = Browser()
    await customer.open()
    await customer.hello(visitor)
    console = await open_console(agent)
    await console.send(type="open", conversation_id=str(pk))
    await console.next("thread")

    await console.ask("note", pk, client_id=str(uuid.uuid4()), text="老顾客,电话13812345678")

    note = next(iter(console.of_type("note")), None) or await console.next("note")
    assert note["text"] == "老顾客,电话<PHONE_1>"
    await customer.round_trip()
    assert "老顾客" not in "".join(customer.raw)
    await customer.send(type="sync", after_seq=0)
    await customer.next("ready")
    assert "老顾客" not in "".join(customer.raw)
    await customer.leave()


async def test_transfer_tells_the_next_agent_and_keeps_the_note(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    other = await in_database(AgentFactory.create)()
    console, next_console = await open_console(agent), await open_console(other)
    await console.ask("claim", pk)

    await console.ask("transfer", pk, to=other.pk, note="请接着处理")

    while (entry := await next_console.next("conversation", owner="agent"))["agent"][
        "id"
    ] != other.pk:
        pass
    assert entry["epoch"] == 3
    assert (await in_database(Note.objects.get)()).text == "请接着处理"


async def test_hand_back_and_resolve_need_the_owner(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    console = await open_console(agent)
    stranger = await open_console(await in_database(AgentFactory.create)())
    await console.ask("claim", pk)

    for act in ("hand_back", "resolve"):
        error = await stranger.refused(act, pk)
        assert (error["code"], error["winner"], error["act"]) == ("conflict", agent.name, act)
    await console.ask("resolve", pk, summary="已补发", tags=["物流"])

    row = await in_database(Conversation.objects.get)(pk=pk)
    assert (row.summary, row.tags, row.resolved_at is not None) == ("已补发", ["物流"], True)
    assert (await console.refused("claim", pk))["code"] == "not_found"


async def test_unknown_conversation_and_nonsense_are_refused(
    open_console: Open, agent: Agent
) -> None:
    console = await open_console(agent)
    assert (await console.refused("open", uuid.uuid4()))["code"] == "not_found"
    assert (await console.refused("reply", uuid.uuid4(), text="x"))["code"] == "invalid_frame"
    await console.round_trip()


# --- presence and typing -----------------------------------------------------------------------------


async def test_presence_is_kept_and_told_to_every_console(open_console: Open, agent: Agent) -> None:
    console = await open_console(agent)
    other = await open_console(await in_database(AgentFactory.create)())

    await console.send(type="presence.set", status="online")

    assert (await other.next("presence"))["agent"]["presence"] == "online"
    row = await in_database(Agent.objects.get)(pk=agent.pk)
    assert (row.presence, row.seen_at is not None) == ("online", True)


async def test_typing_goes_both_ways_and_only_to_whom_it_concerns(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    customer = Browser()
    await customer.open()
    await customer.hello(visitor)
    console = await open_console(agent)
    onlooker = await open_console(await in_database(AgentFactory.create)())
    await console.ask("claim", pk)
    await console.send(type="open", conversation_id=str(pk))
    await console.next("thread")

    await console.send(type="typing", conversation_id=str(pk), on=True)
    assert (await customer.next("typing"))["who"] == agent.name
    await customer.send(type="typing", on=True)
    assert (await console.next("typing"))["who"] == "visitor"
    await onlooker.send(type="typing", conversation_id=str(pk), on=True)
    await onlooker.round_trip()
    await customer.round_trip()
    assert len(customer.of_type("typing")) == 1
    assert onlooker.of_type("typing") == []
    await customer.leave()


# --- personal data -----------------------------------------------------------------------------------


async def test_agent_sees_placeholders_and_reveals_one_with_a_reason(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    posted = await post(visitor, "我的电话是13812345678")
    console = await open_console(agent)
    await console.send(type="open", conversation_id=str(posted.conversation_id))
    thread = await console.next("thread")
    assert thread["messages"][0]["text"] == "我的电话是<PHONE_1>"
    assert "13812345678" not in "".join(console.raw)

    ask = {"type": "reveal", "conversation_id": str(posted.conversation_id)}
    await console.send(**ask, placeholder="<PHONE_1>", reason="回电核实")
    assert (await console.next("revealed"))["value"] == "13812345678"
    row = await in_database(Reveal.objects.get)()
    assert (row.placeholder, row.reason, row.agent_id) == ("<PHONE_1>", "回电核实", agent.pk)

    await console.send(**ask, placeholder="<PHONE_2>", reason="再看看")
    assert (await console.next("error"))["code"] == "not_found"
    await console.send(**ask, placeholder="<PHONE_1>", reason="")
    assert (await console.next("error"))["code"] == "invalid_frame"
    assert await in_database(Reveal.objects.count)() == 1


async def test_value_of_another_visitor_cannot_be_revealed(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    await post(visitor, "我的电话是13812345678")
    stranger = await in_database(VisitorFactory.create)()
    theirs = await post(stranger, "你好")
    console = await open_console(agent)
    ask = {"placeholder": "<PHONE_1>", "reason": "核实"}
    error = await console.refused("reveal", theirs.conversation_id, **ask)
    assert error["code"] == "not_found"
    assert not await in_database(Reveal.objects.exists)()


# --- sorting -----------------------------------------------------------------------------------------


async def test_tags_snooze_and_replies_kept_ready(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    console = await open_console(agent)
    other = await open_console(await in_database(AgentFactory.create)())
    await console.ask("claim", pk)
    await console.ask("tags.set", pk, tags=["物流"])
    await console.ask("snooze", pk)
    assert (await other.next("conversation", snoozed=True))["tags"] == ["物流"]
    assert (await other.refused("snooze", pk))["code"] == "conflict"
    await console.send(type="snooze", conversation_id=str(pk), until="2020-01-01T00:00:00Z")
    assert (await console.next("error"))["code"] == "invalid_frame"
    await console.send(type="canned.save", title="你好", text="您好", folder="")
    assert [one["title"] for one in (await console.next("ok", act="canned.save"))["replies"]] == [
        "你好"
    ]


# --- what a model writes -------------------------------------------------------------------------------


async def test_suggestion_that_nobody_can_write_says_so(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    console, client_id = await open_console(agent), str(uuid.uuid4())
    ok = await console.ask("suggest", pk, client_id=client_id, kind="summary", language="en")
    assert (ok["client_id"], ok["state"]) == (client_id, "failed")
    told = await console.next("suggestion")
    assert (told["client_id"], told["kind"], told["why"], told["text"]) == (
        client_id,
        "summary",
        "no_model",
        "",
    )
    await console.send(type="suggest.cancel", suggestion_id=ok["suggestion_id"])
    await console.next("ok", act="suggest.cancel")


async def test_rewriting_needs_text_and_style(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    console = await open_console(agent)
    for wrong in ({"kind": "rewrite"}, {"kind": "rewrite", "text": "好"}, {"kind": "poem"}):
        refused = await console.refused("suggest", pk, client_id=str(uuid.uuid4()), **wrong)
        assert refused["code"] == "invalid_frame"
    draft = await console.refused("suggest", pk, client_id=str(uuid.uuid4()), kind="draft")
    assert (draft["code"], draft["act"]) == ("conflict", "suggest")


async def test_typed_number_comes_back_to_its_agent_only(
    texts: None, open_console: Open, visitor: Visitor
) -> None:
    mine, other = [await in_database(AgentFactory.create)() for _ in range(2)]
    pk = await queued(visitor, "打13812345678")
    console, elsewhere = await open_console(mine), await open_console(other)
    frame = {"type": "suggestion", "suggestion_id": str(uuid.uuid4()), "conversation_id": str(pk)}
    text = {"text": "<PHONE_1>和<PHONE_2>"}
    await in_database(push.to_agent)(
        mine.pk, frame | text, visitor_id=visitor.pk, own=["<PHONE_1>"]
    )
    told = await console.next("suggestion")
    assert told["text"] == "13812345678和<PHONE_2>"
    await elsewhere.round_trip()
    assert elsewhere.of_type("suggestion") == []


async def test_grade_of_a_brief_is_seen_by_whoever_has_it_open(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor)
    console = await open_console(agent)
    await console.send(type="open", conversation_id=str(pk), after_seq=0)
    thread = await console.next("thread")
    assert thread["brief"]["grade"] is None
    await console.ask("brief.grade", pk, grade="good", word="很清楚")
    told = await console.next("brief")
    assert (told["source"], told["grade"]["value"], told["grade"]["word"]) == (
        "template",
        "good",
        "很清楚",
    )


async def test_translations_are_pushed_to_whoever_has_the_thread_open(
    texts: None, open_console: Open, visitor: Visitor, agent: Agent
) -> None:
    pk = await queued(visitor, "where is my parcel")
    console = await open_console(agent)
    await console.send(type="open", conversation_id=str(pk), after_seq=0)
    await console.next("thread")
    ok = await console.ask("translate", pk, language="zh")
    assert (ok["lines"], ok["pending"]) == ([], True)
    # What the worker would do; there is no model to ask here.
    await in_database(translations.run)(pk, "zh")
    told = await console.next("translation")
    assert (told["language"], told["lines"], told["why"]) == ("zh", [], "failed")
    assert (await console.refused("translate", pk, language="fr"))["code"] == "invalid_frame"


async def test_agents_at_one_conversation_know_of_each_other(
    texts: None, open_console: Open, visitor: Visitor
) -> None:
    mine, other = [await in_database(AgentFactory.create)() for _ in range(2)]
    pk = str(await queued(visitor))
    first, second = await open_console(mine), await open_console(other)
    await first.send(type="open", conversation_id=pk, after_seq=0)
    assert (await first.next("viewers"))["agents"] == []
    await second.send(type="open", conversation_id=pk, after_seq=0)
    assert (await second.next("viewers"))["agents"] == []
    told = {"id": other.pk, "name": other.name}
    assert (await first.next("viewers"))["agents"] == [told]
    assert (await second.next("viewers"))["agents"] == [{"id": mine.pk, "name": mine.name}]
    # Whoever looks elsewhere, or leaves, is gone.
    await second.send(type="open", conversation_id=str(uuid.uuid4()), after_seq=0)
    assert (await first.next("viewers"))["agents"] == []


def test_viewers_who_fall_silent_are_gone_after_a_while() -> None:
    viewers = Viewers(1, stale_seconds=60)
    assert not viewers.hear(1, "me", on=True, now=0)
    assert viewers.hear(2, "other", on=True, now=0)
    assert not viewers.hear(2, "other", on=True, now=50)
    assert not viewers.expire(now=100)
    assert viewers.expire(now=111)
    assert viewers.frame("x")["agents"] == []
