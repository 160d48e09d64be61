"""What a customer says of himself reaches the shop by a tool, and is in clear nowhere else: no row, page, log or error."""

import html
import json
import logging
from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from chat.models import Conversation, Message, ToolCall, Turn, Visitor
from tests.chat.test_api import MESSAGES, VisitorClient
from tests.chat.test_canary_identities import Everything, decoded, hits, in_redis, in_rows
from tests.chat.tools.conftest import ORDER
from tests.chat.tools.test_turns import answer_of, confirm_values, hears, press, say, visitor
from tests.fakes.shop_control import ShopControl

__all__ = ["hears", "visitor"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

ADDRESS = "广东省深圳市南山区科技园科苑路15号科兴科学园B栋1207"
PHONE, NAME = "13712684590", "司徒婉清"
SECRETS = (ADDRESS, PHONE, NAME)
SAID = f"订单{ORDER}的地址改成{ADDRESS},收件人{NAME},电话{PHONE}"


@pytest.fixture
def staff() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(get_user_model().objects.create_superuser("root"))
    return client


def pages(staff: Client) -> list[str]:
    """Every page of the admin that shows something of the conversation."""
    shown = [
        reverse(f"admin:chat_{name}_change", args=[row.pk])
        for name, rows in (
            ("conversation", Conversation.objects.all()),
            ("message", Message.objects.all()),
            ("turn", Turn.objects.all()),
            ("toolcall", ToolCall.objects.all()),
            ("visitor", Visitor.objects.all()),
        )
        for row in rows
    ]
    lists = [reverse(f"admin:chat_{name}_changelist") for name in ("message", "toolcall", "turn")]
    answers = [staff.get(address, follow=True) for address in (*shown, *lists)]
    assert {answer.status_code for answer in answers} == {200}
    return [html.unescape(decoded(answer.content)) for answer in answers]


def refusals(visitor: Visitor) -> list[str]:
    """What is answered to lines that cannot be taken, and to addresses that do not exist."""
    client = VisitorClient(visitor)
    client.raise_request_exception = False
    answers = [
        client.say(SAID, client_id="no-uuid"),
        client.say([SAID]),
        client.say(SAID * 200),
        client.post(MESSAGES, "{" + SAID, content_type="application/json"),
        client.get(f"/api/v1/client/{NAME}/{PHONE}"),
        client.get(f"/nowhere/{PHONE}/"),
    ]
    assert all(400 <= answer.status_code < 500 for answer in answers)
    # A page may say what was asked for; what was posted it may not.
    return [decoded(answer.content) for answer in answers[:4]]


def test_what_a_tool_carries_reaches_the_shop_alone(
    visitor: Visitor,
    shop: ShopControl,
    hears: Callable[..., None],
    staff: Client,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="httpcore")  # the wire to the shop, which may know
    everything = Everything()
    hears("change_address")
    asked = say(visitor, SAID)
    [value] = confirm_values(asked)
    answer_of(press(visitor, asked, value).turn_id)
    everything.listen()
    everything.close()

    assert shop.shop.book.orders[ORDER].address == ADDRESS
    places = {
        "log": [
            caplog.text,
            *(repr(record.__dict__) for record in caplog.records),
            *capfd.readouterr(),
        ],
        "redis": in_redis(),
        "published": everything.published,
        "rows": in_rows(),
        "pages": pages(staff),
        "refusals": refusals(visitor),
    }
    leaks = [
        (secret, place) for secret in SECRETS for place in places if hits(secret, places[place])
    ]
    assert leaks == []
    assert any("<ADDRESS_1>" in text for text in places["pages"])
    assert any(text.startswith("ToolCall ") and "<ADDRESS_1>" in text for text in places["rows"])


def test_pages_and_refusals_are_really_searched(visitor: Visitor, staff: Client) -> None:
    conversation = Conversation.objects.create(visitor=visitor, inbox=visitor.inbox, last_seq=1)
    Message.objects.create(conversation=conversation, seq=1, role="bot", text=f"打给{PHONE}")
    assert hits(PHONE, pages(staff))
    assert hits(PHONE, [json.dumps({"detail": f"137 1268-4590 {NAME}"})])
