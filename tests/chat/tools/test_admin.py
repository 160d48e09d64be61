"""Staff write tools, every field saying what is wrong with it, try them, and read the log."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse

from chat.models import Conversation, Tool, ToolCall, Turn
from prompts.models import AuditEntry
from tests.chat.tools.conftest import ORDER, OWNED
from tests.fakes.shop_control import ShopControl
from tests.fakes.shop_orders import CUSTOMER
from tests.prompts.llm.racing import race

pytestmark = pytest.mark.django_db
ENGLISH = {"Accept-Language": "en"}
OTHERS = 8


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


def tool(name: str) -> Tool:
    return Tool.objects.get(name=name)


def fields_of(row: Tool, **changes: Any) -> dict[str, Any]:
    names = [field.name for field in Tool._meta.fields if field.name != "id"]
    found = {name: getattr(row, name) for name in names}
    found["inbox"] = row.inbox_id
    found |= changes
    return {
        name: json.dumps(value) if isinstance(value, dict | list) else value
        for name, value in found.items()
        if value is not False
    }


def save(staff: Client, row: Tool, **changes: Any) -> Any:
    page = reverse("admin:chat_tool_change", args=[row.pk])
    return staff.post(page, fields_of(row, **changes), headers=ENGLISH)


def errors(answer: Any) -> dict[str, str]:
    found = answer.context["adminform"].form.errors
    return {name: " ".join(each) for name, each in found.items()}


def test_a_tool_is_saved_as_it_is(staff: Client, conversation: Conversation) -> None:
    assert save(staff, tool("change_address"), title_zh="改地址").status_code == 302
    assert tool("change_address").title_zh == "改地址"


def test_the_second_of_two_at_one_tool_is_told(staff: Client, conversation: Conversation) -> None:
    row = tool("change_address")
    shown = staff.get(reverse("admin:chat_tool_change", args=[row.pk]))
    seen = shown.context["adminform"].form.initial["seen"]
    Tool.objects.filter(pk=row.pk).update(title_zh="别人改的")

    refused = save(staff, row, title_zh="改地址", seen=seen)

    assert "Not saved: the platform changed this" in refused.content.decode()
    assert tool("change_address").title_zh == "别人改的"
    insisted = refused.context["adminform"].form["seen"].value()
    assert save(staff, row, title_zh="改地址", seen=insisted).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "Get-Order", "lower case"),
        ("url", "http://10.0.0.1/{order_number}", "YINGDA_TOOL_HOSTS"),
        ("url", "https://evil.example/{order_number}", "No key is sent"),
        ("url", "file:///etc/passwd", "http or https"),
        ("schema", {"type": "array"}, '"type": "object"'),
        ("auth_env", "OPENAI_API_KEY", "_TOOL_KEY"),
        ("sources", {"nobody": "order_number"}, "No such argument"),
        ("personal", ["nobody"], "No such argument"),
        ("shown", [{"path": "a"}], "list of fields"),
        ("timeout_seconds", 99, "timeout"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    staff: Client, conversation: Conversation, field: str, value: Any, says: str
) -> None:
    answer = save(staff, tool("get_order"), **{field: value})
    assert answer.status_code == 200
    assert says in " ".join(errors(answer).values())
    assert field in errors(answer) or "__all__" in errors(answer)


def test_a_write_by_get_is_refused(staff: Client, conversation: Conversation) -> None:
    assert "A write is no GET" in errors(save(staff, tool("urge_delivery"), method="GET"))["method"]


def try_it(staff: Client, name: str, **posted: str) -> Any:
    page = reverse("admin:chat_tool_try_page", args=[tool(name).pk])
    given = {f"argument-{key}": value for key, value in posted.items() if key == "order_number"}
    return staff.post(page, {**given, **posted}, headers=ENGLISH)


def test_a_tool_is_tried(staff: Client, conversation: Conversation) -> None:
    answer = try_it(staff, "get_logistics", order_number=ORDER)
    assert "packed, waiting for the courier" in answer.content.decode()
    assert ToolCall.objects.get().asked_by == "staff"
    refused = try_it(staff, "get_order", order_number=OWNED)
    assert "not under your account" in refused.content.decode()
    allowed = try_it(staff, "get_order", order_number=OWNED, customer=CUSTOMER)
    assert allowed.context["outcome"]["good"]


def test_a_write_is_tried_only_by_who_says_so(
    staff: Client, conversation: Conversation, shop: ShopControl
) -> None:
    assert "Tick the box" in try_it(staff, "urge_delivery", order_number=ORDER).content.decode()
    assert shop.requests() == []
    assert try_it(staff, "urge_delivery", order_number=ORDER, really="1").context["outcome"]["good"]
    assert len(shop.requests()) == 1


class Meanwhile(list[dict[str, Any]]):
    """Does something while the shop is asked: in so many threads that one has the connection that was given back."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__()
        self.act = act
        self.connected = threading.Barrier(OTHERS)

    def append(self, asked: dict[str, Any]) -> None:
        race(self.run, racers=OTHERS)
        super().append(asked)

    def run(self) -> None:
        connection.ensure_connection()
        self.connected.wait()
        self.act()
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_who_writes_while_a_tool_is_tried_is_not_taken_for_who_tries_it(
    staff: Client,
    conversation: Conversation,
    shop: ShopControl,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Meanwhile(lambda: Tool.objects.update(title_zh="查物流"))
    monkeypatch.setattr(shop.shop, "requests", asked)

    assert try_it(staff, "get_logistics", order_number=ORDER).context["outcome"]["good"]

    changes = AuditEntry.objects.filter(model="chat.tool", act="changed")
    assert {(change.actor, change.actor_id) for change in changes} == {("", None)}


def test_who_may_not_change_tools_may_not_try_them(
    client: Client, conversation: Conversation
) -> None:
    client.force_login(get_user_model().objects.create_user("reader", is_staff=True))
    assert try_it(client, "get_order", order_number=ORDER).status_code == 403
    assert ToolCall.objects.count() == 0


def test_the_log_and_the_turns_page_show_calls(staff: Client, conversation: Conversation) -> None:
    row = Turn.objects.create(
        conversation=conversation, first_seq=1, last_seq=1, epoch=0, state="done"
    )
    call = ToolCall.objects.create(
        name="get_order",
        conversation=conversation,
        turn=row,
        asked_by="slots",
        state="refused",
        error="not_yours",
        arguments={"order_number": ORDER},
    )
    listed = staff.get(reverse("admin:chat_toolcall_changelist"), headers=ENGLISH)
    assert "not_yours" in listed.content.decode()
    page = staff.get(reverse("admin:chat_toolcall_change", args=[call.pk]), headers=ENGLISH)
    assert ORDER in page.content.decode()
    turn_page = staff.get(reverse("admin:chat_turn_change", args=[row.pk]), headers=ENGLISH)
    assert "refused · not_yours" in turn_page.content.decode()
