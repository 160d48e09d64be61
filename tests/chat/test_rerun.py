"""A past conversation once more: asked as it was, with the new answers in the thread; nothing is stored."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from chat import rerun
from chat.models import Conversation, Message, Turn
from prompts import snapshot
from prompts.models import ModelCall, Prompt, PromptVersion
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db

SAID = (
    ("visitor", "我的快递到哪了"),
    ("bot", "在路上"),
    ("visitor", "订单号20260131001"),
    ("bot", "明天到"),
)


@pytest.fixture(autouse=True)
def fresh_snapshot() -> Iterator[None]:
    snapshot.CACHE.clear()
    yield
    snapshot.CACHE.clear()


@pytest.fixture
def conversation() -> Conversation:
    found = ConversationFactory.create(last_seq=len(SAID))
    turns = [
        Turn.objects.create(conversation=found, first_seq=seq, last_seq=seq, epoch=0, state="done")
        for seq in (1, 3)
    ]
    for seq, (role, text) in enumerate(SAID, 1):
        turn = turns[(seq - 1) // 2] if role == "bot" else None
        Message.objects.create(conversation=found, seq=seq, role=role, text=text, turn=turn)
    return found


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


@pytest.fixture
def version() -> PromptVersion:
    found = []
    for purpose, text in (("answer", "新的"), ("unknown", "拿不准")):
        prompt = Prompt.objects.create(purpose=purpose, language="zh", title="t")
        found.append(PromptVersion.objects.create(prompt=prompt, number=1, text=text))
        Prompt.objects.filter(pk=prompt.pk).update(current=found[-1])
    return found[0]


def page(conversation: Conversation, name: str = "rerun") -> str:
    return reverse(f"admin:chat_conversation_{name}", args=[conversation.pk])


def test_turns_are_listed_with_what_was_said(conversation: Conversation) -> None:
    assert [(past.number, past.asked, past.answered) for past in rerun.turns(conversation)] == [
        (1, "我的快递到哪了", "在路上"),
        (2, "订单号20260131001", "明天到"),
    ]


def test_a_turn_is_asked_in_its_thread_with_the_new_answers(conversation: Conversation) -> None:
    first, second = rerun.turns(conversation)

    asked = rerun.build(conversation, number=2, answers={first.turn.pk: "换了个说法"})

    assert asked is not None
    assert (asked.text, asked.turn_number) == (second.asked, 2)
    assert asked.history == (("visitor", "我的快递到哪了"), ("bot", "换了个说法"))
    assert asked.slots["order_number"] == "20260131001"
    as_it_was = rerun.build(conversation, number=2, answers={})
    assert as_it_was is not None
    assert as_it_was.history[1] == ("bot", "在路上")
    assert rerun.build(conversation, number=3, answers={}) is None


def test_the_page_reruns_and_stores_nothing(
    staff: Client, conversation: Conversation, version: PromptVersion
) -> None:
    shown = staff.get(page(conversation))
    assert "我的快递到哪了" in shown.content.decode()
    assert "存为示例" in shown.content.decode()
    assert (
        staff.get(reverse("admin:chat_conversation_change", args=[conversation.pk])).status_code
        == 200
    )

    sent = {"number": "2", "version": f"{version.pk}", "endpoint": "", "answers": "{}"}
    answer = staff.post(page(conversation, "rerun_ask"), sent).json()

    assert (answer["answer"], answer["prompt"]) == ("拿不准", "新的")
    assert Message.objects.count() == len(SAID)
    assert not ModelCall.objects.exists()


def test_bad_requests_are_refused(
    staff: Client, conversation: Conversation, version: PromptVersion
) -> None:
    good = {"number": "1", "version": f"{version.pk}", "answers": json.dumps({"x": "y"})}
    assert staff.post(page(conversation, "rerun_ask"), good).status_code == 400
    assert staff.post(page(conversation, "rerun_ask"), {**good, "answers": "[]"}).status_code == 400
    assert (
        staff.post(
            page(conversation, "rerun_ask"), {**good, "answers": "{}", "number": "9"}
        ).status_code
        == 404
    )
    assert staff.get(page(conversation, "rerun_ask")).status_code == 405


def test_who_may_not_change_prompts_may_not_rerun(
    client: Client, conversation: Conversation
) -> None:
    user: Any = get_user_model().objects.create_user("looker", is_staff=True)
    client.force_login(user)

    assert client.get(page(conversation)).status_code == 403
