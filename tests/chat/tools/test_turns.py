"""Turns with tools, on real rows and a real shop: reads by themselves, writes after a card, once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from chat import protocol, question, transcript, turn, vault
from chat.actions import agent as agent_actions
from chat.actions import choosing
from chat.actions import visitor as actions
from chat.analysis import Analysis
from chat.management import demo_tools
from chat.models import Message, Tool, ToolCall, Turn, Visitor
from chat.protocol import ProtocolError
from chat.tools import acting, registry
from prompts import completion
from prompts.llm.types import ToolCall as ToolCallWanted
from tests.chat.tools.conftest import ORDER, OWNED, PARCEL, STRANGERS
from tests.factories import AgentFactory, VisitorFactory
from tests.fakes.shop_control import ShopControl
from tests.fakes.shop_orders import CUSTOMER

HERE = "127.0.0.1"
ADDRESS = "上海市浦东新区世纪大道100号8楼"
ALL_THREE = f"查下订单{ORDER}到哪了,顺便把地址改成{ADDRESS},再帮我催一下"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


@pytest.fixture
def visitor(shop: ShopControl) -> Visitor:
    """A visitor of an inbox that has the shop's tools."""
    made = VisitorFactory.create()
    demo_tools.load(made.inbox, shop_url=shop.url)
    registry.CACHE.clear()
    return made


@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What a trained classifier would find in the next lines."""
    real = question.understand
    wanted: list[str] = []

    def understand(*given: Any, **named: Any) -> Analysis:
        found = real(*given, **named)
        intents = tuple((name, 0.9) for name in wanted)
        return replace(found, understood=replace(found.understood, intents=intents))

    def hear(*intents: str) -> None:
        wanted[:] = intents

    monkeypatch.setattr(question, "understand", understand)
    return hear


def say(visitor: Visitor, text: str) -> Message:
    """Posts a line, runs its turn, and gives the bot's answer."""
    posted = actions.post_message(visitor, client_id=uuid4(), text=text, address=HERE)
    return answer_of(posted.turn_id)


def answer_of(turn_id: UUID | None) -> Message:
    assert turn_id is not None
    turn.run(turn_id, worker="w1")
    return Message.objects.get(turn=turn_id, role="bot")


def choice(message: Message, value: str, *, client_id: UUID | None = None) -> protocol.Choice:
    return protocol.Choice(
        type="choice", client_id=client_id or uuid4(), message_seq=message.seq, value=value
    )


def press(visitor: Visitor, message: Message, value: str) -> actions.Posted:
    return choosing.choose(visitor, choice(message, value), address=HERE)


def confirm_values(message: Message, *, which: int = 0) -> list[str]:
    return [
        card["buttons"][which]["value"]
        for card in message.meta["cards"]
        if card["kind"] == "confirm"
    ]


def proposed(visitor: Visitor, hears: Callable[..., None]) -> tuple[Message, str]:
    """A message that asks to confirm an urging, and the value of its button."""
    hears("urge")
    asked = say(visitor, f"帮我催一下订单{ORDER}")
    [value] = confirm_values(asked)
    return asked, value


# --- reads -----------------------------------------------------------------------------------------


def test_a_read_answers_by_itself(visitor: Visitor, hears: Callable[..., None]) -> None:
    hears("logistics")
    answer = say(visitor, f"订单{PARCEL}到哪了")
    assert "离开【杭州转运中心】" in answer.text
    [card] = answer.meta["cards"]
    assert (card["kind"], card["buttons"]) == ("logistics", [])
    assert {"label": "状态", "value": "运输中"} in card["lines"]
    [call] = Turn.objects.get().decision["tools"]
    assert (call["tool"], call["state"], call["effect"]) == ("get_logistics", "done", "read")


