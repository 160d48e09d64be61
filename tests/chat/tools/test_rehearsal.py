"""Cases of an evaluation asked in a shop: its tools are called with arguments, and nothing is ever written."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chat import rehearsal
from chat.analysis import Analysis
from chat.models import Conversation, Tool, ToolCall
from chat.tools import registry
from prompts import snapshot
from prompts.evaluation import running
from prompts.models import EvalCase, EvalResult, EvalSet, ModelEndpoint, PromptVersion
from tests.chat.tools.conftest import ORDER, PARCEL
from tests.fakes.provider_control import ProviderControl
from tests.fakes.shop_control import ShopControl
from tests.prompts.llm.asking import KEY

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


@pytest.fixture
def cases(conversation: Conversation) -> EvalSet:
    """A set that is asked in the shop."""
    return EvalSet.objects.create(name="shop", title="Shop", inbox=conversation.inbox.key)


@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What a trained classifier would find in every line."""
    real = rehearsal.understand

    def hear(*intents: str) -> None:
        def understand(*given: Any, **named: Any) -> Analysis:
            found = real(*given, **named)
            wanted = tuple((name, 0.9) for name in intents)
            return replace(found, understood=replace(found.understood, intents=wanted))

        monkeypatch.setattr(rehearsal, "understand", understand)

    return hear


@pytest.fixture
def model(provider: ProviderControl, settings: Any) -> ModelEndpoint:
    """The only model, which may use tools."""
    settings.MODEL_API_KEYS = {"SHOP_API_KEY": KEY}
    made = ModelEndpoint.objects.create(
        name="shop-model",
        provider="openai",
        model="fake-light",
        base_url=provider.base_url,
        api_key_env="SHOP_API_KEY",
        capabilities={"tools": True},
    )
    snapshot.CACHE.clear()
    return made


def tried(chosen: EvalSet, text: str, **wanted: Any) -> EvalResult:
    EvalCase.objects.create(set=chosen, key="one", text=text, **wanted)
    run = running.begin(chosen, user_id=None)
    running.run(run.pk)
    return run.results.get()


def test_a_read_is_called_from_slots_and_answers(
    cases: EvalSet, shop: ShopControl, hears: Callable[..., None]
) -> None:
    hears("logistics")

    result = tried(
        cases,
        f"订单{PARCEL}到哪了",
        tool="get_logistics",
        tool_arguments={"order_number": PARCEL},
        must_contain=["杭州转运中心"],
    )

    assert (result.passed, result.failures) == (True, [])
    assert result.calls == [{"tool": "get_logistics", "arguments": {"order_number": PARCEL}}]
    assert [each["act"] for each in shop.requests()] == ["get_logistics"]
    assert ToolCall.objects.get().conversation_id is None


def test_an_order_of_an_earlier_line_is_known(cases: EvalSet, hears: Callable[..., None]) -> None:
    hears("logistics")
    history = [["visitor", f"订单{PARCEL}"], ["bot", "好的，请问要查什么？"]]

    result = tried(
        cases,
        "到哪了",
        history=history,
        tool="get_logistics",
        tool_arguments={"order_number": PARCEL},
    )

    assert result.failures == []


def test_the_playground_asks_in_a_shop_as_its_visitors_do(
    cases: EvalSet, admin_client: Client, shop: ShopControl, hears: Callable[..., None]
) -> None:
    hears("logistics")
    version = PromptVersion.objects.filter(prompt__purpose="answer", prompt__language="zh").get()
    asked = {"message": f"订单{PARCEL}到哪了", "version": version.pk, "inbox": cases.inbox}

    shown = admin_client.get(reverse("admin:prompts_prompt_playground"))
    answer = admin_client.post(reverse("admin:prompts_prompt_ask"), asked).json()

    assert [key for key, _ in shown.context["inboxes"]] == [cases.inbox]
    assert [each["act"] for each in shop.requests()] == ["get_logistics"]
    assert "get_logistics" in answer["calls"]
    assert PARCEL in answer["slots"]
    assert "杭州转运中心" in answer["prompt"]
    assert ToolCall.objects.get().conversation_id is None


@pytest.mark.parametrize("confirmed_first", [True, False])
@pytest.mark.parametrize("known_only", [True, False])
def test_a_write_is_noted_and_never_done(
    cases: EvalSet,
    shop: ShopControl,
    hears: Callable[..., None],
    *,
    confirmed_first: bool,
    known_only: bool,
) -> None:
    Tool.objects.update(needs_confirmation=confirmed_first, needs_verified=known_only)
    registry.CACHE.clear()
    hears("urge")

    result = tried(
        cases,
        f"帮我催一下订单{ORDER}",
        tool="urge_delivery",
        tool_arguments={"order_number": ORDER},
    )

    assert result.failures == []
    assert shop.requests() == []
    assert shop.shop.book.orders[ORDER].urged == 0
    assert ToolCall.objects.count() == 0


def test_a_model_calls_a_tool_and_the_case_sees_with_what(
    cases: EvalSet, shop: ShopControl, model: ModelEndpoint
) -> None:
    wanted = {"tool": "get_logistics", "tool_arguments": {"order_number": PARCEL}}

    result = tried(cases, f"物流到哪了，订单{PARCEL}", **wanted)

    assert (result.endpoint, result.failures) == ("shop-model", [])
    assert result.calls == [{"tool": "get_logistics", "arguments": {"order_number": PARCEL}}]


def test_another_tool_or_other_arguments_fail_and_say_what_was_called(
    cases: EvalSet, hears: Callable[..., None]
) -> None:
    hears("logistics")

    result = tried(
        cases, f"订单{PARCEL}到哪了", tool="get_logistics", tool_arguments={"order_number": ORDER}
    )

    [failed] = result.failures
    assert (failed["check"], failed["found"]) == (
        "tool",
        f'get_logistics {{"order_number": "{PARCEL}"}}',
    )


def test_a_shop_that_is_not_there_fails_every_case(cases: EvalSet) -> None:
    EvalSet.objects.update(inbox="nosuch")
    cases.refresh_from_db()

    result = tried(cases, "在吗", critical=True)

    failed = [(one["wanted"], one["found"]) for one in result.failures]
    assert failed == [("nosuch", "no_inbox")]
    assert result.blocks
