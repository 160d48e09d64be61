"""The owner's socket shows the owner's values; offsets are counted in what is shown."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async as in_database

from chat import lease, memory, protocol, turn
from chat.models import Message, Turn, Visitor
from tests.chat.browser import Browser, Frame, post
from tests.factories import VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

Connect = Callable[..., Awaitable[Browser]]
PHONE = "13812345678"
SAID, KEPT = f"电话{PHONE},怎么还没到", "电话<PHONE_1>,怎么还没到"
PIECES = ("好的,会打", "<PHONE_1>", "给您,", "请留意<PHONE_1>", "。")


@pytest_asyncio.fixture
async def connect(transactional_db: None) -> AsyncIterator[Connect]:
    opened: list[Browser] = []

    async def make(visitor: Visitor, **hello: Any) -> Browser:
        browser = Browser()
        opened.append(browser)
        assert (await browser.open())[0]
        await browser.hello(visitor, **hello)
        return browser

    yield make
    for browser in opened:
        await browser.leave()


def begun(ack: Frame) -> tuple[Turn, turn.Delivery]:
    """The turn of a line, claimed, and what shows its answer."""
    row = lease.claim(uuid.UUID(ack["turn_id"]), worker="w1")
    assert row is not None
    return row, turn.Delivery(row, lease.Held(row))


def text_of(deltas: list[Frame]) -> str:
    """The deltas put together as the widget does, by their offsets."""
    text = ""
    for delta in deltas:
        assert delta["offset"] == len(text)
        text += delta["text"]
    return text


async def test_own_values_are_shown_in_every_tab_and_kept_as_placeholders(
    connect: Connect, visitor: Visitor
) -> None:
    one, other = await connect(visitor), await connect(visitor)
    await one.say(SAID)
    seen = [await browser.next("message", role="visitor") for browser in (one, other)]
    later = await connect(visitor)
    ready = later.of_type("ready")[0]["messages"][0]

    assert [line["text"] for line in (*seen, ready)] == [SAID] * 3
    assert [line["html"] for line in (*seen, ready)] == [f"<p>{SAID}</p>"] * 3
    assert (await in_database(Message.objects.get)()).text == KEPT


async def test_a_line_that_was_missed_is_shown_with_own_values(
    connect: Connect, visitor: Visitor
) -> None:
    browser = await connect(visitor)
    await post(visitor, SAID)
    await browser.next("message")
    await browser.send(type="sync", after_seq=0)
    ready = await browser.next("ready")
    assert [line["text"] for line in ready["messages"]] == [SAID]


async def test_offsets_of_deltas_count_what_is_shown_in_every_tab(
    connect: Connect, visitor: Visitor, settings: Any
) -> None:
    settings.DELTA_SECONDS = 0
    one, other = await connect(visitor), await connect(visitor)
    row, delivery = await in_database(begun)(await one.say(SAID))
    for piece in PIECES[:3]:
        await in_database(delivery.write)(piece)
    for browser in (one, other):
        await browser.next("delta", text=PIECES[2])
    late = await connect(visitor)
    for piece in PIECES[3:]:
        await in_database(delivery.write)(piece)
    outcome = turn.Outcome(text="".join(PIECES), dialogue=memory.Dialogue())
    await in_database(turn.commit)(row, outcome)

    whole = "".join(PIECES).replace("<PHONE_1>", PHONE)
    for browser in (one, other, late):
        answer = await browser.next("message", role="bot")
        assert answer["text"] == whole
    assert text_of(one.of_type("delta")) == text_of(other.of_type("delta")) == whole
    partial = late.of_type("ready")[0]["partial"]
    assert partial["text"] == f"好的,会打{PHONE}给您,"
    begin = {**partial, "offset": 0}
    assert text_of([begin, *late.of_type("delta")]) == whole


async def test_offsets_begin_anew_when_the_answer_does(
    connect: Connect, visitor: Visitor, settings: Any
) -> None:
    settings.DELTA_SECONDS = 0
    browser = await connect(visitor)
    _, delivery = await in_database(begun)(await browser.say(SAID))
    await in_database(delivery.write)("打<PHONE_1>")
    delivery.restart()
    for piece in ("好的,", "<PHONE_1>", "好"):
        await in_database(delivery.write)(piece)
    await browser.next("delta", text="好")
    assert text_of(browser.of_type("delta")[1:]) == f"好的,{PHONE}好"


async def test_another_visitor_sees_a_placeholder_where_theirs_is_none(
    connect: Connect, visitor: Visitor
) -> None:
    other = await in_database(VisitorFactory.create)(inbox=visitor.inbox)
    await post(visitor, SAID)
    browser = await connect(other)
    _, delivery = await in_database(begun)(await browser.say("在吗"))
    await in_database(delivery.write)("打<PHONE_1>")
    assert (await browser.next("delta"))["text"] == "打<PHONE_1>"
    assert PHONE not in "".join(browser.raw)


async def test_the_same_raw_line_again_is_acked_the_same_and_another_conflicts(
    connect: Connect, visitor: Visitor
) -> None:
    browser, client_id = await connect(visitor), str(uuid.uuid4())
    first = await browser.say(SAID, client_id=client_id)
    assert await browser.say(SAID, client_id=client_id) == first
    await browser.send(type="message.send", client_id=client_id, text=KEPT)
    refused = await browser.next("error")
    assert (refused["code"], refused["client_id"]) == ("conflict", client_id)
    await browser.round_trip()
    assert protocol.dumps(first) in browser.raw
