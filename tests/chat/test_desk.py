"""What agents see of conversations: the list, the queue, a thread with its context and brief."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat import desk, escalation, ownership, transcript
from chat.actions import agent as actions
from chat.models import Conversation
from chat.states import Owner, Role
from tests.factories import ConversationFactory, VisitorFactory

pytestmark = pytest.mark.django_db(transaction=True)

ANGRY = {"moods": [["negative", 0.95], ["neutral", 0.4]], "at_seconds": 1.0}


def said(conversation: Conversation, *lines: tuple[Role, str], **more: Any) -> None:
    with transaction.atomic():
        locked = transcript.lock(conversation.pk)
        for role, text in lines:
            transcript.append(locked, role=role, text=text, **more)


def wait(conversation: Conversation, *, seconds: int) -> None:
    with transaction.atomic():
        locked = transcript.lock(conversation.pk)
        ownership.move(
            locked,
            Owner.QUEUE,
            notice="handoff_notice",
            reasons=escalation.ASKED.because(),
        )
    since = timezone.now() - timedelta(seconds=seconds)
    Conversation.objects.filter(pk=conversation.pk).update(waiting_since=since)


def test_queue_is_in_its_order_and_says_why(texts: None) -> None:
    calm, angry = ConversationFactory.create(), ConversationFactory.create(dialogue=ANGRY)
    wait(calm, seconds=130)
    wait(angry, seconds=5)
    assert desk.queue() == [
        {
            "conversation_id": str(angry.pk),
            "score": 6,
            "because": [{"code": "wait", "points": 0}, {"code": "furious", "points": 6}],
        },
        {
            "conversation_id": str(calm.pk),
            "score": 2,
            "because": [{"code": "wait", "points": 2}],
        },
    ]


def test_unanswered_begins_with_the_first_line_nobody_has_replied_to(texts: None) -> None:
    conversation = ConversationFactory.create()
    said(conversation, (Role.VISITOR, "在吗"), (Role.BOT, "在的"))
    assert desk.listed()[0]["unanswered_since"] is None
    said(conversation, (Role.VISITOR, "我要退款"), (Role.VISITOR, "快点"), (Role.SYSTEM, "请稍等"))
    entry = desk.listed()[0]
    first = conversation.messages.get(seq=3)
    assert entry["unanswered_since"] == transcript.as_frame(first)["at"]
    assert entry["latest"] == {"role": "visitor", "text": "快点"}


def test_list_costs_as_many_queries_for_three_as_for_one(texts: None) -> None:
    counts = []
    for wanted in (1, 3):
        while Conversation.objects.count() < wanted:
            said(ConversationFactory.create(), (Role.VISITOR, "你好"))
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert len(desk.listed()) == wanted
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 4


def test_empty_and_resolved_conversations_are_not_listed(texts: None, agent: Any) -> None:
    ConversationFactory.create()
    resolved = ConversationFactory.create()
    said(resolved, (Role.VISITOR, "你好"))
    actions.claim(resolved.pk, agent=agent)
    actions.resolve(resolved.pk, agent=agent, summary="已解决")
    assert desk.listed() == []


def test_brief_names_need_slots_and_what_was_tried(texts: None) -> None:
    dialogue = {
        "topics": [{"id": "t1", "intent": "logistics", "slots": {"order_number": "20240501123"}}],
        "slots": {"order_number": "20240501123"},
    }
    conversation = ConversationFactory.create(dialogue=dialogue)
    said(conversation, (Role.VISITOR, "我的订单怎么还没到?"))
    cited = {"citations": [{"id": "a", "title": "物流"}, {"id": "b", "title": "退货"}]}
    said(conversation, (Role.BOT, "在路上"), meta=cited)
    said(conversation, (Role.VISITOR, "转人工"))
    assert desk.thread(conversation.pk, after_seq=0, language="en")["brief"] == {
        "topics": ["delivery"],
        "said": "我的订单怎么还没到?",
        "need": "delivery",
        "reasons": [],
        "slots": {"order_number": "20240501123"},
        "order": None,
        "steps": [{"kind": "sop", "title": "物流"}],
        "tried": [],
        "mood": None,
        "team": None,
        "priority": "normal",
        "draft": "",
        "doubts": [],
        "source": "template",
        "why": "",
        "pending": False,
        "epoch": 0,
        "grade": None,
    }


def test_thread_knows_the_customers_earlier_conversations_only(texts: None, agent: Any) -> None:
    visitor = VisitorFactory.create()
    before = ConversationFactory.create(visitor=visitor)
    said(before, (Role.VISITOR, "你好"))
    actions.claim(before.pk, agent=agent)
    actions.resolve(before.pk, agent=agent, summary="已补发", tags=["物流"])
    said(ConversationFactory.create(), (Role.VISITOR, "别人的"))
    now = ConversationFactory.create(visitor=visitor)
    said(now, (Role.VISITOR, "又来了"))
    thread = desk.thread(now.pk, after_seq=0, language="zh")
    assert [(one["summary"], one["tags"]) for one in thread["context"]["earlier"]] == [
        ("已补发", ["物流"])
    ]
    with pytest.raises(Conversation.DoesNotExist):
        desk.thread(uuid.uuid4(), after_seq=0, language="zh")


def test_the_bots_many_conversations_push_nobody_out_of_the_list(
    texts: None, agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "LISTED", 3)
    mine, waiting = (
        ConversationFactory.create(owner="agent", agent=agent),
        ConversationFactory.create(),
    )
    said(mine, (Role.VISITOR, "在吗"))
    wait(waiting, seconds=5)
    bots = [ConversationFactory.create() for _ in range(3)]
    for each in bots:
        said(each, (Role.VISITOR, "在吗"))
    listed = [entry["conversation_id"] for entry in desk.listed()]
    assert listed == [str(mine.pk), str(waiting.pk), str(bots[-1].pk)]
