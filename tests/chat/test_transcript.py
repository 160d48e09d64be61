"""Lines of a conversation: appended under the lock, read back exactly, shown without a way to inject."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from chat import transcript
from chat.models import Conversation, Message, Turn
from chat.states import Owner, Role, TurnState
from tests.factories import ConversationFactory, VisitorFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def conversation(db: None) -> Conversation:
    return ConversationFactory.create()


def append(conversation: Conversation, text: str = "在吗", role: Role = Role.VISITOR) -> Message:
    with transaction.atomic():
        return transcript.append(transcript.lock(conversation.pk), role=role, text=text)


def seqs(messages: Sequence[Message | transcript.Line]) -> list[int]:
    return [message.seq for message in messages]


# --- writing ---------------------------------------------------------------------------------------


def test_append_takes_the_next_seq_and_marks_activity(conversation: Conversation) -> None:
    first, second = append(conversation), append(conversation)
    conversation.refresh_from_db()
    assert (first.seq, second.seq, conversation.last_seq) == (1, 2, 2)
    assert conversation.last_activity_at == second.at


def test_append_saves_what_else_the_caller_changed_and_nothing_more(
    conversation: Conversation,
) -> None:
    with transaction.atomic():
        locked = transcript.lock(conversation.pk)
        locked.epoch, locked.owner = 5, "bot"
        locked.dialogue = {"topic": "lost"}
        message = transcript.append(locked, role=Role.SYSTEM, text="x", also=("epoch", "owner"))
    conversation.refresh_from_db()
    assert (conversation.epoch, message.epoch, conversation.dialogue) == (5, 5, {})


def test_lock_of_an_unknown_conversation_raises() -> None:
    with pytest.raises(Conversation.DoesNotExist), transaction.atomic():
        transcript.lock(uuid.uuid4())


# --- what is shown ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("在吗", "<p>在吗</p>"),
        ("a\nb", "<p>a<br>b</p>"),
        ("**a** _b_ `c`", "<p>**a** _b_ `c`</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("\"'&", "<p>&quot;&#x27;&amp;</p>"),
    ],
)
def test_visitors_lines_are_plain_text(text: str, html: str) -> None:
    assert transcript.to_html(text, role=Role.VISITOR) == html


LINK = '<a href="{}" target="_blank" rel="noopener nofollow">a</a>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("好的", "<p>好的</p>"),
        ("a\nb", "<p>a<br>b</p>"),
        ("**a** *b* `c`", "<p><strong>a</strong> <em>b</em> <code>c</code></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>"),
        ("1\nb", "<p>1<br>\nb</p>"),
        ("[a](https://shop.example/x?a=1&b=2)", f"<p>{LINK}</p>".format("https://shop.example/x?a=1&amp;b=2")),
        ("[a](mailto:a@shop.example)", f"<p>{LINK}</p>".format("mailto:a@shop.example")),
        ("[a](tel:95511)", f"<p>{LINK}</p>".format("tel:95511")),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>"),
        ("[a](data:text/html,x)", "<p>[a](data:text/html,x)</p>"),
        ("[a](ftp://shop.example)", '<p><a target="_blank" rel="noopener nofollow">a</a></p>'),
        ("<b onclick=x>a</b>", "<p>&lt;b onclick=x&gt;a&lt;/b&gt;</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("![a](https://evil.example/pixel.png)", None),
        ("# a", "a"),
        ("> a", "<p>a</p>"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", None),
    ],
)  # fmt: skip
def test_bot_and_agent_lines_are_a_little_markdown(text: str, html: str | None) -> None:
    for role in (Role.BOT, Role.AGENT, Role.SYSTEM):
        made = transcript.to_html(text, role=role)
        assert made == html if html is not None else "<img" not in made and "<table" not in made


def test_as_frame_holds_the_allowed_fields_only(conversation: Conversation) -> None:
    client_id = uuid.uuid4()
    with transaction.atomic():
        line = transcript.append(
            transcript.lock(conversation.pk),
            role=Role.VISITOR,
            text="在吗",
            client_id=client_id,
            visitor=conversation.visitor,
            meta={"secret": "x"},
        )
    line.at = datetime(2026, 1, 31, 8, 15, tzinfo=UTC)
    assert transcript.as_frame(line) == {
        "type": "message",
        "seq": 1,
        "id": str(line.pk),
        "conversation_id": str(conversation.pk),
        "role": "visitor",
        "text": "在吗",
        "html": "<p>在吗</p>",
        "at": "2026-01-31T08:15:00.000Z",
        "ai": False,
        "client_id": str(client_id),
    }


def test_as_frame_of_an_answer_names_turn_author_and_sources(conversation: Conversation) -> None:
    turn = Turn.objects.create(conversation=conversation, first_seq=1, last_seq=1, epoch=0)
    citations = [{"sop": "late", "title": "物流"}]
    with transaction.atomic():
        answer = transcript.append(
            transcript.lock(conversation.pk),
            role=Role.BOT,
            text="好",
            turn=turn,
            author={"name": "小助手"},
            ai=True,
            meta={"citations": citations, "cards": [], "endpoint": "sop"},
        )
    frame = transcript.as_frame(answer)
    named = {name: frame[name] for name in ("turn_id", "author", "ai", "citations")}
    assert named == {
        "turn_id": str(turn.pk),
        "author": {"name": "小助手"},
        "ai": True,
        "citations": citations,
    }
    assert {"cards", "endpoint", "client_id"} & set(frame) == set()


# --- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("after_seq", range(5))
def test_since_gives_exactly_what_was_missed(conversation: Conversation, after_seq: int) -> None:
    for _ in range(3):
        append(conversation)
    append(ConversationFactory.create())
    missed = transcript.since(conversation.pk, after_seq=after_seq)
    assert seqs(missed) == list(range(after_seq + 1, 4))


def test_since_gives_long_gaps_in_pieces_without_a_hole(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcript, "SYNC_LIMIT", 3)
    for _ in range(8):
        append(conversation)
    assert seqs(transcript.since(conversation.pk, after_seq=1)) == [2, 3, 4]
    assert seqs(transcript.since(conversation.pk, after_seq=4)) == [5, 6, 7]
    assert seqs(transcript.since(conversation.pk, after_seq=7)) == [8]
    assert seqs(transcript.since(conversation.pk, after_seq=0)) == [6, 7, 8]


def test_latest_gives_the_last_lines_in_order(conversation: Conversation) -> None:
    assert transcript.latest(conversation.pk, limit=2) == []
    for _ in range(5):
        append(conversation)
    assert seqs(transcript.latest(conversation.pk, limit=2)) == [4, 5]
    assert seqs(transcript.latest(conversation.pk, limit=9)) == [1, 2, 3, 4, 5]


# --- state -----------------------------------------------------------------------------------------


def test_state_fields_of_bot_and_resolved(conversation: Conversation) -> None:
    assert transcript.state_fields(conversation) == {"state": "bot", "owner": "bot"}
    conversation.resolved_at = timezone.now()
    assert transcript.state_frame(conversation) == {
        "type": "state",
        "state": "resolved",
        "owner": "bot",
    }


def test_state_fields_name_the_agent(conversation: Conversation, agent: Any) -> None:
    conversation.owner, conversation.agent = Owner.AGENT.value, agent
    assert transcript.state_fields(conversation) == {
        "state": "agent",
        "owner": "agent",
        "agent": {"name": agent.name, "avatar": ""},
    }


@pytest.mark.parametrize(("locale", "name"), [("zh-CN", "客服"), ("en", "Customer service")])
def test_state_fields_never_name_the_login(
    conversation: Conversation, agent: Any, locale: str, name: str
) -> None:
    agent.name, agent.public_name = agent.user.username, ""
    conversation.owner, conversation.agent = Owner.AGENT.value, agent
    conversation.visitor.locale = locale
    assert transcript.state_fields(conversation)["agent"] == {"name": name, "avatar": ""}


def test_queue_position_counts_those_who_waited_longer_in_the_same_inbox(
    conversation: Conversation,
) -> None:
    now = timezone.now()

    def waiting(minutes: int, **fields: Any) -> Conversation:
        since = now - timedelta(minutes=minutes)
        return ConversationFactory.create(owner=Owner.QUEUE.value, waiting_since=since, **fields)

    def here() -> Any:
        return VisitorFactory.create(inbox=conversation.inbox)

    asked = waiting(5, visitor=here())
    waiting(9, visitor=here())
    waiting(2, visitor=here())
    waiting(8, visitor=here(), resolved_at=now)
    waiting(9)
    assert transcript.state_fields(asked) == {
        "state": "queued",
        "owner": "queue",
        "queue": {"position": 2, "eta_seconds": None, "staffed": False},
    }


def test_open_turn_is_the_running_one_else_the_queued_one(conversation: Conversation) -> None:
    def turn(state: TurnState, seq: int) -> Turn:
        return Turn.objects.create(
            conversation=conversation,
            first_seq=seq,
            last_seq=seq,
            epoch=0,
            state=state.value,
            worker="w",
            lease_until=timezone.now(),
        )

    turn(TurnState.DONE, 1)
    assert transcript.open_turn(conversation.pk) is None
    queued = turn(TurnState.QUEUED, 3)
    assert transcript.open_turn(conversation.pk) == queued
    running = turn(TurnState.RUNNING, 2)
    assert transcript.open_turn(conversation.pk) == running
