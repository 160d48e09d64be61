"""The visitor's place in the queue and the estimate beside it; whoever waits hears of every move."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from chat import transcript, waiting
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
    ears = [Ear(second), Ear(third)]

    agent_actions.claim(Conversation.objects.get(visitor=first).pk, agent=agent)
    assert [ear.frames()[-1]["queue"]["position"] for ear in ears] == [1, 2]
    actions.cancel_human(second)
    assert ears[1].frames()[-1]["queue"]["position"] == 1
    ending.end(second)
    ears[0].frames()
    queue_up(inbox)
    assert ears[1].frames()[-1]["queue"]["position"] == 1
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
