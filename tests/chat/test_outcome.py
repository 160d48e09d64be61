"""What a turn says where its answer is none, or a text is missing: an offer of a person, and never silence."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from chat import turn
from chat.actions import visitor as actions
from chat.models import Message
from prompts import completion
from prompts.models import Prompt, PromptVersion
from prompts.redis import connection
from tests.chat.conftest import TEXTS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


def ask(visitor: Any, text: str) -> Message:
    posted = actions.post_message(visitor, client_id=uuid4(), text=text, address="127.0.0.1")
    assert posted.turn_id is not None
    turn.run(posted.turn_id, worker="w1")
    return Message.objects.get(turn=posted.turn_id, role="bot")


def change(purpose: str, text: str) -> None:
    """The text of a purpose in Chinese; "" takes it away."""
    prompt, _ = Prompt.objects.get_or_create(purpose=purpose, language="zh", title=purpose)
    version = PromptVersion.objects.create(prompt=prompt, number=2, text=text) if text else None
    Prompt.objects.filter(pk=prompt.pk).update(current=version)
    completion.CACHE.clear()


def test_an_answer_that_was_none_ends_with_the_offer_of_a_person(visitor: Any) -> None:
    change("offer_human", "要和人说吗")
    first = ask(visitor, "量子力学是什么")
    assert first.text == f"{TEXTS['unknown'][0]}\n要和人说吗"
    assert first.meta["offered"] is True


def test_an_answer_that_speaks_of_people_needs_no_offer_behind_it(visitor: Any) -> None:
    change("offer_human", "要和人说吗")
    change("unknown", "不清楚,可以转人工")
    answer = ask(visitor, "量子力学是什么")
    assert (answer.text, answer.meta["offered"]) == ("不清楚,可以转人工", True)


def test_going_on_is_said_even_where_staff_left_the_text_empty(visitor: Any) -> None:
    ask(visitor, "我的订单 20260131001 怎么还没到?")
    change("resumed", "")
    connection().flushdb()
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert actions.resume_prompt(actions.enter(visitor))
        assert ask(visitor, "1").text == "好的，我们接着上次的继续。"
