"""What is told beside the lines: context, attributes, forms, messages left, read marks, ends; and what was said before."""

import uuid
from typing import Any

import pytest

from chat import protocol, transcript
from chat.actions import ending, history, leaving, reading, telling
from chat.actions import visitor as actions
from chat.models import Conversation, Escalation, Inbox, Message, VaultEntry, Visitor
from chat.protocol import ProtocolError
from tests.chat.ear import Ear
from tests.factories import AgentFactory, VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]
HERE = "127.0.0.1"
PHONE = "13812345678"
FORM = [
    {"name": "name", "kind": "text", "required": True, "label": {"zh-CN": "姓名"}},
    {"name": "phone", "kind": "phone", "label": {"zh-CN": "电话"}},
    {"name": "topic", "kind": "select", "label": {"zh-CN": "问题"}, "options": {"zh-CN": ["退货"]}},
]


@pytest.fixture
def visitor() -> Any:
    return VisitorFactory.create()


def say(visitor: Visitor, text: str = "在吗", **also: Any) -> actions.Posted:
    return actions.post_message(visitor, client_id=uuid.uuid4(), text=text, address=HERE, **also)


def told(**fields: Any) -> protocol.ContextSet:
    return protocol.ContextSet.model_validate({"type": "context.set", **fields})


def latest(visitor: Visitor) -> Conversation:
    return Conversation.objects.filter(visitor=visitor).latest("created_at")


def refusal(act: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(ProtocolError) as refused:
        act(*args, **kwargs)
    return refused.value.code


def test_context_is_kept_by_field_and_null_removes_one(visitor: Any) -> None:
    actions.enter(visitor)
    telling.set_context(visitor, told(product={"title": "茶壶", "price": 99.5}, page="/p/1"))
    telling.set_context(visitor, told(page="/p/2"))
    assert latest(visitor).context == {
        "product": {"title": "茶壶", "price": "99.5"},
        "page": "/p/2",
    }

    telling.set_context(visitor, told(product=None))
    assert latest(visitor).context == {"page": "/p/2"}


def test_personal_data_of_a_page_is_sealed(visitor: Any) -> None:
    actions.enter(visitor)
    telling.set_context(
        visitor,
        told(order={"number": "1", "title": f"寄给{PHONE}"}, attributes={"tel": PHONE, "n": 3}),
    )

    visitor.refresh_from_db()
    assert PHONE not in str(latest(visitor).context) + str(visitor.attributes)
    assert visitor.attributes == {"tel": "<PHONE_1>", "n": "3"}
    telling.set_context(visitor, told(attributes={"tel": None}))
    visitor.refresh_from_db()
    assert visitor.attributes == {"n": "3"}


def test_attributes_are_bounded(visitor: Any) -> None:
    actions.enter(visitor)
    for tens in range(2):
        telling.set_context(visitor, told(attributes={f"a{tens}{n}": "x" for n in range(15)}))

    assert refusal(telling.set_context, visitor, told(attributes={"more": "x"})) == "invalid_frame"
    visitor.refresh_from_db()
    assert len(visitor.attributes) == 30


def test_a_line_carries_the_card_it_was_written_beside(visitor: Any) -> None:
    card = protocol.Context(product=protocol.Product(title=f"茶壶 {PHONE}"), page="/p/1")
    say(visitor, context=card)

    line = Message.objects.get()
    assert transcript.as_frame(line)["context"] == {"product": {"title": "茶壶 <PHONE_1>"}}
    assert telling.carried(visitor, protocol.Context(page="/p/1")) == {}


def test_a_form_is_wanted_before_the_first_line_and_filled_in_once(visitor: Any) -> None:
    Inbox.objects.update(prechat=FORM)
    visitor.inbox.refresh_from_db()
    conversation = actions.enter(visitor)
    assert actions.ready(conversation, after_seq=0)["form"] is True

    telling.fill_form(visitor, {"name": "欧阳", "phone": PHONE, "topic": "退货"})

    conversation.refresh_from_db()
    assert conversation.form == {"name": "<NAME_1>", "phone": "<PHONE_1>", "topic": "退货"}
    assert actions.ready(conversation, after_seq=0)["form"] is False
    assert VaultEntry.objects.count() == 2
    say(visitor)
    ending.end(visitor)
    assert actions.open_conversation(visitor).form == conversation.form


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"name": "  "},
        {"name": "王", "phone": "call me"},
        {"name": "王", "topic": "别的"},
        {"name": "王", "role": "admin"},
    ],
)
def test_answers_that_do_not_fit_the_form_are_refused(
    visitor: Any, answers: dict[str, str]
) -> None:
    Inbox.objects.update(prechat=FORM)
    visitor.inbox.refresh_from_db()
    actions.enter(visitor)

    assert refusal(telling.fill_form, visitor, answers) == "invalid_frame"
    assert latest(visitor).form == {}


def test_a_message_left_waits_for_people_with_its_contact_sealed(visitor: Any, ear: Ear) -> None:
    left = protocol.MessageLeave(
        type="message.leave",
        client_id=uuid.uuid4(),
        text="请回电",
        contact=protocol.Contact(name="李雷", phone=PHONE),
    )
    posted = leaving.leave_message(visitor, left, address=HERE)
    again = leaving.leave_message(visitor, left, address=HERE)

    line, notice = Message.objects.order_by("seq")
    assert again == posted
    assert (line.meta["left"], line.meta["contact"]) == (
        True,
        {"name": "<NAME_1>", "phone": "<PHONE_1>"},
    )
    assert (latest(visitor).owner, notice.text) == ("queue", "留言已收到")
    assert Escalation.objects.get().reasons[0]["code"] == "message_left"
    assert [frame["type"] for frame in ear.frames()] == ["message", "message", "state"]


