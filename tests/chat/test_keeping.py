"""Answers that promise what nobody has done: written once more, then cut and given to a person."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from chat import push, turn
from chat.actions import visitor as actions
from chat.delivery import Delivery
from chat.models import Conversation, Escalation, Message, Turn
from prompts import controls
from prompts.llm.load import Level
from tests.chat.conftest import QUESTION
from tests.factories import AgentFactory
from tests.fakes.provider_control import ProviderControl, running
from tests.fakes.provider_exchange import ProviderOptions
from tests.fakes.provider_latency import Latency
from tests.prompts.rows import KEYS, endpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

FIRST, SECOND = "我已经为您申请退款了。", "我们会补偿您20元。"
HONEST = "退款进度可以在订单详情查看。"


@pytest.fixture(scope="module")
def provider_process() -> Iterator[ProviderControl]:
    with running(ProviderOptions(Latency(ttft_ms=1, interval_ms=0))) as control:
        yield control


@pytest.fixture
def model(provider_process: ProviderControl, settings: Any) -> ProviderControl:
    settings.MODEL_API_KEYS = KEYS
    provider_process.reset()
    endpoint(provider_process, "main")
    return provider_process


def drafts(model: ProviderControl, *texts: str) -> None:
    model.set_scenario([{"answer": text, "times": 1} for text in texts])


def run(visitor: Any) -> UUID:
    posted = actions.post_message(visitor, client_id=uuid4(), text=QUESTION, address="127.0.0.1")
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w1")
    return posted.turn_id


def answer() -> str:
    return Message.objects.get(role="bot").text


def test_a_false_promise_is_written_once_more(visitor: Any, model: ProviderControl) -> None:
    drafts(model, FIRST, HONEST)
    run(visitor)
    assert answer() == HONEST
    assert Turn.objects.get().decision["promises"] == [["refund"]]
    assert Conversation.objects.get().owner == "bot"


def test_a_second_false_promise_is_cut_and_a_person_called(
    visitor: Any, model: ProviderControl
) -> None:
    AgentFactory.create(presence="online")
    drafts(model, FIRST, f"非常抱歉。{SECOND}{HONEST}")
    turn_id = run(visitor)
    assert answer() == f"非常抱歉。{HONEST}"
    decision = Turn.objects.get(pk=turn_id).decision
    assert decision["promises"] == [["refund"], ["compensation"]]
    assert decision["escalation"]["action"] == "hand_over"
    assert Conversation.objects.get().owner == "queue"
    assert [reason["code"] for reason in Escalation.objects.get().reasons] == ["promised"]


def test_nothing_is_left_of_an_answer_that_only_promised(
    visitor: Any, model: ProviderControl
) -> None:
    drafts(model, FIRST, SECOND)
    run(visitor)
    # Nobody is online: the bot goes on, and says that it does not know rather than nothing.
    assert answer().startswith("这个问题我还不清楚")
    assert Conversation.objects.get().owner == "bot"


def test_who_has_seen_a_draft_withdrawn_does_not_wait_for_the_second(
    visitor: Any, model: ProviderControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform is overrun between the two drafts: the question was let in and is answered."""
    restart = Delivery.restart

    def overrun(self: Delivery) -> None:
        begun = getattr(self, "count", 0)
        restart(self)
        if begun:
            controls.force_level(Level.QUEUE, minutes=5)

    monkeypatch.setattr(Delivery, "restart", overrun)
    drafts(model, FIRST, HONEST)
    turn_id = run(visitor)
    row = Turn.objects.get(pk=turn_id)
    assert (row.state, row.not_before) == ("done", None)
    assert [m.role for m in Message.objects.order_by("seq")] == ["visitor", "bot"]
    assert FIRST not in answer()
    partial = push.find_partial(turn_id)
    assert partial is None or FIRST not in partial.text
