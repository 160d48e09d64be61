"""Tools as values: read once for many turns, and only such URLs and schemas as can be trusted."""

from typing import Any

import pytest

from chat.models import Conversation, Tool
from chat.tools import arguments, registry
from prompts import snapshot
from tests.factories import InboxFactory
from tests.fakes.shop_control import ShopControl

SIX = ["get_order", "get_logistics", "change_address", "urge_delivery", "create_return", "cancel_order"]  # fmt: skip


def names(inbox_id: int) -> list[str]:
    return [spec.name for spec in registry.of_inbox(inbox_id)]


def test_an_inbox_has_its_own_tools(conversation: Conversation) -> None:
    assert names(conversation.inbox_id) == SIX
    assert names(InboxFactory.create().pk) == []


def test_turns_share_one_reading(
    conversation: Conversation, django_assert_num_queries: Any
) -> None:
    registry.CACHE.clear()
    with django_assert_num_queries(1):
        for _ in range(3):
            names(conversation.inbox_id)


@pytest.mark.django_db(transaction=True)
def test_an_edit_counts_at_once(conversation: Conversation) -> None:
    assert names(conversation.inbox_id) == SIX
    Tool.objects.filter(name="get_order").update(enabled=False)
    snapshot.announce()
    assert names(conversation.inbox_id) == SIX[1:]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://orders.example/{order_number}", None),
        ("http://10.0.0.5/{order_number}", "internal address"),
        ("http://127.0.0.1/", "internal address"),
        ("http://[::ffff:7f00:1]/", "internal address"),
        ("file:///etc/passwd", "http or https"),
        ("https://{order_number}.example/", "The host may not hold"),
        ("https://{order_number}/", "The host may not hold"),
        ("https://orders.example/{other}", "is no argument"),
        ("https://user:x@orders.example/", "http or https"),
    ],
)
def test_urls_are_checked(settings: Any, url: str, says: str | None) -> None:
    settings.TOOL_HOSTS = []
    problem = registry.url_problem(url, arguments=["order_number"], auth_env="")
    assert (problem is None) if says is None else problem is not None and says in problem[1]


def test_a_key_goes_to_named_hosts_only(settings: Any, shop: ShopControl) -> None:
    url = "https://orders.example/"
    problem = registry.url_problem(url, arguments=[], auth_env="X_TOOL_KEY")
    assert problem is not None
    assert "YINGDA_TOOL_HOSTS" in problem[1]
    settings.TOOL_HOSTS = ["orders.example"]
    assert registry.url_problem(url, arguments=[], auth_env="X_TOOL_KEY") is None


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "object", "properties": {"a": {"type": "string"}}}, None),
        ([], '"type": "object"'),
        ({"type": "object", "properties": {"a": {"type": "object"}}}, "one of string"),
        ({"type": "object", "properties": {"A b": {"type": "string"}}}, "lower case"),
        ({"type": "object", "properties": {}, "required": ["a"]}, "required"),
        ({"type": "object", "properties": {}, "required": [{}]}, "No valid"),
        ({"type": "object", "properties": {"a": {"type": "string", "minLength": "x"}}}, "No valid"),
        ({"type": "object", "properties": {"a": {"type": "string", "$ref": "http://a/"}}}, "References"),
    ],
)  # fmt: skip
def test_schemas_are_checked(schema: Any, says: str | None) -> None:
    problem = arguments.schema_problem(schema)
    assert (problem is None) if says is None else problem is not None and says in problem[1]