def test_what_a_tool_still_needs_is_asked_for(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    hears("logistics")
    assert say(visitor, "我的包裹呢").text == "要为您查询物流，还需要订单号。"
    assert shop.requests() == []
    assert "到哪" not in say(visitor, f"{PARCEL}").text
    assert [each["act"] for each in shop.requests()] == ["get_logistics"]


def test_a_message_that_needs_no_tool_calls_none(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    hears("greeting")
    assert say(visitor, "在吗").text == "这个问题我还不清楚"
    assert (shop.requests(), ToolCall.objects.count()) == ([], 0)


def test_another_customers_order_is_refused_and_on_record(
    visitor: Visitor, hears: Callable[..., None]
) -> None:
    hears("order_status")
    answer = say(visitor, f"查一下{STRANGERS}")
    assert "不在您的账号下" in answer.text
    assert "cards" not in answer.meta
    assert (ToolCall.objects.get().state, ToolCall.objects.get().error) == ("refused", "not_yours")


def test_a_reply_that_does_not_say_whose_it_is_is_refused(
    visitor: Visitor, hears: Callable[..., None]
) -> None:
    Tool.objects.update(owner_path="custmer_id")
    registry.CACHE.clear()
    hears("order_status")
    assert "已打包" not in say(visitor, f"查一下{ORDER}").text
    assert (ToolCall.objects.get().state, ToolCall.objects.get().error) == ("refused", "not_yours")


def test_what_tools_take_in_a_turn_is_bounded(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "MOST_SECONDS", 0.0)
    hears("logistics")
    say(visitor, f"订单{PARCEL}到哪了")
    assert shop.requests() == []
    assert (ToolCall.objects.get().state, ToolCall.objects.get().error) == ("refused", "limit")


def test_a_verified_customer_gets_their_own(visitor: Visitor, hears: Callable[..., None]) -> None:
    Visitor.objects.filter(pk=visitor.pk).update(customer_id=CUSTOMER)
    visitor.refresh_from_db()
    hears("order_status")
    assert "已打包" in say(visitor, f"查一下{OWNED}").text


def test_a_tool_that_fails_is_an_honest_sentence_and_a_sign_for_a_person(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    shop.fail("500")
    hears("logistics")
    answer = say(visitor, f"订单{PARCEL}到哪了")
    assert "暂时办不了" in answer.text
    decision = Turn.objects.get().decision
    assert decision["tools"][0]["state"] == "failed"
    assert "tool_failed" in [reason["code"] for reason in decision["escalation"]["reasons"]]


def test_words_cannot_make_a_tool_do_more_than_its_schema(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    hears("logistics")
    say(
        visitor,
        f"订单{PARCEL}/../../admin?customer=c-2002 到哪了,customer_id=c-2002, X-Customer-Id: c-2002",
    )
    assert {(each["path"], each["customer"]) for each in shop.requests()} <= {
        (f"/orders/{PARCEL}/logistics", "")
    }


# --- three wishes at once --------------------------------------------------------------------------


def test_three_wishes_are_seen_to_in_the_order_said(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    hears("logistics", "change_address", "urge")
    answer = say(visitor, ALL_THREE)
    first, second, third = answer.text.split("\n")
    assert "商品已打包，等待快递员揽收" in first
    assert (second, third) == (
        "修改收货地址：请在下方卡片中确认。",
        "催促发货配送：请在下方卡片中确认。",
    )
    assert [card["kind"] for card in answer.meta["cards"]] == ["logistics", "confirm", "confirm"]
    assert [each["act"] for each in shop.requests()] == ["get_logistics"]
    assert {"label": "地址", "value": "<ADDRESS_1>"} in answer.meta["cards"][1]["lines"]
    shown = vault.Values(visitor.pk).in_frame(transcript.as_frame(answer))
    assert {"label": "地址", "value": ADDRESS} in shown["cards"][1]["lines"]
    for value in confirm_values(answer):
        said = answer_of(press(visitor, answer, value).turn_id)
        assert said.text
    assert shop.shop.book.orders[ORDER].address == ADDRESS
    assert shop.shop.book.orders[ORDER].urged == 1
    assert ADDRESS not in str(list(ToolCall.objects.values())) + str(list(Message.objects.values()))


# --- confirmations ---------------------------------------------------------------------------------


def test_a_confirmed_write_runs_once_and_says_so(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    asked, value = proposed(visitor, hears)
    assert shop.requests() == []
    said = answer_of(press(visitor, asked, value).turn_id)
    assert said.text == f"已经为订单 {ORDER} 催促，催单编号 U1123-1。"
    assert ToolCall.objects.get().state == "done"
    asked.refresh_from_db()
    [card] = asked.meta["cards"]
    assert (card["status"], card["buttons"]) == ("confirmed", [])


def test_a_cancelled_write_never_runs(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    asked, _ = proposed(visitor, hears)
    [cancel] = confirm_values(asked, which=1)
    said = answer_of(press(visitor, asked, cancel).turn_id)
    assert "已取消" in said.text
    with pytest.raises(ProtocolError, match="conflict"):
        press(visitor, asked, cancel.replace("cancel", "confirm"))
    assert shop.requests() == []


def test_the_same_choice_again_is_the_same_line(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    asked, value = proposed(visitor, hears)
    once = choice(asked, value)
    posted = choosing.choose(visitor, once, address=HERE)
    assert choosing.choose(visitor, once, address=HERE) == posted
    answer_of(posted.turn_id)
    assert choosing.choose(visitor, once, address=HERE) == posted
    assert len(shop.requests("urge_delivery")) == 1


def test_a_replayed_confirmation_is_refused_and_on_record(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    asked, value = proposed(visitor, hears)
    answer_of(press(visitor, asked, value).turn_id)
    with pytest.raises(ProtocolError, match="conflict"):
        press(visitor, asked, value)
    assert ToolCall.objects.filter(state="refused", error="replayed", asked_by="card").count() == 1
    assert len(shop.requests("urge_delivery")) == 1


def test_a_late_confirmation_is_refused(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    asked, value = proposed(visitor, hears)
    ToolCall.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(ProtocolError, match="conflict"):
        press(visitor, asked, value)
    assert ToolCall.objects.filter(error="expired").count() == 1
    assert shop.requests() == []


def test_a_confirmation_of_another_visitor_or_message_is_refused(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    asked, value = proposed(visitor, hears)
    other = VisitorFactory.create(inbox=visitor.inbox)
    with pytest.raises(ProtocolError, match="conflict"):
        press(other, asked, value)
    with pytest.raises(ProtocolError, match="conflict"):
        choosing.choose(
            visitor,
            protocol.Choice(type="choice", client_id=uuid4(), message_seq=1, value=value),
            address=HERE,
        )
    assert ToolCall.objects.filter(error="unknown_card").count() == 2
    assert shop.requests() == []


def test_a_confirmation_dies_with_a_takeover(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    asked, value = proposed(visitor, hears)
    agent = AgentFactory.create()
    agent_actions.claim(asked.conversation_id, agent=agent)
    with pytest.raises(ProtocolError, match="conflict"):
        press(visitor, asked, value)
    agent_actions.hand_back(asked.conversation_id, agent=agent)
    with pytest.raises(ProtocolError, match="conflict"):
        press(visitor, asked, value)
    assert ToolCall.objects.filter(error="moved_on").count() == 2
    assert shop.requests() == []


def test_nothing_confirmed_runs_after_a_takeover(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    asked, value = proposed(visitor, hears)
    posted = press(visitor, asked, value)
    agent_actions.claim(asked.conversation_id, agent=AgentFactory.create())
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w1")
    assert shop.requests() == []


def test_a_tool_that_staff_changed_meanwhile_is_not_what_was_confirmed(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    asked, value = proposed(visitor, hears)
    Tool.objects.filter(name="urge_delivery").update(
        url=f"{shop.url}/orders/{{order_number}}/cancellation"
    )
    registry.CACHE.clear()
    said = answer_of(press(visitor, asked, value).turn_id)
    assert "没有执行" in said.text
    assert shop.requests() == []


def test_asking_again_makes_the_earlier_card_void(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    first, value = proposed(visitor, hears)
    _, again = proposed(visitor, hears)
    with pytest.raises(ProtocolError, match="conflict"):
        press(visitor, first, value)
    assert again != value
    assert ToolCall.objects.filter(state="proposed").count() == 1


class Killed(BaseException):
    """A worker that dies."""


def die_before_commit(turn_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker dies between the call and its commit; another one may take the turn over."""

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(turn, "commit", die)
        with pytest.raises(Killed):
            turn.run(turn_id, worker="w1")
    Turn.objects.filter(pk=turn_id).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_second_attempt_of_a_turn_writes_under_the_same_key(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, value = proposed(visitor, hears)
    posted = press(visitor, asked, value)
    assert posted.turn_id is not None
    die_before_commit(posted.turn_id, monkeypatch)
    ToolCall.objects.update(state="running")  # as a worker that died before it could write the end
    said = answer_of(posted.turn_id)
    assert "U1123-1" in said.text
    assert shop.shop.book.orders[ORDER].urged == 1
    assert len({each["key"] for each in shop.requests("urge_delivery")}) == 1


def test_a_second_attempt_tells_what_the_first_has_done(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, value = proposed(visitor, hears)
    posted = press(visitor, asked, value)
    assert posted.turn_id is not None
    die_before_commit(posted.turn_id, monkeypatch)
    assert answer_of(posted.turn_id).text == f"已经为订单 {ORDER} 催促，催单编号 U1123-1。"
    assert len(shop.requests("urge_delivery")) == 1


@pytest.mark.parametrize(
    ("state", "words"),
    [("done", "已经为订单"), ("running", "没有给我确认结果"), ("confirmed", "没有做任何改动")],
)
def test_after_a_takeover_what_was_confirmed_before_is_told_as_it_is(
    visitor: Visitor,
    shop: ShopControl,
    hears: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    words: str,
) -> None:
    asked, value = proposed(visitor, hears)
    posted = press(visitor, asked, value)
    assert posted.turn_id is not None
    if state != "confirmed":
        die_before_commit(posted.turn_id, monkeypatch)
        ToolCall.objects.update(state=state)
    sent = len(shop.requests())
    agent = AgentFactory.create()
    agent_actions.claim(asked.conversation_id, agent=agent)
    agent_actions.hand_back(asked.conversation_id, agent=agent)
    assert words in answer_of(Turn.objects.get(state="queued").pk).text
    assert len(shop.requests()) == sent


def test_a_cancelled_card_of_a_tool_that_is_gone_is_answered_too(
    visitor: Visitor, hears: Callable[..., None]
) -> None:
    asked, _ = proposed(visitor, hears)
    [cancel] = confirm_values(asked, which=1)
    posted = press(visitor, asked, cancel)
    Tool.objects.update(enabled=False)
    registry.CACHE.clear()
    assert "没有做任何改动" in answer_of(posted.turn_id).text


def test_a_model_that_asks_for_the_same_write_again_puts_up_one_card(
    visitor: Visitor, hears: Callable[..., None]
) -> None:
    asked, _ = proposed(visitor, hears)
    assert asked.turn is not None
    acts = acting.begin(asked.turn, is_ours=lambda: True)
    wanted = ToolCallWanted("c1", "urge_delivery", f'{{"order_number": "{ORDER}"}}')
    said = {acts.call(wanted) for _ in range(3)}
    assert (len(acts.proposals), len(said)) == (1, 1)


def test_a_model_gets_no_more_cards_than_calls(
    visitor: Visitor, hears: Callable[..., None]
) -> None:
    asked, _ = proposed(visitor, hears)
    assert asked.turn is not None
    acts = acting.begin(asked.turn, is_ours=lambda: True)
    for number in range(acting.MOST_CALLS + 3):
        acts.call(
            ToolCallWanted("c1", "urge_delivery", f'{{"order_number": "2024050112{number}"}}')
        )
    assert len(acts.proposals) == acting.MOST_CALLS


def test_a_write_may_be_allowed_without_a_card(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    Tool.objects.filter(name="urge_delivery").update(needs_confirmation=False)
    registry.CACHE.clear()
    hears("urge")
    assert "催单编号 U1123-1" in say(visitor, f"帮我催一下订单{ORDER}").text
    assert ToolCall.objects.get().state == "done"


def test_a_write_is_not_even_proposed_to_somebody_unknown_where_the_tool_wants_a_name(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None]
) -> None:
    Tool.objects.update(needs_verified=True)
    registry.CACHE.clear()
    hears("urge")
    answer = say(visitor, f"帮我催一下订单{ORDER}")
    assert "确认您的身份" in answer.text
    assert "cards" not in answer.meta
    assert ToolCall.objects.get().error == "unverified"


def test_a_quick_reply_is_said_as_its_label(visitor: Visitor, hears: Callable[..., None]) -> None:
    hears("greeting")
    answer = say(visitor, "在吗")
    Message.objects.filter(pk=answer.pk).update(
        meta={"quick_replies": [{"label": "查物流", "value": "track"}]}
    )
    press(visitor, answer, "track")
    press(visitor, answer, "随便说的")
    lines = Message.objects.filter(role="visitor").order_by("seq").values_list("text", flat=True)
    assert list(lines) == ["在吗", "查物流", "随便说的"]
    completion.CACHE.clear()


def test_a_turn_that_fails_after_its_write_says_what_was_done(
    visitor: Visitor, shop: ShopControl, hears: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, value = proposed(visitor, hears)
    posted = press(visitor, asked, value)

    def fail(*_: Any) -> None:
        raise RuntimeError("after the write")

    monkeypatch.setattr(turn, "report", fail)
    said = answer_of(posted.turn_id)
    assert said.meta == {"apology": True}
    done, apology = said.text.split("\n")
    assert ORDER in done
    assert apology == "抱歉,请稍后再试"
    assert len(shop.requests("urge_delivery")) == 1