def test_a_visitor_ends_the_conversation_and_starts_the_next(visitor: Any, ear: Ear) -> None:
    ending.end(visitor)
    assert not Conversation.objects.exists()
    posted = say(visitor)
    ending.end(visitor)
    ending.end(visitor)

    ended = Conversation.objects.get()
    assert ended.resolved_at is not None
    assert ended.turns.get().state == "superseded"
    assert posted.turn_id is not None
    assert ear.frames()[-1]["state"] == "resolved"
    ending.start(visitor)
    ending.start(visitor)
    assert Conversation.objects.count() == 2


def test_ending_while_waiting_ends_the_wait(visitor: Any) -> None:
    say(visitor)
    actions.request_human(visitor)
    ending.end(visitor)

    assert Escalation.objects.get().end == "resolved"


def test_read_marks_move_forward_and_the_other_tabs_hear_of_it(visitor: Any, ear: Ear) -> None:
    for _ in range(3):
        say(visitor)
    ear.frames()
    for seq in (2, 1, 9, 3):
        reading.mark_read(visitor, seq=seq)

    assert latest(visitor).read_seq == 3
    assert ear.frames() == [
        {"type": "read", "who": "visitor", "seq": 2},
        {"type": "read", "who": "visitor", "seq": 3},
    ]


@pytest.mark.parametrize(
    ("reception", "is_online", "owner"),
    [
        ("bot_first", True, "bot"),
        ("choose", True, "bot"),
        ("bot_only", True, "bot"),
        ("human_first", True, "queue"),
        ("human_first", False, "bot"),
        ("human_only", False, "queue"),
    ],
)
def test_reception_says_who_takes_the_first_line(
    visitor: Any, reception: str, is_online: bool, owner: str
) -> None:
    Inbox.objects.update(reception=reception)
    visitor.inbox.refresh_from_db()
    AgentFactory.create(presence="online" if is_online else "away")

    posted = say(visitor)

    assert latest(visitor).owner == owner
    assert (posted.turn_id is None) == (owner == "queue")
    reasons = [wait.reasons[0]["code"] for wait in Escalation.objects.all()]
    assert reasons == (["reception"] if owner == "queue" else [])


def test_people_first_after_hours_is_the_bots(visitor: Any) -> None:
    never = {"time_zone": "Asia/Shanghai", "week": {}}
    Inbox.objects.update(reception="human_first", hours=never)
    visitor.inbox.refresh_from_db()
    AgentFactory.create(presence="online")

    assert say(visitor).turn_id is not None


def test_an_inbox_without_people_says_so(visitor: Any) -> None:
    Inbox.objects.update(reception="bot_only")
    visitor.inbox.refresh_from_db()
    say(visitor)
    actions.request_human(visitor)

    assert latest(visitor).owner == "bot"
    assert Message.objects.latest("seq").text == "这里没有人工客服"


# --- what was said before --------------------------------------------------------------------------


def two_conversations(visitor: Visitor) -> None:
    for n in (1, 2, 3):
        say(visitor, f"旧{n}")
    ending.end(visitor)
    for n in (1, 2):
        say(visitor, f"新{n}")


def texts_of(page: history.Page) -> list[str]:
    return [line["text"] for line in page.messages]


def test_history_goes_back_page_by_page_over_conversations(visitor: Any) -> None:
    two_conversations(visitor)

    first = history.page(visitor, before="", limit=3)
    second = history.page(visitor, before=first.before or "", limit=3)

    assert texts_of(first) == ["旧2", "旧3", "本次服务已结束"]
    assert (texts_of(second), second.before) == (["旧1"], None)
    inside = f"{latest(visitor).pk.hex}:2"
    assert texts_of(history.page(visitor, before=inside, limit=2)) == ["本次服务已结束", "新1"]


def test_history_is_the_visitors_own(visitor: Any) -> None:
    two_conversations(visitor)
    stranger = VisitorFactory.create(inbox=visitor.inbox)
    foreign = f"{latest(visitor).pk.hex}:2"

    assert history.page(stranger, before="", limit=10) == history.Page([], None)
    for cursor in (foreign, "x", f"{uuid.uuid4().hex}:1", f"{latest(visitor).pk.hex}:0"):
        assert refusal(history.page, stranger, before=cursor, limit=10) == "not_found"
    assert refusal(history.as_text, stranger) == "not_found"


def test_a_transcript_shows_own_values_and_names_ai(visitor: Any) -> None:
    say(visitor, f"我的电话 {PHONE}")
    conversation = latest(visitor)
    Message.objects.create(
        conversation=conversation,
        seq=2,
        role="bot",
        text="好的 <PHONE_1>",
        author={"name": "小助手"},
        ai=True,
    )

    text = history.as_text(visitor)

    assert f"我\n我的电话 {PHONE}" in text
    assert f"小助手（AI 生成）\n好的 {PHONE}" in text
    assert "会话记录" in text
