"""One call: who may make it, what leaves, what comes back, what is kept of it."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from chat import vault
from chat.models import Conversation, ToolCall
from chat.states import CallState
from chat.tools import results, running
from chat.tools.registry import Spec
from chat.tools.running import Caller, Outcome
from tests.chat.tools.conftest import ORDER, OWNED, PARCEL, STRANGERS, TOKEN
from tests.fakes.shop_control import ShopControl
from tests.fakes.shop_orders import CUSTOMER

Specs = dict[str, Spec]
pytestmark = pytest.mark.django_db


def caller(conversation: Conversation, *, customer: str = "", language: str = "zh") -> Caller:
    return Caller("slots", language=language, conversation=conversation, customer=customer)


def look_up(
    specs: Specs, conversation: Conversation, number: str, *, customer: str = ""
) -> Outcome:
    asking = caller(conversation, customer=customer)
    return running.run(specs["get_order"], {"order_number": number}, asking)


def test_a_read_says_what_staff_chose_to_show(specs: Specs, conversation: Conversation) -> None:
    outcome = running.run(specs["get_logistics"], {"order_number": PARCEL}, caller(conversation))
    assert outcome.state is CallState.DONE
    assert f"订单 {PARCEL} 运输中" in outcome.sentence
    assert "离开【杭州转运中心】" in outcome.sentence
    assert "events" not in outcome.shown
    row = ToolCall.objects.get()
    assert (row.name, row.state, row.error, row.status_code) == ("get_logistics", "done", "", 200)
    assert row.arguments == {"order_number": PARCEL}
    assert row.duration_ms is not None


def test_the_answer_is_in_the_customers_language(specs: Specs, conversation: Conversation) -> None:
    outcome = running.run(
        specs["get_logistics"], {"order_number": PARCEL}, caller(conversation, language="en")
    )
    assert outcome.sentence.startswith(f"Order {PARCEL} is on its way. Latest: Left Hangzhou hub")


def test_the_key_goes_to_the_shop_and_nowhere_else(
    shop: ShopControl, specs: Specs, conversation: Conversation
) -> None:
    look_up(specs, conversation, ORDER)
    assert shop.requests()[0]["authorization"] == f"Bearer {TOKEN}"
    kept = str(ToolCall.objects.values().get())
    assert TOKEN not in kept


def test_a_key_that_is_not_set_is_no_call(
    shop: ShopControl, specs: Specs, conversation: Conversation, settings: Any
) -> None:
    settings.TOOL_KEYS = {}
    outcome = look_up(specs, conversation, ORDER)
    assert (outcome.state, outcome.error, shop.requests()) == (CallState.FAILED, "no_key", [])


def test_a_host_that_was_taken_off_the_list_gets_no_key(
    shop: ShopControl, specs: Specs, conversation: Conversation, settings: Any
) -> None:
    settings.TOOL_HOSTS = []
    outcome = look_up(specs, conversation, ORDER)
    assert (outcome.state, outcome.error, shop.requests()) == (CallState.FAILED, "no_key", [])


def test_a_number_that_is_cut_off_is_masked_before(specs: Specs) -> None:
    spec = replace(specs["get_order"], shown=(("note", "备注", "Note"),))
    filling = "嗯" * (results.VALUE_CHARS - 9)
    shown = results.shown_of(spec, {"note": f"{filling}13800138000"}, language="zh")
    assert "1380013" not in shown["note"]
    assert len(shown["note"]) <= results.VALUE_CHARS


def test_personal_data_of_a_reply_is_in_no_row_and_no_sentence(
    specs: Specs, conversation: Conversation
) -> None:
    shown = (
        *specs["get_order"].shown,
        ("receiver.phone", "电话", "Phone"),
        ("receiver.address", "地址", "Address"),
    )
    spec = replace(
        specs["get_order"], shown=shown, replies=("寄给 {receiver.phone} {receiver.address}", "")
    )
    outcome = running.run(spec, {"order_number": ORDER}, caller(conversation))
    kept = outcome.sentence + str(ToolCall.objects.values().get())
    assert "13800138000" not in kept
    assert "文三路" not in kept
    assert outcome.sentence == "寄给 138****8000 ***"


def test_another_customers_order_is_refused_by_the_shop(
    specs: Specs, conversation: Conversation
) -> None:
    outcome = look_up(specs, conversation, STRANGERS, customer=CUSTOMER)
    assert (outcome.state, outcome.error, outcome.shown) == (CallState.REFUSED, "not_yours", {})
    assert "不在您的账号下" in outcome.sentence
    assert ToolCall.objects.get().state == "refused"


def test_an_anonymous_visitor_gets_no_ones_order(specs: Specs, conversation: Conversation) -> None:
    assert look_up(specs, conversation, OWNED).error == "not_yours"
    assert look_up(specs, conversation, OWNED, customer=CUSTOMER).state is CallState.DONE


@pytest.mark.parametrize("customer", ["", CUSTOMER])
def test_a_shop_that_answers_with_another_customers_order_is_not_believed(
    shop: ShopControl, specs: Specs, conversation: Conversation, customer: str
) -> None:
    shop.fail("wrong_customer")
    outcome = look_up(specs, conversation, ORDER, customer=customer)
    assert (outcome.state, outcome.error, outcome.shown) == (CallState.REFUSED, "not_yours", {})
    assert ToolCall.objects.get().result == {}


def test_a_tool_that_needs_to_know_the_customer_is_not_called_without(
    shop: ShopControl, specs: Specs, conversation: Conversation
) -> None:
    spec = replace(specs["cancel_order"], needs_verified=True)
    outcome = running.run(spec, {"order_number": ORDER}, caller(conversation))
    assert (outcome.state, outcome.error, shop.requests()) == (CallState.REFUSED, "unverified", [])
    assert "确认您的身份" in outcome.sentence
    assert ToolCall.objects.get().error == "unverified"


@pytest.mark.parametrize(
    "arguments",
    [
        {"order_number": "../admin"},
        {"order_number": "1/../../x"},
        {"order_number": ".."},
        {"order_number": "1?a=b"},
        {"order_number": "1\r\nX-Customer-Id: c"},
        {"order_number": "9" * 33},
        {"order_number": 7},
        {"order_number": ["1"]},
        {"order_number": ORDER, "url": "http://169.254.169.254/"},
        {"order_number": ORDER, "customer_id": "c-2002"},
        {"order_number": "<PHONE_1>"},
        {},
    ],
)
def test_arguments_that_the_schema_does_not_allow_reach_nobody(
    shop: ShopControl, specs: Specs, conversation: Conversation, arguments: dict[str, Any]
) -> None:
    outcome = running.run(specs["get_order"], arguments, caller(conversation))
    assert (outcome.state, outcome.error) == (CallState.REFUSED, "bad_arguments")
    assert shop.requests() == []
    assert ToolCall.objects.get().error == "bad_arguments"


def test_what_a_schema_lets_through_stays_in_its_place_in_the_path(
    shop: ShopControl, specs: Specs, conversation: Conversation
) -> None:
    free = {
        "type": "object",
        "properties": {"order_number": {"type": "string"}},
        "required": ["order_number"],
    }
    spec = replace(specs["get_order"], schema=free)
    running.run(spec, {"order_number": "1/logistics?x=1#y"}, caller(conversation))
    assert shop.requests() == []  # one segment, and no route takes it
    assert running.run(spec, {"order_number": ".."}, caller(conversation)).error == "bad_arguments"


def test_personal_data_is_put_in_at_the_last_moment(
    shop: ShopControl, specs: Specs, conversation: Conversation
) -> None:
    said = vault.mask(conversation.visitor, "改到上海市浦东新区世纪大道100号8楼")
    placeholder = said.removeprefix("改到")
    assert placeholder == "<ADDRESS_1>"
    arguments = {"order_number": ORDER, "address": placeholder}
    outcome = running.run(specs["change_address"], arguments, caller(conversation))
    assert outcome.state is CallState.DONE
    assert shop.requests()[0]["body"] == {"address": "上海市浦东新区世纪大道100号8楼"}
    assert ToolCall.objects.get().arguments == arguments
    assert "世纪大道" not in str(ToolCall.objects.values().get()) + outcome.sentence


@pytest.mark.parametrize(
    "address", ["<ADDRESS_7>", "上海市浦东新区世纪大道100号", "<ADDRESS_1> and more" + "x" * 300]
)
def test_personal_data_comes_from_the_visitors_own_vault_or_not_at_all(
    shop: ShopControl, specs: Specs, conversation: Conversation, address: str
) -> None:
    arguments = {"order_number": ORDER, "address": address}
    outcome = running.run(specs["change_address"], arguments, caller(conversation))
    assert (outcome.error, shop.requests()) == ("bad_arguments", [])
    assert "世纪大道" not in str(ToolCall.objects.values().get())


def test_a_write_carries_the_key_of_its_row(
    shop: ShopControl, specs: Specs, conversation: Conversation
) -> None:
    running.run(specs["urge_delivery"], {"order_number": ORDER}, caller(conversation))
    assert uuid.UUID(shop.requests()[0]["key"]) == ToolCall.objects.get().key


def test_a_write_whose_answer_is_lost_is_asked_again_under_the_same_key(
    shop: ShopControl, specs: Specs, conversation: Conversation
) -> None:
    shop.fail("lost")
    outcome = running.run(specs["urge_delivery"], {"order_number": ORDER}, caller(conversation))
    assert outcome.state is CallState.DONE
    assert outcome.shown["ticket"] == "U1123-1"
    first, second = shop.requests()
    assert first["key"] == second["key"]
    assert shop.shop.book.orders[ORDER].urged == 1


@pytest.mark.parametrize("kind", ["500", "text", "broken_json"])
def test_a_write_that_may_have_been_done_is_called_so(
    shop: ShopControl, specs: Specs, conversation: Conversation, kind: str
) -> None:
    shop.fail(kind, times=2)
    outcome = running.run(specs["urge_delivery"], {"order_number": ORDER}, caller(conversation))
    assert (outcome.state, outcome.error, outcome.failed) == (CallState.UNKNOWN, "unknown", True)
    assert "不要重复提交" in outcome.sentence


@pytest.mark.parametrize("kind", ["500", "huge", "redirect", "text", "nested"])
def test_a_read_that_fails_says_so_and_is_a_failure(
    shop: ShopControl, specs: Specs, conversation: Conversation, kind: str
) -> None:
    shop.fail(kind)
    outcome = look_up(specs, conversation, ORDER)
    assert (outcome.state, outcome.failed) == (CallState.FAILED, True)
    assert "暂时办不了" in outcome.sentence
    assert ToolCall.objects.get().state == "failed"


def test_what_the_shop_refuses_is_told_in_its_words(
    specs: Specs, conversation: Conversation
) -> None:
    outcome = running.run(specs["cancel_order"], {"order_number": PARCEL}, caller(conversation))
    assert (outcome.state, outcome.error, outcome.failed) == (
        CallState.REFUSED,
        "shop_refused",
        False,
    )
    assert outcome.sentence == "「取消订单」没有办成：订单已发出，不能取消；可以拒收或签收后退货。"


def test_a_tool_pointed_at_an_internal_address_is_stopped_at_the_door(
    shop: ShopControl, specs: Specs, conversation: Conversation, settings: Any
) -> None:
    settings.TOOL_HOSTS = []
    spec = replace(specs["get_order"], auth_env="")
    outcome = running.run(spec, {"order_number": ORDER}, caller(conversation))
    assert (outcome.state, outcome.error) == (CallState.FAILED, "blocked")
    assert (shop.requests(), ToolCall.objects.get().error) == ([], "blocked")
