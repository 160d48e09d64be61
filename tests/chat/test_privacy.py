"""A visitor gets a copy of everything, raw, and can have it erased; nobody else gets either."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection as db
from django.test import Client
from django.utils import timezone

from chat import auth, protocol, push, turn, vault
from chat.actions import leaving, privacy
from chat.actions import visitor as actions
from chat.models import Conversation, Message, Rating, Turn, VaultEntry, Visitor
from prompts.models import ModelCall
from prompts.redis import connection
from tests.factories import VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

HERE, DATA = "127.0.0.1", "/api/v1/client/data"
PHONE, OTHER_PHONE = "13812345678", "13987654321"
ORDER = "20260131001"


@pytest.fixture
def other(inbox: Any) -> Visitor:
    return VisitorFactory.create(inbox=inbox)


def say(visitor: Visitor, text: str) -> Turn:
    """Posts a line and runs its turn."""
    posted = actions.post_message(visitor, client_id=uuid4(), text=text, address=HERE)
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w1")
    return Turn.objects.get(pk=posted.turn_id)


def rate(visitor: Visitor, comment: str) -> None:
    actions.rate(visitor, protocol.Rate(type="rate", score=4, resolved=True, comment=comment))


def keys_of(visitor: Visitor) -> list[Any]:
    return list(connection().scan_iter(match=f"*{visitor.pk}*"))


def page(visitor: Visitor) -> Client:
    return Client(headers={"authorization": f"Bearer {auth.issue(visitor).text}"})


# --- export ------------------------------------------------------------------------------------------


def test_export_holds_everything_raw(visitor: Visitor) -> None:
    say(visitor, f"订单 {ORDER} 怎么还没到?电话{PHONE}")
    rate(visitor, f"请打{PHONE}")
    exported = privacy.export(visitor)
    (conversation,) = exported["conversations"]
    first, second = conversation["messages"]
    assert exported["visitor_id"] == str(visitor.pk)
    assert first["text"] == f"订单 {ORDER} 怎么还没到?电话{PHONE}"
    assert first["html"] == f"<p>{first['text']}</p>"
    assert second["role"] == "bot"
    assert conversation["slots"] == {"order_number": ORDER, "phone": PHONE}
    assert conversation["rating"] == {
        "score": 4,
        "resolved": True,
        "tags": [],
        "comment": f"请打{PHONE}",
    }
    assert not vault.holds_placeholders(json.dumps(exported))


def test_export_holds_every_conversation_in_order(visitor: Visitor) -> None:
    say(visitor, "在吗")
    Conversation.objects.update(resolved_at=timezone.now())
    say(visitor, f"电话{PHONE}")
    spoken = [c["messages"][0]["text"] for c in privacy.export(visitor)["conversations"]]
    assert spoken == ["在吗", f"电话{PHONE}"]


def test_export_holds_what_stands_beside_the_lines(visitor: Visitor) -> None:
    contact = protocol.Contact(phone=PHONE)
    left = protocol.MessageLeave(
        type="message.leave", client_id=uuid4(), text="请回电", contact=contact
    )
    say(visitor, f"订单 {ORDER} 怎么还没到?")
    why = protocol.Feedback(type="feedback", message_seq=2, value="down", reason=f"打{PHONE}不通")
    actions.give_feedback(visitor, why)
    leaving.leave_message(visitor, left, address=HERE)
    Conversation.objects.update(summary="电话<PHONE_1>", tags=["<PHONE_1>"])
    (conversation,) = privacy.export(visitor)["conversations"]
    messages = conversation["messages"]
    assert messages[1]["feedback_reason"] == f"打{PHONE}不通"
    assert messages[2]["contact"] == {"phone": PHONE}
    assert (conversation["summary"], conversation["tags"]) == (f"电话{PHONE}", [PHONE])
    assert conversation["topics"][0]["slots"]["order_number"] == ORDER


def test_export_holds_nothing_of_another(visitor: Visitor, other: Visitor) -> None:
    say(visitor, f"电话{PHONE}")
    say(other, f"电话{OTHER_PHONE}")
    exported = json.dumps(privacy.export(other), ensure_ascii=False)
    assert OTHER_PHONE in exported
    assert PHONE not in exported
    assert str(visitor.pk) not in exported


# --- erase -------------------------------------------------------------------------------------------


def test_erase_removes_rows_and_keys_and_a_second_time_nothing(
    visitor: Visitor, other: Visitor
) -> None:
    asked = say(visitor, f"订单 {ORDER} 怎么还没到?电话{PHONE}")
    rate(visitor, f"请打{PHONE}")
    say(other, f"电话{OTHER_PHONE}")
    kept = keys_of(other)
    assert keys_of(visitor)
    assert push.find_partial(asked.pk)

    assert privacy.erase(visitor) == {"images": 0, "vault": 1, "messages": 2, "conversations": 1}
    assert keys_of(visitor) == []
    assert push.find_partial(asked.pk) is None
    for rows in (
        VaultEntry.objects.filter(visitor=visitor),
        Conversation.objects.filter(visitor=visitor),
        Message.objects.exclude(conversation__visitor=other),
        Turn.objects.exclude(conversation__visitor=other),
        Rating.objects.all(),
    ):
        assert not rows.exists()
    assert privacy.erase(visitor) == {"images": 0, "vault": 0, "messages": 0, "conversations": 0}

    assert privacy.export(other)["conversations"][0]["messages"][0]["text"] == f"电话{OTHER_PHONE}"
    assert keys_of(other) == kept


def test_erasure_and_lines_at_once_wait_for_each_other(visitor: Visitor) -> None:
    actions.enter(visitor)

    def write(_: int) -> None:
        try:
            actions.post_message(visitor, client_id=uuid4(), text=f"电话{PHONE}", address=HERE)
        finally:
            db.close()

    with ThreadPoolExecutor(2) as pool:
        lines = pool.map(write, range(6))
        for _ in range(3):
            privacy.erase(visitor)
        list(lines)
    privacy.erase(visitor)
    assert not Message.objects.exists()
    assert not VaultEntry.objects.exists()


def test_erased_visitors_may_come_back_and_start_anew(visitor: Visitor) -> None:
    say(visitor, f"电话{PHONE}")
    privacy.erase(visitor)
    say(visitor, f"电话{OTHER_PHONE}")
    assert Message.objects.order_by("seq")[0].text == "电话<PHONE_1>"
    assert vault.Values(visitor.pk).in_text("<PHONE_1>") == OTHER_PHONE


def test_a_turn_in_flight_ends_without_a_trace(visitor: Visitor) -> None:
    posted = actions.post_message(visitor, client_id=uuid4(), text="在吗", address=HERE)
    privacy.erase(visitor)
    assert posted.turn_id is not None
    assert turn.run(posted.turn_id, worker="w1") is None
    assert not Message.objects.exists()
    assert keys_of(visitor) == []


@pytest.mark.usefixtures("redis_down")
def test_erase_without_redis_removes_the_rows(visitor: Visitor) -> None:
    say(visitor, f"电话{PHONE}")
    assert privacy.erase(visitor)["messages"] == 2
    assert not VaultEntry.objects.exists()


def test_erase_keeps_what_the_turns_cost(visitor: Visitor) -> None:
    asked = say(visitor, f"电话{PHONE}")
    ModelCall.objects.create(trace_id=str(asked.pk), purpose="answer", endpoint="shop-model")
    privacy.erase(visitor)
    assert ModelCall.objects.count() == 1


# --- REST --------------------------------------------------------------------------------------------


def test_visitor_fetches_the_own_copy(visitor: Visitor, other: Visitor) -> None:
    say(visitor, f"电话{PHONE}")
    reply = page(visitor).get(DATA)
    assert reply.status_code == 200
    assert reply.json() == privacy.export(visitor)
    assert reply.headers["Cache-Control"] == "no-store"
    assert page(other).get(DATA).json()["conversations"] == []


def test_visitor_erases_the_own_data_only(visitor: Visitor, other: Visitor) -> None:
    say(visitor, f"电话{PHONE}")
    say(other, f"电话{OTHER_PHONE}")
    assert page(visitor).delete(DATA).json() == {
        "images": 0,
        "vault": 1,
        "messages": 2,
        "conversations": 1,
    }
    assert page(visitor).delete(DATA).json() == {
        "images": 0,
        "vault": 0,
        "messages": 0,
        "conversations": 0,
    }
    assert VaultEntry.objects.get().visitor == other


@pytest.mark.parametrize("verb", ["get", "delete"])
def test_without_a_token_nothing_is_given_or_removed(visitor: Visitor, verb: str) -> None:
    say(visitor, f"电话{PHONE}")
    for client in (Client(), Client(headers={"authorization": f"Bearer {visitor.pk}"})):
        assert getattr(client, verb)(DATA).status_code == 401
    assert VaultEntry.objects.count() == 1


# --- commands ----------------------------------------------------------------------------------------


def run(command: str, *args: object) -> str:
    out = io.StringIO()
    call_command(command, *map(str, args), stdout=out)
    return out.getvalue()


def test_commands_export_and_erase(visitor: Visitor) -> None:
    say(visitor, f"电话{PHONE}")
    assert json.loads(run("export_visitor", visitor.pk)) == privacy.export(visitor)
    assert (
        run("erase_visitor", visitor.pk).strip() == "0 images, 1 vault, 2 messages, 1 conversations"
    )
    assert not VaultEntry.objects.exists()


@pytest.mark.parametrize("command", ["export_visitor", "erase_visitor"])
def test_commands_name_a_visitor_they_do_not_know(command: str) -> None:
    with pytest.raises(CommandError, match="there is no visitor"):
        run(command, uuid4())
