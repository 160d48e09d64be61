"""Models that call tools, over the real wires against the fakes of vendors and shop: bounded, masked, on record."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from chat import turn
from chat.actions import visitor as actions
from chat.management import demo_tools
from chat.models import Message, ToolCall, Turn, Visitor
from chat.tools import registry
from chat.tools.acting import Acts
from prompts import completion
from prompts.llm.types import ToolCall as Wanted
from tests.chat.tools.conftest import PARCEL, STRANGERS
from tests.factories import VisitorFactory
from tests.fakes.provider_control import ProviderControl
from tests.fakes.shop_control import ShopControl
from tests.prompts.rows import KEYS, endpoint

HERE = "127.0.0.1"
ASKED = f"我的快递到哪了,订单{PARCEL}"
CAPABLE = {"json_schema": True, "tools": True}
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


@pytest.fixture
def visitor(shop: ShopControl, provider: ProviderControl, settings: Any) -> Iterator[Visitor]:
    settings.MODEL_API_KEYS = KEYS
    made = VisitorFactory.create()
    demo_tools.load(made.inbox, shop_url=shop.url)
    registry.CACHE.clear()
    yield made
    completion.CACHE.clear()


def say(visitor: Visitor, text: str = ASKED) -> Message:
    posted = actions.post_message(visitor, client_id=uuid4(), text=text, address=HERE)
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w1")
    return Message.objects.get(turn_id=posted.turn_id, role="bot")


@pytest.mark.parametrize("vendor", ["openai", "anthropic", "dashscope"])
def test_a_model_calls_a_tool_and_answers_from_it(
    visitor: Visitor, shop: ShopControl, provider: ProviderControl, vendor: str
) -> None:
    endpoint(provider, "main", vendor=vendor, capabilities=CAPABLE)
    answer = say(visitor)
    assert [each["act"] for each in shop.requests()] == ["get_logistics"]
    assert answer.meta["endpoint"] == "main"
    assert answer.meta["cards"][0]["kind"] == "logistics"
    call = ToolCall.objects.get()
    assert (call.asked_by, call.state) == ("model", "done")
    assert Turn.objects.get().decision["tools"][0]["tool"] == "get_logistics"


def test_a_model_without_tools_is_offered_none(
    visitor: Visitor, shop: ShopControl, provider: ProviderControl
) -> None:
    endpoint(provider, "main", capabilities={"json_schema": True})
    assert say(visitor).meta["endpoint"] == "main"
    assert shop.requests() == []


def test_a_model_that_fails_after_its_tool_leaves_the_finding_to_be_said(
    visitor: Visitor, shop: ShopControl, provider: ProviderControl
) -> None:
    endpoint(provider, "main", capabilities=CAPABLE)
    provider.set_scenario([{"times": 1}, {"fault": "500", "times": 0}])
    answer = say(visitor)
    assert answer.meta["endpoint"] == "sop"
    assert f"订单 {PARCEL} 运输中" in answer.text


def test_another_customers_order_stays_closed_to_a_model(
    visitor: Visitor, shop: ShopControl, provider: ProviderControl
) -> None:
    endpoint(provider, "main", capabilities=CAPABLE)
    answer = say(visitor, f"我的快递到哪了,订单{STRANGERS}")
    assert ToolCall.objects.get().error == "not_yours"
    assert "cards" not in answer.meta


# --- what a model may want -------------------------------------------------------------------------


@pytest.fixture
def acts(visitor: Visitor) -> Acts:
    posted = actions.post_message(visitor, client_id=uuid4(), text=ASKED, address=HERE)
    assert posted.turn_id is not None
    row = Turn.objects.select_related("conversation__visitor").get(pk=posted.turn_id)
    return Acts(row, "zh", lambda: True, registry.of_inbox(visitor.inbox_id))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("drop_tables", "{}"),
        ("get_order", "not json"),
        ("get_order", "[1]"),
        ("get_order", '{"order_number": "' + "9" * 1_000_000 + '"}'),
        ("get_order", '{"order_number": "1", "url": "http://169.254.169.254/"}'),
        ("get_order", '{"order_number": "../../admin"}'),
        ("change_address", '{"order_number": "1", "address": "上海市浦东新区世纪大道100号"}'),
    ],
)
def test_what_no_schema_allows_is_refused(
    acts: Acts, shop: ShopControl, name: str, arguments: str
) -> None:
    assert '"refused"' in acts.call(Wanted("c1", name, arguments))
    assert shop.requests() == []
    assert acts.findings == []


def test_a_model_cannot_confirm(acts: Acts, shop: ShopControl) -> None:
    told = acts.call(Wanted("c1", "cancel_order", f'{{"order_number": "{PARCEL}"}}'))
    assert "waits_for_the_customers_confirmation" in told
    assert acts.call(Wanted("c2", "confirm", f'{{"call": "{uuid4()}"}}'))
    assert shop.requests() == []
    assert len(acts.proposals) == 1


def test_no_turn_makes_more_than_five_calls(acts: Acts, shop: ShopControl) -> None:
    for number in range(50):
        acts.call(Wanted(f"c{number}", "get_order", f'{{"order_number": "{PARCEL}"}}'))
    assert len(shop.requests()) == 5
    assert ToolCall.objects.filter(error="limit").exists()


def test_a_model_sees_what_may_be_shown_and_nothing_else(acts: Acts) -> None:
    told = acts.call(Wanted("c1", "get_order", f'{{"order_number": "{PARCEL}"}}'))
    assert "山雾手作马克杯" in told
    assert "13800138000" not in told
    assert "receiver" not in told
