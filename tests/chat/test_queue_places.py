"""The visitor's place in the queue and the estimate beside it; whoever waits hears of every move."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from chat import places, transcript, waiting
from chat.actions import agent as agent_actions
from chat.actions import ending
from chat.actions import visitor as actions
from chat.models import Conversation, Escalation, Inbox, Visitor
from chat.waiting import Pace
from tests.chat.ear import Ear
from tests.factories import AgentFactory, ConversationFactory, InboxFactory, VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]


@pytest.fixture(autouse=True)
def fresh_paces() -> None:
    waiting.PACES.kept.clear()


@pytest.fixture
def inbox() -> Any:
    return InboxFactory.create()


def queue_up(inbox: Inbox) -> Visitor:
    visitor = VisitorFactory.create(inbox=inbox)
    actions.post_message(visitor, client_id=uuid.uuid4(), text="在吗", address="127.0.0.1")
    actions.request_human(visitor)
    return visitor


def handled(inbox: Inbox, seconds: float, *, ago: timedelta = timedelta(hours=2)) -> None:
    claimed_at = timezone.now() - ago
    conversation = ConversationFactory.create(
        visitor__inbox=inbox, resolved_at=claimed_at + timedelta(seconds=seconds)
    )
    Escalation.objects.create(
        conversation=conversation, opened_at=claimed_at, ended_at=claimed_at, end="claimed"
    )


def last_place(ear: Ear) -> Any:
    """What was told last, once everything has been."""
    places.TELLER.settle()
    frames = [frame for frame in ear.frames() if frame["type"] == "state"]
    return frames[-1].get("queue", {}).get("position")


def state(visitor: Visitor) -> dict[str, Any]:
    conversation = Conversation.objects.select_related("inbox", "agent").get(visitor=visitor)
    return transcript.state_fields(conversation)


@pytest.mark.parametrize(
    ("position", "pace", "seconds"),
    [
        (1, Pace(120, 1), 120),
        (3, Pace(120, 1), 360),
        (3, Pace(100, 2), 150),
        (1, Pace(None, 2), None),
        (1, Pace(120, 0), None),
    ],
)
def test_the_estimate_shares_the_line_among_the_agents(
    position: int, pace: Pace, seconds: int | None
) -> None:
    assert waiting.eta_seconds(position, pace) == seconds


def test_places_are_counted_within_an_inbox(inbox: Any) -> None:
    first, second = queue_up(inbox), queue_up(inbox)
    queue_up(InboxFactory.create())

    assert [state(v)["queue"]["position"] for v in (first, second)] == [1, 2]
    assert state(second)["queue"]["eta_seconds"] is None


def test_a_place_says_whether_anybody_is_on_duty(inbox: Any) -> None:
    waits = queue_up(inbox)
    AgentFactory.create(presence="away")
    assert state(waits)["queue"]["staffed"] is False

    AgentFactory.create(presence="online")
    waiting.PACES.forget()
    assert state(waits)["queue"]["staffed"] is True


def test_the_pace_is_the_median_of_what_people_finished_lately(inbox: Any) -> None:
    AgentFactory.create(presence="online")
    AgentFactory.create(presence="away")
    for seconds in (60, 120, 600):
        handled(inbox, seconds)
    handled(inbox, 9000, ago=timedelta(days=9))
    handled(InboxFactory.create(), 9000)

    assert waiting.measure(inbox.pk) == Pace(120, 1)


def test_two_samples_say_nothing(inbox: Any) -> None:
    handled(inbox, 60)
    handled(inbox, 60)

    assert waiting.measure(inbox.pk).handle_seconds is None


def test_those_behind_hear_when_somebody_leaves(inbox: Any) -> None:
    first, second, third = queue_up(inbox), queue_up(inbox), queue_up(inbox)
    agent = AgentFactory.create()
    places.TELLER.settle()
    ears = [Ear(second), Ear(third)]

    agent_actions.claim(Conversation.objects.get(visitor=first).pk, agent=agent)
    assert [last_place(ear) for ear in ears] == [1, 2]
    actions.cancel_human(second)
    assert last_place(ears[1]) == 1
    ending.end(second)
    ears[0].frames()
    queue_up(inbox)
    assert last_place(ears[1]) == 1
    for ear in ears:
        ear.close()


def test_after_hours_a_waiting_visitor_is_offline_and_no_place_is_told(inbox: Any) -> None:
    inbox.hours = {"time_zone": "UTC", "week": {"mon": ["09:00-18:00"]}}
    inbox.save()
    monday = datetime.fromisoformat("2026-11-30T10:00:00+00:00")
    with time_machine.travel(monday):
        first = queue_up(inbox)
        assert state(first)["state"] == "queued"
    with time_machine.travel(monday + timedelta(hours=12)):
        assert state(first) == {"state": "offline", "owner": "queue"}
        assert waiting.line(inbox.pk) == []


def test_everybody_hears_however_long_the_line_is(inbox: Any) -> None:
    visitors = [VisitorFactory.create(inbox=inbox) for _ in range(60)]
    since = timezone.now()
    for number, visitor in enumerate(visitors):
        at = since + timedelta(seconds=number)
        ConversationFactory.create(visitor=visitor, owner="queue", waiting_since=at, last_seq=1)
    ears = [Ear(visitors[0]), Ear(visitors[-1])]
    places.TELLER.tell_soon(inbox.pk)
    assert [last_place(ear) for ear in ears] == [1, 60]


def test_whoever_was_taken_meanwhile_is_not_left_with_a_place(
    inbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = queue_up(inbox), queue_up(inbox)
    places.TELLER.settle()
    ears = [Ear(first), Ear(second)]
    line, agent = waiting.line, AgentFactory.create()

    def read_and_be_overtaken(inbox_id: int) -> Any:
        found = line(inbox_id)
        pk = Conversation.objects.get(visitor=first).pk
        with ThreadPoolExecutor(1) as pool:
            pool.submit(claim_elsewhere, pk, agent).result()
        return found

    monkeypatch.setattr(waiting, "line", read_and_be_overtaken)
    places.tell(inbox.pk)
    monkeypatch.setattr(waiting, "line", line)
    assert ears[0].frames()[-1]["state"] == "agent"
    assert last_place(ears[1]) == 1


def claim_elsewhere(pk: uuid.UUID, agent: Any) -> None:
    try:
        agent_actions.claim(pk, agent=agent)
    finally:
        connection.close()


def test_agents_race_for_what_waits_and_each_is_had_once(inbox: Any) -> None:
    """As `make bench-claims`, smaller: whoever still waits is told the right place all the while."""
    visitors = [queue_up(inbox) for _ in range(12)]
    agents = [AgentFactory.create() for _ in range(4)]
    ids = list(waiting.waiting_in(inbox.pk).order_by("waiting_since").values_list("pk", flat=True))
    places.TELLER.settle()
    ears = [Ear(visitor) for visitor in visitors]
    with ThreadPoolExecutor(len(agents)) as pool:
        claims = [each for run in pool.map(partial(claim_all, ids[:9]), agents) for each in run]
    owners = dict(Conversation.objects.filter(agent__isnull=False).values_list("pk", "agent__name"))
    assert {pk: name for pk, name, winner in claims if winner is None} == owners
    assert len(owners) == 9
    assert sum(winner is None for _, _, winner in claims) == 9
    assert all(winner in {None, owners[pk]} for pk, _, winner in claims)
    assert Escalation.objects.filter(end="claimed").count() == 9
    places.TELLER.settle()
    told = [[frame for frame in ear.frames() if frame["type"] == "state"] for ear in ears]
    assert [frames[-1]["state"] for frames in told] == ["agent"] * 9 + ["queued"] * 3
    assert [frames[-1]["queue"]["position"] for frames in told[9:]] == [1, 2, 3]
    for frames in told:
        positions = [frame["queue"]["position"] for frame in frames if "queue" in frame]
        assert positions == sorted(positions, reverse=True)


def claim_all(ids: list[uuid.UUID], agent: Any) -> list[tuple[uuid.UUID, str, str | None]]:
    """Every claim as (conversation, agent, who was faster)."""
    try:
        return [(pk, agent.name, winner_of(pk, agent)) for pk in ids]
    finally:
        connection.close()


def winner_of(pk: uuid.UUID, agent: Any) -> str | None:
    try:
        agent_actions.claim(pk, agent=agent)
    except agent_actions.Conflict as conflict:
        return conflict.winner
    return None
