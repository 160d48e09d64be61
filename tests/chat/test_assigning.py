"""Giving conversations out: who rings, what ends a ring, who is sent away, and that nobody is asked beyond their room."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chat import assigning, board, desk, intake, places, waiting
from chat.actions import agent as agent_actions
from chat.actions import attending, ending, sorting, supervisor
from chat.actions import visitor as actions
from chat.escalation import someone_is_online
from chat.models import Agent, Conversation, IntakePolicy, Ring, Skill, Team, Visitor
from chat.states import Presence
from tests.chat.ear import Ear
from tests.factories import AgentFactory, ConversationFactory, InboxFactory, VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


@pytest.fixture(autouse=True)
def pushing(transactional_db: None) -> Iterator[None]:
    change()
    yield
    intake.CACHE.clear()


def change(**columns: Any) -> None:
    IntakePolicy.objects.update_or_create(pk=1, defaults={"mode": "push", **columns})
    intake.CACHE.clear()


def member(**columns: Any) -> Agent:
    return AgentFactory.create(**{"presence": "online", **columns})


def queued(visitor: Visitor | None = None) -> UUID:
    visitor = visitor or VisitorFactory.create()
    posted = actions.post_message(visitor, client_id=uuid.uuid4(), text="在吗", address="127.0.0.1")
    actions.request_human(visitor)
    return posted.conversation_id


def rings() -> dict[UUID, int]:
    return dict(Ring.objects.filter(ended_at=None).values_list("conversation", "agent"))


def run_out() -> None:
    Ring.objects.filter(ended_at=None).update(until=timezone.now() - timedelta(seconds=1))


def ends() -> list[str]:
    return list(Ring.objects.order_by("at", "pk").values_list("end", flat=True))


def test_what_waits_rings_at_one_agent_until_it_is_taken() -> None:
    agent, pk = member(), queued()
    assert assigning.assign() == 1
    assert assigning.assign() == 0
    assert rings() == {pk: agent.pk}
    assert [ring["conversation_id"] for ring in desk.rings(agent)] == [str(pk)]
    agent_actions.claim(pk, agent=agent)
    assert (rings(), ends()) == ({}, ["accepted"])


def test_nothing_is_given_where_agents_take_it_themselves_or_the_intake_is_paused() -> None:
    member()
    inbox_id = Conversation.objects.get(pk=queued()).inbox_id
    change(mode="pull")
    assert assigning.assign() == 0
    change(paused=True)
    assert assigning.assign() == 0
    assert not someone_is_online(inbox_id)
    change(paused=False)
    assert assigning.assign() == 1


def test_somebody_else_may_be_faster_and_a_visitor_may_leave() -> None:
    member()
    other = AgentFactory.create()
    first = queued()
    assigning.assign()
    agent_actions.claim(first, agent=other)
    leaving = VisitorFactory.create()
    queued(leaving)
    assigning.assign()
    actions.cancel_human(leaving)
    ended = VisitorFactory.create()
    queued(ended)
    assigning.assign()
    ending.end(ended)
    assert (rings(), ends()) == ({}, ["withdrawn"] * 3)


def test_a_missed_ring_goes_to_the_next_and_misses_send_away() -> None:
    first, second = member(), member()
    change(misses_most=2)
    pk = queued()
    assigning.assign()
    assert rings() == {pk: first.pk}
    run_out()
    assigning.sweep()
    assert (rings(), ends()) == ({pk: second.pk}, ["missed", ""])
    # Neither is asked again at once; after a while the first is, and misses for the second time.
    run_out()
    assigning.sweep()
    assert rings() == {}
    Ring.objects.update(ended_at=timezone.now() - assigning.ASKED)
    assigning.sweep()
    run_out()
    assigning.sweep()
    states = Agent.objects.filter(misses=0, presence="away")
    assert states.count() == 1


def test_taking_one_forgives_the_misses() -> None:
    agent = member(misses=2)
    agent_actions.claim(queued(), agent=agent)
    agent.refresh_from_db()
    assert agent.misses == 0


def test_a_declined_ring_is_no_miss_and_goes_to_the_next() -> None:
    first, second = member(), member()
    pk = queued()
    assigning.assign()
    assert assigning.decline(pk, agent=first)
    assert not assigning.decline(pk, agent=first)
    assigning.assign()
    first.refresh_from_db()
    assert (rings(), first.misses) == ({pk: second.pk}, 0)


@pytest.mark.parametrize(
    "gone", [{"presence": "away"}, {"seen_at": timezone.now() - timedelta(hours=1)}]
)
def test_what_rings_at_somebody_who_is_gone_is_taken_back(gone: dict[str, Any]) -> None:
    first, second = member(), member()
    pk = queued()
    assigning.assign()
    Agent.objects.filter(pk=first.pk).update(**gone)
    assigning.sweep()
    assert (rings(), ends()) == ({pk: second.pk}, ["withdrawn", ""])


def test_room_is_capacity_less_what_is_in_hand_and_rings_and_snoozed_makes_room() -> None:
    agent = member(capacity=2)
    held = queued()
    agent_actions.claim(held, agent=agent)
    queued()
    queued()
    assert assigning.assign() == 1
    assert assigning.assign() == 0
    sorting.snooze(held, agent=agent, until=None)
    assert assigning.assign() == 1


def test_skills_are_called_for_by_inbox_and_open_topics() -> None:
    member()
    expert = member(capacity=1)
    refunds = Skill.objects.create(name="退款", intents=["refund"])
    refunds.agents.add(expert)
    pk = queued()
    topic = {"id": "t1", "intent": "refund", "slots": {}}
    Conversation.objects.filter(pk=pk).update(dialogue={"topics": [topic], "slots": {}})
    assigning.assign()
    assert rings() == {pk: expert.pk}
    other = Skill.objects.create(name="店", inbox=Conversation.objects.get(pk=pk).inbox)
    row = Conversation.objects.get(pk=pk)
    found = assigning.needed(row, list(Skill.objects.values_list("pk", "inbox_id", "intents")))
    assert found == {refunds.pk, other.pk}


def test_a_returning_customer_goes_to_the_agent_it_knows() -> None:
    member()
    known, visitor = member(capacity=9), VisitorFactory.create()
    before = queued(visitor)
    agent_actions.claim(before, agent=known)
    agent_actions.resolve(before, agent=known)
    for _ in range(3):
        agent_actions.claim(queued(), agent=known)
    pk = queued(visitor)
    assigning.assign()
    assert rings()[pk] == known.pk


def test_a_transfer_to_a_team_waits_for_its_members(agent: Agent) -> None:
    member()
    colleague = member()
    team = Team.objects.create(name="售后")
    team.agents.add(colleague)
    pk = queued()
    agent_actions.claim(pk, agent=agent)
    moved = agent_actions.transfer_to_team(pk, agent=agent, team=team, text="请看退款")
    assert (moved.owner, desk.listed()[0]["team"], desk.listed()[0]["reasons"]) == (
        "queue",
        "售后",
        ["transferred"],
    )
    assigning.assign()
    assert rings() == {pk: colleague.pk}


def test_a_transfer_beyond_the_room_is_only_made_where_the_rules_allow(agent: Agent) -> None:
    full = member(capacity=0)
    pk = queued()
    agent_actions.claim(pk, agent=agent)
    change(over_capacity=False)
    with pytest.raises(agent_actions.Full):
        agent_actions.transfer(pk, agent=agent, to=full)
    change(over_capacity=True)
    assert agent_actions.transfer(pk, agent=agent, to=full).agent_id == full.pk


def test_many_who_give_at_once_ask_nobody_twice_or_beyond_their_room() -> None:
    staff = [member(capacity=2) for _ in range(3)]
    for _ in range(8):
        queued()

    def give(_: int) -> int:
        try:
            return assigning.assign()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(give, range(6))) == 6
    loads = [list(rings().values()).count(each.pk) for each in staff]
    assert loads == [2, 2, 2]


def test_whoever_waits_hears_how_long_it_takes_once_an_agent_comes(
    visitor: Visitor, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SAMPLES_LEAST", 0)
    monkeypatch.setattr(waiting, "median", lambda spans: 60.0)
    queued(visitor)
    places.TELLER.settle()  # what the queue itself made to be told
    ear = Ear(visitor)
    attending.set_presence(agent, Presence.ONLINE)
    places.TELLER.settle()
    told = [frame["queue"] for frame in ear.frames() if frame["type"] == "state"]
    assert told == [{"position": 1, "eta_seconds": 60, "staffed": True}]

    # To them a closed intake is the same as nobody.
    chief = AgentFactory.create(user__is_superuser=True)
    supervisor.pause(agent=chief, paused=True)
    places.TELLER.settle()
    told = [frame["queue"] for frame in ear.frames() if frame["type"] == "state"]
    ear.close()
    assert told == [{"position": 1, "eta_seconds": None, "staffed": False}]


def test_the_policy_is_one_row_that_staff_edit(client: Any) -> None:
    client.force_login(get_user_model().objects.create_superuser("root"))
    page = client.get(reverse("admin:chat_intakepolicy_changelist"), follow=True)
    assert "ring_seconds" in page.content.decode()
    form = {"mode": "push", "ring_seconds": 3, "misses_most": 3}
    url = reverse("admin:chat_intakepolicy_change", args=[1])
    assert client.post(url, form).status_code == 200
    client.post(url, {**form, "ring_seconds": 30})
    assert IntakePolicy.objects.get().ring_seconds == 30


def test_the_history_of_conversations_and_rings_is_not_multiplied(agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(presence="online")
    now = timezone.now()
    for owner, resolved, snoozed in [
        ("agent", None, False),
        ("agent", None, True),
        ("agent", now, False),
        ("bot", None, False),
    ]:
        talk = ConversationFactory.create(
            owner=owner, agent=agent, resolved_at=resolved, snoozed=snoozed
        )
        Ring.objects.create(
            conversation=talk, agent=agent, at=now, until=now, ended_at=now, end="missed"
        )
    Ring.objects.create(conversation=talk, agent=agent, at=now, until=now)
    with CaptureQueriesContext(connection) as asked:
        (free,) = assigning.free(now)
    (shown,) = board.staff(None)
    assert (free.load, free.since) == (2, now.timestamp())
    assert (shown.load, shown.aside, shown.ringing) == (1, 1, 1)
    counting = asked[0]["sql"]
    assert 'JOIN "chat_ring"' not in counting
    assert 'JOIN "chat_conversation"' not in counting
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        # Of these rows, not of what tests before left in the planner's statistics.
        cursor.execute("ANALYZE chat_conversation, chat_ring, chat_agent")
        cursor.execute(f"EXPLAIN {counting}")
        assert "conversation_with_people" in str(cursor.fetchall())


def test_what_an_agent_gives_away_rings_at_others_first(agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(presence="online")
    inbox = InboxFactory.create(reception="human_only")
    pk = queued(VisitorFactory.create(inbox=inbox))
    agent_actions.claim(pk, agent=agent)
    agent_actions.hand_back(pk, agent=agent)
    assert assigning.assign() == 0
    colleague = member()
    assigning.assign()
    assert rings() == {pk: colleague.pk}


def test_a_team_is_asked_only_while_it_waits_for_that_team(agent: Agent) -> None:
    visitor = VisitorFactory.create()
    pk = queued(visitor)
    agent_actions.claim(pk, agent=agent)
    agent_actions.transfer_to_team(pk, agent=agent, team=Team.objects.create(name="售后"))
    agent_actions.claim(pk, agent=agent)
    agent_actions.hand_back(pk, agent=agent)
    actions.request_human(visitor)
    assert Conversation.objects.get(pk=pk).team is None


def test_two_who_pass_on_at_once_do_not_pass_the_limit_together(agent: Agent) -> None:
    change(over_capacity=False)
    to = member(capacity=1)
    held = [queued(), queued()]
    for pk in held:
        agent_actions.claim(pk, agent=agent)

    def pass_on(pk: UUID) -> bool:
        try:
            agent_actions.transfer(pk, agent=agent, to=to)
        except agent_actions.Full:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(pass_on, held)) == [False, True]
