"""Agents who serve some inboxes: of all others they see nothing, get nothing and can do nothing."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat import assigning, board, desk, intake, reclaiming, search, serving, waiting
from chat.actions import agent as actions
from chat.actions import mentioning, supervisor
from chat.actions import visitor as visitor_actions
from chat.escalation import someone_is_online
from chat.models import Agent, Conversation, Inbox, IntakePolicy, Note, Ring, Visitor
from chat.protocol import ProtocolError
from config.api import api
from prompts import snapshot
from tests.factories import AgentFactory, ConversationFactory, InboxFactory, VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


@pytest.fixture(autouse=True)
def fresh_paces() -> Iterator[None]:
    waiting.PACES.kept.clear()
    yield
    waiting.PACES.kept.clear()


@pytest.fixture
def ours() -> Inbox:
    return InboxFactory.create(name="ours")


@pytest.fixture
def theirs() -> Inbox:
    return InboxFactory.create(name="theirs")


@pytest.fixture
def limited(ours: Inbox) -> Agent:
    """Serves one inbox, and may supervise there."""
    made = AgentFactory.create(presence="online", user__is_superuser=True)
    made.inboxes.add(ours)
    return made


@pytest.fixture
def client(limited: Agent) -> Client:
    browser = Client()
    browser.force_login(limited.user)
    return browser


def waits_in(inbox: Inbox, text: str = "退款") -> Conversation:
    """A conversation of the inbox that waits for a person."""
    visitor: Visitor = VisitorFactory.create(inbox=inbox)
    visitor_actions.post_message(visitor, client_id=uuid.uuid4(), text=text, address="127.0.0.1")
    visitor_actions.request_human(visitor)
    return Conversation.objects.get(visitor=visitor)


def ids(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["conversation_id"] for entry in entries]


def test_none_chosen_is_all(ours: Inbox, theirs: Inbox) -> None:
    everywhere = AgentFactory.create()
    both = {str(waits_in(inbox).pk) for inbox in (ours, theirs)}
    assert set(ids(desk.listed(everywhere))) == set(ids(desk.queue(everywhere))) == both
    assert serving.inboxes_of(everywhere) is None


def test_list_queue_search_and_board_are_of_the_own_inboxes(
    ours: Inbox, theirs: Inbox, limited: Agent, client: Client
) -> None:
    mine, other = waits_in(ours), waits_in(theirs)
    Conversation.objects.update(tags=["急"])
    search.index_due()
    assert len(ids(search.find("退款")["entries"])) == 2
    for listing in ("conversations", "queue"):
        assert ids(client.get(f"/api/v1/agent/{listing}").json()) == [str(mine.pk)]
    for query in ("退款", "#急", "退款 #急"):
        found = client.get("/api/v1/agent/search", {"q": query}).json()
        assert ids(found["entries"]) == [str(mine.pk)], query
    assert ids(desk.entries([mine.pk, other.pk], agent=limited)) == [str(mine.pk)]

    stranger = AgentFactory.create()
    stranger.inboxes.add(theirs)
    shown = client.get("/api/v1/agent/board").json()
    assert [row["inbox"] for row in shown["queue"]] == ["ours"]
    assert [member["id"] for member in shown["agents"]] == [limited.pk]
    assert len(board.read()["agents"]) == 2


def calls() -> list[tuple[str, str]]:
    """Every call of the agent API that names a conversation."""
    paths = api.get_openapi_schema()["paths"]
    return [
        (method, path)
        for path, methods in paths.items()
        if path.startswith("/api/v1/agent/") and "{conversation_id}" in path
        for method in methods
    ]


@pytest.mark.parametrize(("method", "path"), calls())
def test_every_call_about_another_inbox_is_refused(
    method: str, path: str, theirs: Inbox, client: Client
) -> None:
    other = waits_in(theirs)
    before = (other.epoch, other.owner, Note.objects.count())
    answer = client.generic(method.upper(), path.replace("{conversation_id}", str(other.pk)), b"{}")
    other.refresh_from_db()
    assert answer.status_code == 404
    assert (other.epoch, other.owner, Note.objects.count()) == before


def test_the_own_inbox_is_served(ours: Inbox, client: Client) -> None:
    mine = waits_in(ours)
    assert len(calls()) >= 14
    assert client.get(f"/api/v1/agent/conversations/{mine.pk}").status_code == 200
    assert client.post(f"/api/v1/agent/conversations/{mine.pk}/claim").status_code == 200


def test_nothing_is_passed_to_who_does_not_serve_the_inbox(theirs: Inbox, limited: Agent) -> None:
    owner = AgentFactory.create(user__is_superuser=True)
    other = waits_in(theirs)
    actions.claim(other.pk, agent=owner)
    for give in (actions.transfer, supervisor.reassign):
        with pytest.raises(Agent.DoesNotExist):
            give(other.pk, agent=owner, to=limited)
    text = f"<@{limited.pk}> 在吗"
    with pytest.raises(ProtocolError):
        actions.note(other.pk, agent=owner, client_id=uuid.uuid4(), text=text)
    other.refresh_from_db()
    assert (other.agent, Note.objects.count()) == (owner, 0)
    known = {member["id"]: member["inboxes"] for member in desk.agents()}
    assert known == {owner.pk: None, limited.pk: [limited.inboxes.get().pk]}


def test_a_call_by_name_is_gone_with_the_inbox(ours: Inbox, theirs: Inbox, limited: Agent) -> None:
    mine, writer = waits_in(ours), AgentFactory.create()
    text = f"<@{limited.pk}> 在吗"
    actions.note(mine.pk, agent=writer, client_id=uuid.uuid4(), text=text)
    assert len(desk.mentions(limited)) == 1
    limited.inboxes.set([theirs])
    assert desk.mentions(limited) == []
    mentioning.read(mine.pk, agent=limited)


@pytest.fixture
def push_mode() -> Iterator[None]:
    IntakePolicy.objects.update_or_create(pk=1, defaults={"mode": "push"})
    snapshot.announce()
    yield
    IntakePolicy.objects.all().delete()
    snapshot.announce()


@pytest.mark.usefixtures("push_mode")
def test_only_who_serves_the_inbox_is_asked_to_take_it(
    ours: Inbox, theirs: Inbox, limited: Agent
) -> None:
    mine, other = waits_in(ours), waits_in(theirs)
    assigning.assign()
    rings = {ring.conversation_id: ring.agent for ring in Ring.objects.filter(ended_at=None)}
    assert rings == {mine.pk: limited}

    # What rings when the inbox is taken away rings no more, and nobody else is left to ask.
    limited.inboxes.set([theirs])
    assigning.sweep()
    rings = {ring.conversation_id: ring.agent for ring in Ring.objects.filter(ended_at=None)}
    assert rings == {other.pk: limited}


@pytest.mark.usefixtures("push_mode")
def test_giving_out_asks_the_database_as_often_for_many_agents(ours: Inbox, limited: Agent) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assigning.assign()
        return len(asked)

    queries()
    with_one = queries()
    for _ in range(5):
        AgentFactory.create(presence="online").inboxes.add(ours)
    assert queries() == with_one


def test_who_serves_other_inboxes_is_nobody_to_those_who_wait(
    ours: Inbox, theirs: Inbox, limited: Agent
) -> None:
    assert someone_is_online(ours.pk)
    assert not someone_is_online(theirs.pk)
    assert (waiting.measure(ours.pk).agents, waiting.measure(theirs.pk).agents) == (1, 0)
    assert intake.online().count() == 1


def test_what_an_agent_may_not_read_any_more_waits_for_somebody_else(
    ours: Inbox, theirs: Inbox, limited: Agent
) -> None:
    mine = waits_in(ours)
    Agent.objects.update(seen_at=timezone.now() - timedelta(seconds=1))
    actions.claim(mine.pk, agent=limited)
    assert reclaiming.sweep() == 0
    limited.inboxes.set([theirs])
    assert reclaiming.sweep() == 1
    assert Conversation.objects.get(pk=mine.pk).owner == "queue"


def test_what_was_answered_does_not_stay_with_who_may_not_see_it(
    ours: Inbox, theirs: Inbox, limited: Agent
) -> None:
    mine = waits_in(ours)
    Agent.objects.update(seen_at=timezone.now() - timedelta(seconds=1))
    epoch = actions.claim(mine.pk, agent=limited).epoch
    actions.reply(mine.pk, agent=limited, client_id=uuid.uuid4(), text="好的", epoch=epoch)
    assert reclaiming.sweep() == 0
    limited.inboxes.set([theirs])
    assert [reclaiming.sweep(), reclaiming.sweep()] == [1, 0]


def test_a_note_sent_again_stands_though_whom_it_called_has_left(
    ours: Inbox, theirs: Inbox, limited: Agent
) -> None:
    mine, writer = waits_in(ours), AgentFactory.create()
    said: dict[str, Any] = {"client_id": uuid.uuid4(), "text": f"<@{limited.pk}> 在吗"}
    first = actions.note(mine.pk, agent=writer, **said)
    limited.inboxes.set([theirs])
    assert actions.note(mine.pk, agent=writer, **said) == first


def test_an_address_that_is_no_id_is_refused_in_the_calls_own_words(client: Client) -> None:
    answer = client.get("/api/v1/agent/conversations/abc")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_frame")


def test_the_queue_of_every_shop_is_paused_by_who_serves_every_shop(limited: Agent) -> None:
    with pytest.raises(ProtocolError):
        supervisor.pause(agent=limited, paused=True)
    limited.inboxes.clear()
    supervisor.pause(agent=limited, paused=False)


def test_the_admin_chooses_inboxes(ours: Inbox, limited: Agent, client: Client) -> None:
    address = f"/admin/chat/agent/{limited.pk}/change/"
    assert "inboxes" in client.get(address).content.decode()
    fields = {"name": "小禾", "public_name": "", "avatar": "", "presence": "away", "capacity": 3}
    chosen = {**fields, "user": limited.user_id, "inboxes": []}
    assert client.post(address, chosen).status_code == 302
    assert serving.inboxes_of(limited) is None
    ConversationFactory.create()
