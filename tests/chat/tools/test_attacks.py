"""Attacks on tools, from the tool's row to the shop: whatever is refused is a row of *Tool calls* as well."""

import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpcore
import pytest

from chat.actions import visitor as visitor_actions
from chat.models import Conversation, ToolCall, Turn
from chat.states import CallState
from chat.tools import registry, running
from chat.tools.acting import Acts
from chat.tools.registry import Spec
from chat.tools.running import Caller, Outcome
from prompts.llm.types import ToolCall as Wanted
from tests.chat.tools.conftest import ORDER, PARCEL
from tests.fakes.shop_control import ShopControl

pytestmark = pytest.mark.django_db(transaction=True)

Look = Callable[..., Outcome]


@pytest.fixture
def look(specs: dict[str, Spec], conversation: Conversation) -> Look:
    """Calls `get_order`, at another address where one is given."""

    def call(url: str = "", **changed: Any) -> Outcome:
        moved: dict[str, Any] = {"url": url, "auth_env": ""} if url else {}
        spec = replace(specs["get_order"], **moved, **changed)
        asking = Caller("slots", conversation=conversation)
        return running.run(spec, {"order_number": ORDER}, asking)

    return call


def audited() -> list[tuple[str, str]]:
    return list(ToolCall.objects.order_by("at").values_list("state", "error"))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "localhost.", "[::1]",
     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0", "169.254.169.254",
     "0xa9fea9fe", "2852039166", "[::ffff:a9fe:a9fe]"],
)  # fmt: skip
def test_an_internal_address_however_written(
    look: Look, shop: ShopControl, settings: Any, host: str
) -> None:
    settings.TOOL_HOSTS = []
    port = shop.host.partition(":")[2]
    outcome = look(f"http://{host}:{port}/orders/{{order_number}}")
    assert outcome.error in {"blocked", "unreachable"}
    assert (shop.requests(), audited()) == ([], [("failed", outcome.error)])


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://a@127.0.0.1/"]
)
def test_another_scheme_or_a_url_of_two_readings(look: Look, shop: ShopControl, url: str) -> None:
    assert look(url).error == "bad_url"
    assert (shop.requests(), audited()) == ([], [("failed", "bad_url")])


def test_a_redirect_inwards(look: Look, shop: ShopControl) -> None:
    shop.fail("redirect", value="http://169.254.169.254/latest/meta-data/")
    assert look().error == "redirect"
    assert (len(shop.requests()), audited()) == (1, [("failed", "redirect")])


def test_a_name_that_is_rebound(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    went: list[str] = []

    def connect(self: Any, host: str, port: int, **_: Any) -> Any:
        went.append(host)
        raise httpcore.ConnectError

    def resolve(host: str, port: int, *_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    assert look("http://rebind.example/{order_number}").error == "unreachable"
    assert (went, audited()) == (["93.184.216.34"], [("failed", "unreachable")])


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [("huge", None, "too_large"), ("gzip", None, "not_json"), ("nested", None, "not_json"),
     ("slow", 5, "timeout"), ("drip", None, "timeout")],
)  # fmt: skip
def test_a_huge_or_a_slow_body(
    look: Look,
    shop: ShopControl,
    kind: str,
    value: Any,
    error: str,
) -> None:
    shop.fail(kind, value=value)
    assert look(timeout_seconds=0.5).error == error
    assert audited() == [("failed", error)]


# --- what a model is talked into -------------------------------------------------------------------


@pytest.fixture
def acts(conversation: Conversation, texts: None) -> Acts:
    """A turn about a parcel: the tools for that are offered, the others are not."""
    posted = visitor_actions.post_message(
        conversation.visitor, client_id=uuid4(), text="我的快递到哪了", address="127.0.0.1"
    )
    assert posted.turn_id is not None
    row = Turn.objects.select_related("conversation__visitor").get(pk=posted.turn_id)
    made = Acts(row, "zh", lambda: True, registry.of_inbox(conversation.inbox_id))
    made.wanted = frozenset({"logistics"})
    return made


@pytest.mark.parametrize("name", ["cancel_order", "change_address", "drop_tables", "confirm"])
def test_a_tool_that_was_not_offered(acts: Acts, shop: ShopControl, name: str) -> None:
    assert name not in {tool.name for tool in acts.tools}
    assert '"refused"' in acts.call(Wanted("c1", name, f'{{"order_number": "{PARCEL}"}}'))
    assert (shop.requests(), acts.findings, audited()) == ([], [], [("refused", "not_offered")])
    assert ToolCall.objects.get().name == name


def test_a_tool_that_was_offered_may_be_called_twice(acts: Acts, shop: ShopControl) -> None:
    for number in (PARCEL, ORDER):
        acts.call(Wanted("c", "get_logistics", f'{{"order_number": "{number}"}}'))
    assert len(shop.requests()) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        '{"order_number": "../../admin"}',
        '{"order_number": "1?customer=c-2002"}',
        f'{{"order_number": "{PARCEL}", "customer_id": "c-2002"}}',
        f'{{"order_number": "{PARCEL}", "url": "http://169.254.169.254/"}}',
        '{"order_number": {"$ne": ""}}',
        '{"order_number": "' + "9" * 1_000_000 + '"}',
        "not json",
    ],
)
def test_arguments_that_say_more_than_the_schema(
    acts: Acts,
    shop: ShopControl,
    arguments: str,
) -> None:
    assert '"refused"' in acts.call(Wanted("c1", "get_logistics", arguments))
    assert (shop.requests(), audited()) == ([], [(CallState.REFUSED.value, "bad_arguments")])
