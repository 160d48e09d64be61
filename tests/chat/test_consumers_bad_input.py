"""What the visitor's socket refuses: how it says so, that nothing is stored, and that it lives on."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import time_machine
from channels.db import database_sync_to_async as in_database
from django.db import connection, transaction
from django.utils import timezone

from chat import auth
from chat.models import Conversation, Message, Rating, Turn, Visitor
from tests.chat.browser import HOST, Browser, post
from tests.factories import VisitorFactory

pytestmark = pytest.mark.django_db(transaction=True)

Connect = Callable[..., Awaitable[Browser]]
CLIENT_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
SECRET = "暗号芝麻开门"


@pytest_asyncio.fixture
async def connect(transactional_db: None) -> AsyncIterator[Connect]:
    """Opens sockets, signed in when a visitor is given; closes them all at the end."""
    opened: list[Browser] = []

    async def make(visitor: Visitor | None = None, *, origin: str | None = None) -> Browser:
        browser = Browser(origin=origin)
        opened.append(browser)
        assert (await browser.open())[0]
        if visitor is not None:
            await browser.hello(visitor)
        return browser

    yield make
    for browser in opened:
        await browser.leave()


def stored() -> tuple[int, int, int]:
    return Message.objects.count(), Turn.objects.count(), Rating.objects.count()


def line(**fields: object) -> str:
    return json.dumps({"type": "message.send", "client_id": CLIENT_ID, "text": SECRET, **fields})


def rating(**fields: object) -> str:
    return json.dumps({"type": "rate", "score": 5, "resolved": True, "tags": [], **fields})


REFUSED = {
    "empty": ("", "invalid_frame"),
    "not JSON": ("{" + SECRET, "invalid_frame"),
    "a list": ("[]", "invalid_frame"),
    "a number": ("7", "invalid_frame"),
    "no type": ("{}", "invalid_frame"),
    "type of another kind": ('{"type": ["message.send"]}', "invalid_frame"),
    "unknown type": ('{"type": "agent.takeover"}', "invalid_frame"),
    "a consumer's method": ('{"type": "push.frame", "seq": 0, "text": "x"}', "invalid_frame"),
    "2,000 nested lists": ("[" * 2000 + "]" * 2000, "invalid_frame"),
    "2,000 nested objects": ('{"type":' * 2000 + "1" + "}" * 2000, "invalid_frame"),
    "5,000 digits": ('{"type": "sync", "after_seq": ' + "9" * 5000 + "}", "invalid_frame"),
    "NaN": ('{"type": "sync", "after_seq": NaN}', "invalid_frame"),
    "duplicate keys": ('{"type": "ping", "type": "sync", "after_seq": 0}', "invalid_frame"),
    "seq as text": ('{"type": "sync", "after_seq": "0"}', "invalid_frame"),
    "seq as fraction": ('{"type": "sync", "after_seq": 0.5}', "invalid_frame"),
    "seq below zero": ('{"type": "sync", "after_seq": -1}', "invalid_frame"),
    "no client_id": (json.dumps({"type": "message.send", "text": SECRET}), "invalid_frame"),
    "client_id no UUID": (line(client_id=SECRET), "invalid_frame"),
    "client_id a number": (line(client_id=7), "invalid_frame"),
    "text a number": (line(text=7), "invalid_frame"),
    "text null": (line(text=None), "invalid_frame"),
    "text empty": (line(text=""), "invalid_frame"),
    "text blank": (line(text=" \n\t　"), "invalid_frame"),
    "4,001 characters": (line(text="字" * 4001), "too_long"),
    "5 MB": (line(text="x" * 5_000_000), "too_long"),
    "NUL": (line(text=SECRET + "\x00"), "invalid_frame"),
    "escape": (line(text=SECRET + "\x1b[31m"), "invalid_frame"),
    "C1 control": (line(text=SECRET + "\x85"), "invalid_frame"),
    "lone surrogate": (line(text=SECRET + "\ud83d"), "invalid_frame"),
    "choice with NUL": (
        json.dumps({"type": "choice", "client_id": CLIENT_ID, "message_seq": 1, "value": "\x00"}),
        "invalid_frame",
    ),
    "score of six": (rating(score=6), "invalid_frame"),
    "score as truth": (rating(score=True), "invalid_frame"),
    "resolved as number": (rating(resolved=1), "invalid_frame"),
    "comment with NUL": (rating(comment=SECRET + "\x00"), "invalid_frame"),
    "comment with lone surrogate": (rating(comment=SECRET + "\ud83d"), "invalid_frame"),
    "tag with NUL": (rating(tags=["\x00"]), "invalid_frame"),
    "tag with lone surrogate": (rating(tags=["\udc00"]), "invalid_frame"),
    "feedback of another kind": (
        '{"type": "feedback", "message_seq": 1, "value": "sideways"}',
        "invalid_frame",
    ),
    "feedback beyond all lines": (
        '{"type": "feedback", "message_seq": 9007199254740992, "value": "up"}',
        "not_found",
    ),
}


@pytest.mark.parametrize(("raw", "code"), REFUSED.values(), ids=REFUSED)
async def test_bad_frame_gets_an_error_and_the_socket_lives_on(
    connect: Connect, visitor: Visitor, raw: str, code: str, capfd: Any
) -> None:
    browser = await connect(visitor)

    await browser.send_raw(raw)
    error = await browser.next("error")

    assert error["code"] == code
    assert set(error) <= {"type", "code", "message", "request_id", "client_id"}
    assert SECRET not in "".join(browser.raw)
    assert await in_database(stored)() == (0, 0, 0)
    assert SECRET not in "".join(capfd.readouterr())
    assert (await browser.say("还能用吗"))["seq"] == 1


async def test_error_names_the_line_and_speaks_the_visitors_language(connect: Connect) -> None:
    english = await in_database(VisitorFactory.create)(locale="en")
    browser = await connect(english)

    await browser.send_raw(line(text="x" * 4001))

    error = await browser.next("error")
    assert error["client_id"] == CLIENT_ID
    assert error["message"] == "The message is too long. Please keep it under 4,000 characters."
    assert len(uuid.UUID(error["request_id"]).bytes) == 16


async def test_binary_frame_is_refused(connect: Connect, visitor: Visitor) -> None:
    browser = await connect(visitor)

    await browser.send_raw(data=line().encode())

    assert (await browser.next("error"))["code"] == "invalid_frame"
    await browser.round_trip()
    assert await in_database(stored)() == (0, 0, 0)


async def test_4000_characters_and_emoji_are_taken(connect: Connect, visitor: Visitor) -> None:
    browser = await connect(visitor)
    text = "😀字\n\t" * 1000

    ack = await browser.say(text)

    kept = await in_database(Message.objects.get)(seq=ack["seq"])
    assert kept.text == text


async def test_fields_that_are_not_ours_are_ignored(connect: Connect, visitor: Visitor) -> None:
    browser = await connect(visitor)

    await browser.send_raw(line(role="agent", seq=99, epoch=7, owner="agent", ai=True))
    await browser.next("ack", seq=1)

    kept = await in_database(Message.objects.get)()
    conversation = await in_database(Conversation.objects.get)()
    assert (kept.role, kept.seq, kept.epoch, kept.ai) == ("visitor", 1, 0, False)
    assert (conversation.owner, conversation.epoch) == ("bot", 0)


async def test_ten_malformed_frames_in_a_row_close_the_socket(
    connect: Connect, visitor: Visitor
) -> None:
    browser = await connect(visitor)

    for _ in range(10):
        await browser.send_raw("{")

    assert await browser.closed() == 4400
    assert [frame["code"] for frame in browser.of_type("error")] == ["invalid_frame"] * 10
    await connect(visitor)


async def test_malformed_frames_between_good_ones_are_forgiven(
    connect: Connect, visitor: Visitor
) -> None:
    browser = await connect(visitor)

    for _ in range(3):
        for _ in range(6):
            await browser.send_raw("{")
        await browser.round_trip()

    assert len(browser.of_type("error")) == 18


# --- who may speak -----------------------------------------------------------------------------------


async def test_silence_is_closed(connect: Connect, settings: Any) -> None:
    settings.HELLO_SECONDS = 0.1
    browser = await connect()

    assert await browser.closed() == 4401


async def test_pings_do_not_stand_in_for_hello(connect: Connect, settings: Any) -> None:
    settings.HELLO_SECONDS = 0.3
    browser = await connect()
    await browser.round_trip()

    assert await browser.closed() == 4401


async def test_slow_database_does_not_make_a_good_token_bad(
    connect: Connect, visitor: Visitor, settings: Any
) -> None:
    settings.HELLO_SECONDS = 1.0
    browser = await connect()
    held, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold_visitors() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE chat_visitor IN ACCESS EXCLUSIVE MODE")
            loop.call_soon_threadsafe(held.set)
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result(5)

    holding = asyncio.create_task(in_database(hold_visitors)())
    await held.wait()
    signing_in = asyncio.create_task(browser.hello(visitor))
    await asyncio.sleep(1.3)
    release.set()
    await holding

    assert (await signing_in)["state"] == "bot"


FORGED = {
    "empty": "",
    "nonsense": "not-a-token",
    "unsigned": "eyJ2IjoiMCJ9:1wxyz:",
    "NUL": "a:b:\x00",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
async def test_forged_token_is_closed(connect: Connect, visitor: Visitor, token: str) -> None:
    browser = await connect()

    await browser.send(type="hello", token=token, after_seq=0)

    assert await browser.closed() == 4401
    assert [frame["code"] for frame in browser.frames] == ["unauthorized"]
    assert await in_database(Conversation.objects.count)() == 0


async def test_altered_and_expired_tokens_are_closed(connect: Connect, visitor: Visitor) -> None:
    good = auth.issue(visitor).text
    with time_machine.travel(timezone.now() - timedelta(hours=25)):
        expired = auth.issue(visitor).text
    altered = good[:-1] + ("A" if good[-1] != "A" else "B")

    for token in (altered, expired, good[:-5], good.swapcase()):
        browser = await connect()
        await browser.send(type="hello", token=token, after_seq=0)
        assert await browser.closed() == 4401


async def test_frames_before_hello_are_unauthorized(connect: Connect, visitor: Visitor) -> None:
    browser = await connect()

    await browser.send_raw(line())

    assert await browser.closed() == 4401
    assert browser.frames[0]["code"] == "unauthorized"
    assert await in_database(stored)() == (0, 0, 0)


async def test_token_of_a_disabled_inbox_is_closed(connect: Connect, visitor: Visitor) -> None:
    visitor.inbox.enabled = False
    await in_database(visitor.inbox.save)()
    browser = await connect()

    await browser.send(type="hello", token=auth.issue(visitor).text, after_seq=0)

    assert await browser.closed() == 4401


ORIGINS = {
    "same host": (f"https://{HOST}", [], True),
    "same host in capitals": (f"https://{HOST.upper()}", [], True),
    "listed": ("https://partner.example", ["https://partner.example"], True),
    "everyone": ("https://anywhere.example", ["*"], True),
    "foreign": ("https://evil.example", ["https://partner.example"], False),
    "listed under another scheme": ("http://partner.example", ["https://partner.example"], False),
    "another port": (f"https://{HOST}:8443", [], False),
    "our host as prefix": (f"https://{HOST}.evil.example", [], False),
    "our host as suffix": (f"https://evil-{HOST}", [], False),
    "null": ("null", [], False),
    "no scheme": (HOST, [], False),
}


@pytest.mark.parametrize(("origin", "listed", "is_welcome"), ORIGINS.values(), ids=ORIGINS)
async def test_origin_decides_who_may_talk_to_an_inbox(
    connect: Connect, visitor: Visitor, origin: str, listed: list[str], is_welcome: bool
) -> None:
    visitor.inbox.allowed_domains = listed
    await in_database(visitor.inbox.save)()
    browser = await connect(origin=origin)

    await browser.send(type="hello", token=auth.issue(visitor).text, after_seq=0)

    if is_welcome:
        await browser.next("ready")
    else:
        assert await browser.closed() == 4403
        assert [frame["code"] for frame in browser.frames] == ["forbidden_origin"]


async def test_another_visitors_conversation_is_not_found(
    connect: Connect, visitor: Visitor
) -> None:
    secret = await post(visitor, SECRET)
    stranger = await in_database(VisitorFactory.create)(inbox=visitor.inbox)
    codes = []
    for wanted in (str(secret.conversation_id), str(uuid.uuid4())):
        browser = await connect()
        token = auth.issue(stranger).text
        await browser.send(type="hello", token=token, after_seq=0, conversation_id=wanted)
        codes.append((await browser.next("error"))["code"])
        await post(visitor, f"{SECRET} {wanted}")
        await browser.round_trip()
        assert SECRET not in "".join(browser.raw)

    assert codes == ["not_found", "not_found"]


# --- too much ----------------------------------------------------------------------------------------


async def test_flood_is_refused_then_closed(
    connect: Connect, visitor: Visitor, settings: Any
) -> None:
    settings.FRAMES_PER_SECOND, settings.FRAMES_BURST = 0.01, 5
    browser = await connect(visitor)

    for _ in range(120):
        await browser.send(type="ping")

    assert await browser.closed() == 4429
    assert len(browser.of_type("pong")) == 4
    errors = browser.of_type("error")
    assert {error["code"] for error in errors} == {"rate_limited"}
    assert 0 < errors[0]["retry_after_ms"] <= 100_001


async def test_waiting_as_told_is_enough_after_a_burst(
    connect: Connect, visitor: Visitor, settings: Any
) -> None:
    settings.FRAMES_PER_SECOND, settings.FRAMES_BURST = 10, 2
    browser = await connect(visitor)
    for _ in range(3):
        await browser.send(type="ping")

    error = await browser.next("error")
    await asyncio.sleep(error["retry_after_ms"] / 1000)

    assert (await browser.say("慢一点"))["seq"] == 1
