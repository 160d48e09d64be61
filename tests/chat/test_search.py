"""Search: what finds a conversation, what does not, and that personal data finds nothing."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection
from structlog.testing import capture_logs

from chat import search
from chat.actions import agent as agent_actions
from chat.actions import privacy, sorting
from chat.actions import visitor as actions
from chat.models import Conversation, Message, SearchEntry, Visitor
from tests.factories import VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


def say(*texts: str, visitor: Visitor | None = None) -> Conversation:
    visitor = visitor or VisitorFactory.create()
    for text in texts:
        posted = actions.post_message(
            visitor, client_id=uuid.uuid4(), text=text, address="127.0.0.1"
        )
    while search.index_due():
        pass
    return Conversation.objects.get(pk=posted.conversation_id)


def ids(query: str) -> list[str]:
    return [entry["conversation_id"] for entry in search.find(query)["entries"]]


@pytest.mark.parametrize(
    "query",
    [
        "退款", "怎么还没到账", "退款 到账", "订单 退款", "款", "20240501123", "2024050", "1123", "01123", "SF1234", "refund",
        "REFUND", "refu", "ｒｅｆｕｎｄ",
    ],
)  # fmt: skip
def test_words_numbers_and_tails_find_it(query: str) -> None:
    wanted = say("订单20240501123的退款怎么还没到账", "运单SF1234567890", "My refund, please")
    say("你好,有没有优惠券")
    assert ids(query) == [str(wanted.pk)]


@pytest.mark.parametrize(
    "query", ["换货", "退款 换货", "9999", "123456", "'", "\\", "&|!", "。", "%", "#"]
)
def test_what_was_not_said_finds_nothing(query: str) -> None:
    say("订单20240501123的退款怎么还没到账")
    assert ids(query) == []


def test_personal_data_finds_nothing() -> None:
    say("我的电话13812345678,找张三收")
    assert ids("13812345678") == ids("138123") == ids("5678") == ids("PHONE") == []


def test_the_latest_comes_first_with_the_line_that_shows_why(agent: Any) -> None:
    first = say("退款到哪了")
    second = say("退款快点", "在吗")
    found = search.find("退款")
    assert [entry["conversation_id"] for entry in found["entries"]] == [
        str(second.pk),
        str(first.pk),
    ]
    assert found["entries"][0]["hit"] == {"seq": 1, "text": "退款快点"}
    assert found["more"] is False


def test_tags_find_and_narrow() -> None:
    tagged, other = say("退款"), say("退款")
    sorting.set_tags(tagged.pk, tags=["物流", "VIP"])
    assert ids("#物流") == ids("退款 #VIP #物流") == [str(tagged.pk)]
    assert ids("换货 #物流") == []
    assert set(ids("退款")) == {str(tagged.pk), str(other.pk)}


def test_later_lines_and_agents_words_are_found_resolved_or_not(agent: Any) -> None:
    talk = say("在吗")
    agent_actions.claim(talk.pk, agent=agent)
    agent_actions.reply(
        talk.pk, agent=agent, client_id=uuid.uuid4(), text="已为您补发", epoch=talk.epoch + 1
    )
    assert ids("补发") == []
    agent_actions.resolve(talk.pk, agent=agent)
    search.index_due()
    assert ids("补发") == ids("在吗") == [str(talk.pk)]
    assert search.find("补发")["entries"][0]["resolved"] is True


def test_indexing_beside_itself_and_again_changes_nothing(visitor: Visitor) -> None:
    talk = say("退款", visitor=visitor)
    before = SearchEntry.objects.values_list("words", flat=True).get()
    search.index(talk.pk, searched=0, last=talk.last_seq, at=talk.last_activity_at)
    assert SearchEntry.objects.values_list("words", flat=True).get() == before
    assert search.index_due() == 0


def test_an_erased_customer_is_not_found(visitor: Visitor) -> None:
    say("退款", visitor=visitor)
    privacy.erase(visitor)
    assert ids("退款") == []


def test_more_than_are_shown_are_said_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "FOUND_MOST", 1)
    say("退款")
    say("退款")
    found = search.find("退款")
    assert (len(found["entries"]), found["more"]) == (1, True)


def test_a_long_line_is_cut_around_what_was_searched() -> None:
    say("前" * 200 + "退款" + "后" * 200)
    [entry] = search.find("退款")["entries"]
    assert "退款" in entry["hit"]["text"]
    assert len(entry["hit"]["text"]) <= search.HIT_CHARS + 1


def test_the_api_finds_for_staff_only(agent: Any, client: Any) -> None:
    talk = say("退款")
    url = "/api/v1/agent/search?q=%E9%80%80%E6%AC%BE"
    assert client.get(url).status_code == 401
    client.force_login(agent.user)
    assert [e["conversation_id"] for e in client.get(url).json()["entries"]] == [str(talk.pk)]
    assert client.get("/api/v1/agent/search?q=").status_code == 422


def long_lines(talk: Conversation) -> None:
    """More different words than a row can hold."""
    Message.objects.filter(conversation=talk).delete()
    letters = str.maketrans("0123456789", "abcdefghij")
    words = [f"{number:040}".translate(letters) for number in range(30_000)]
    texts = [" ".join(words[at : at + 1000]) for at in range(0, len(words), 1000)]
    Message.objects.bulk_create(
        Message(conversation=talk, seq=seq, role="visitor", text=text)
        for seq, text in enumerate(texts, 1)
    )
    Conversation.objects.filter(pk=talk.pk).update(last_seq=len(texts), searched_seq=0)


def test_lines_that_a_passing_error_kept_out_are_found_later(visitor: Visitor) -> None:
    first = say("退款到哪了", visitor=visitor)
    Conversation.objects.filter(pk=first.pk).update(searched_seq=0)
    SearchEntry.objects.all().delete()
    other = actions.post_message(
        VisitorFactory.create(), client_id=uuid.uuid4(), text="退款多久", address="127.0.0.1"
    ).conversation_id
    with held_elsewhere(first), impatient(), capture_logs() as logs:
        assert search.index_due() == 1
        assert search.index_due() == 0
    assert {entry["event"] for entry in logs} == {"searchable_later"}
    assert ids("退款") == [str(other)]

    assert search.index_due() == 1
    assert set(ids("退款")) == {str(other), str(first.pk)}


@contextmanager
def held_elsewhere(talk: Conversation) -> Iterator[None]:
    """Another connection has the conversation's row."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT FROM chat_conversation WHERE id = %s FOR UPDATE", [talk.pk])
        yield


@contextmanager
def impatient() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
        yield
        cursor.execute("RESET lock_timeout")


@pytest.mark.parametrize(
    ("most", "refused"), [(search.LEXEMES_MOST, []), (1_000_000, ["unsearchable"])]
)
def test_one_conversation_of_endless_words_does_not_stop_the_others(
    most: int, refused: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a limit the database itself refuses the row.
    monkeypatch.setattr(search, "LEXEMES_MOST", most)
    endless = say("你好")
    long_lines(endless)
    with capture_logs() as logs:
        assert search.index_due() == 1
    assert [entry["event"] for entry in logs] == refused
    wanted = say("退款到哪了")
    assert ids("退款") == [str(wanted.pk)]
    endless.refresh_from_db()
    assert endless.searched_seq == endless.last_seq
