"""Bad answers become cases of an evaluation set, with what was asked and nothing of whom."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chat.admin import bad_answers
from chat.models import Conversation, Message, Rating, Turn
from prompts.models import EvalCase, ModelCall
from tests.factories import ConversationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation() -> Conversation:
    return ConversationFactory.create()


def answered(conversation: Conversation, *, at: int, asked: str, **meta: Any) -> Message:
    """A visitor's line at `at` and the bot's answer after it."""
    Message.objects.create(conversation=conversation, seq=at, role="visitor", text=asked)
    turn = Turn.objects.create(
        conversation=conversation, first_seq=at, last_seq=at, epoch=0, state="done"
    )
    return Message.objects.create(
        conversation=conversation, seq=at + 1, role="bot", text="好的", turn=turn, meta=meta
    )


def test_an_answer_with_a_thumb_down_becomes_a_case_once(conversation: Conversation) -> None:
    fine = answered(conversation, at=1, asked="在吗")
    bad = answered(conversation, at=3, asked="<ORDER_1>怎么还不发货", feedback="down")

    assert bad_answers.keep([fine, bad]) == (1, 1)
    assert bad_answers.keep([bad]) == (0, 0)
    kept = EvalCase.objects.get()
    assert kept.text == "<ORDER_1>怎么还不发货"
    assert kept.history == [["visitor", "在吗"], ["bot", "好的"]]
    assert (kept.source, kept.enabled, kept.trace_id) == ("message", False, str(bad.turn_id))


def test_a_bad_rating_and_a_takeover_make_answers_bad(conversation: Conversation) -> None:
    rated = answered(conversation, at=1, asked="在吗")
    Rating.objects.create(conversation=conversation, score=2, resolved=False)
    taken = answered(ConversationFactory.create(), at=1, asked="在吗")
    ModelCall.objects.create(
        trace_id=str(taken.turn_id), purpose="answer", endpoint="m", taken_over=True
    )

    assert bad_answers.keep([rated, taken]) == (2, 0)


def test_an_agents_words_after_an_answer_are_its_reference(conversation: Conversation) -> None:
    earlier = answered(conversation, at=1, asked="在吗")
    bad = answered(conversation, at=3, asked="怎么还不发货")
    lines = [
        ("visitor", "转人工"), ("system", "已接入"), ("agent", "非常抱歉"), ("agent", "今天发出"),
        ("visitor", "好"), ("agent", "再见"),
    ]  # fmt: skip
    for seq, (role, text) in enumerate(lines, 5):
        Message.objects.create(conversation=conversation, seq=seq, role=role, text=text)

    assert bad_answers.keep([earlier, bad]) == (1, 1)

    kept = EvalCase.objects.get()
    assert (kept.text, kept.reference, kept.source) == (
        "怎么还不发货",
        "非常抱歉\n今天发出",
        "agent",
    )
    assert kept.rubric
    assert not kept.enabled


def test_an_agents_words_that_may_not_be_shown_correct_nothing(conversation: Conversation) -> None:
    answer = answered(conversation, at=1, asked="在吗")
    Message.objects.create(conversation=conversation, seq=3, role="agent", text="<MESSAGE_1>")

    assert bad_answers.keep([answer]) == (0, 1)


def test_one_click_on_the_page_of_a_bad_answer(client: Client, conversation: Conversation) -> None:
    bad = answered(conversation, at=1, asked="怎么还不发货")
    Message.objects.create(conversation=conversation, seq=3, role="agent", text="非常抱歉")
    client.force_login(UserFactory.create(is_superuser=True))
    address = reverse("admin:chat_message_change", args=[bad.pk])

    assert "非常抱歉" in client.get(address).content.decode()
    answer = client.post(reverse("admin:chat_message_keep", args=[bad.pk]))

    assert (answer.status_code, answer["Location"]) == (302, address)
    assert EvalCase.objects.get().reference == "非常抱歉"


def test_a_good_answer_has_no_button_and_who_may_not_add_cases_presses_none(
    client: Client, conversation: Conversation
) -> None:
    fine = answered(conversation, at=1, asked="在吗")
    client.force_login(UserFactory.create(is_superuser=True))
    address = reverse("admin:chat_message_keep", args=[fine.pk])
    page = client.get(reverse("admin:chat_message_change", args=[fine.pk])).content.decode()
    assert address not in page

    client.force_login(UserFactory.create(is_staff=True))
    assert client.post(address).status_code == 403


def test_lines_that_may_not_be_shown_are_passed_over(conversation: Conversation) -> None:
    bad = answered(conversation, at=1, asked="<MESSAGE_1>", feedback="down")

    assert bad_answers.keep([bad]) == (0, 1)


def test_one_click_in_the_list_of_messages(client: Client, conversation: Conversation) -> None:
    bad = answered(conversation, at=1, asked="在吗", feedback="down")
    client.force_login(UserFactory.create(is_superuser=True))

    client.post(
        reverse("admin:chat_message_changelist"),
        {"action": "keep_bad_answers", "_selected_action": [str(bad.pk)]},
    )

    assert EvalCase.objects.count() == 1
