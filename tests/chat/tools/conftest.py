"""A shop on loopback, named in the allow list, and its tools as rows of an inbox."""

from collections.abc import Iterator
from typing import Any

import pytest

from chat.management import demo_tools
from chat.models import Conversation
from chat.tools import registry
from chat.tools.registry import Spec
from tests.factories import ConversationFactory
from tests.fakes import provider_control, shop_control
from tests.fakes.provider_control import ProviderControl
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.fakes.shop_control import ShopControl

TOKEN = "a-token-of-the-demo-shop"
ORDER, PARCEL, OWNED, STRANGERS = "20240501123", "20240502456", "20240504777", "20240501888"


@pytest.fixture(scope="session")
def open_shop() -> Iterator[ShopControl]:
    with shop_control.running(token=TOKEN) as shop:
        yield shop


@pytest.fixture
def shop(open_shop: ShopControl, settings: Any) -> Iterator[ShopControl]:
    open_shop.reset()
    settings.TOOL_HOSTS = [open_shop.host]
    settings.TOOL_KEYS = {demo_tools.KEY_VARIABLE: TOKEN}
    registry.CACHE.clear()
    yield open_shop
    registry.CACHE.clear()


@pytest.fixture
def conversation(shop: ShopControl, db: None) -> Conversation:
    """A conversation in an inbox that has the shop's tools."""
    made = ConversationFactory.create()
    demo_tools.load(made.inbox, shop_url=shop.url)
    registry.CACHE.clear()
    return made


@pytest.fixture
def specs(conversation: Conversation) -> dict[str, Spec]:
    return {spec.name: spec for spec in registry.of_inbox(conversation.inbox_id)}


@pytest.fixture(scope="session")
def vendors() -> Iterator[ProviderControl]:
    with provider_control.running(ProviderOptions(Latency(ttft_ms=5, interval_ms=1))) as control:
        yield control


@pytest.fixture
def provider(vendors: ProviderControl) -> ProviderControl:
    """A quick fake of the vendors with no scenario and an empty log."""
    vendors.reset()
    return vendors
