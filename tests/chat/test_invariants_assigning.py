"""What must hold of the queue and its agents in any order of acts: claims, rings, misses, comings, goings, hand-backs."""

import uuid
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db.models import Count, Q
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from chat import assigning, desk, intake
from chat.actions import agent as agent_actions
from chat.actions import attending, ending, sorting
from chat.actions import visitor as actions
from chat.models import Agent, Conversation, Escalation, IntakePolicy, Ring, Team
from chat.states import Presence
from tests.factories import AgentFactory, VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

SETTINGS = settings(
    max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
AGENTS, VISITORS, CAPACITY = 3, 4, 2
NTH_AGENT, NTH_VISITOR = st.integers(0, AGENTS - 1), st.integers(0, VISITORS - 1)
REFUSED = (agent_actions.Conflict, Conversation.DoesNotExist)


class Desk(RuleBasedStateMachine):
    """A few visitors and agents; every act may come at any time, wanted or not."""

    inbox: Any

    @initialize()
    def begin(self) -> None:
        IntakePolicy.objects.update_or_create(pk=1, defaults={"mode": "push", "misses_most": 2})
        intake.CACHE.clear()
        self.agents = [AgentFactory.create(capacity=CAPACITY) for _ in range(AGENTS)]
        self.team = Team.objects.create(name=uuid.uuid4().hex)
        self.team.agents.add(self.agents[0])
        self.visitors = [VisitorFactory.create(inbox=self.inbox) for _ in range(VISITORS)]
        self.epochs: dict[UUID, int] = {}

    def talk(self, visitor: int) -> UUID:
        return actions.enter(self.visitors[visitor]).pk

    @rule(visitor=NTH_VISITOR)
    def ask_for_a_person(self, visitor: int) -> None:
        actions.request_human(self.visitors[visitor])

    @rule(visitor=NTH_VISITOR)
    def leave(self, visitor: int) -> None:
        ending.leave_queue(self.visitors[visitor])

    @rule(visitor=NTH_VISITOR)
    def say(self, visitor: int) -> None:
        who = self.visitors[visitor]
        actions.post_message(who, client_id=uuid.uuid4(), text="在吗", address="127.0.0.1")

    @rule(visitor=NTH_VISITOR)
    def end(self, visitor: int) -> None:
        ending.end(self.visitors[visitor])

    @rule(agent=NTH_AGENT, presence=st.sampled_from(Presence))
    def come_or_go(self, agent: int, presence: Presence) -> None:
        attending.set_presence(self.agents[agent], presence)

    @rule(agent=NTH_AGENT)
    def fall_silent(self, agent: int) -> None:
        Agent.objects.filter(pk=self.agents[agent].pk).update(seen_at=intake.silent_since())

    @rule()
    def give(self) -> None:
        before = set(Ring.objects.filter(ended_at=None).values_list("pk", flat=True))
        assigning.assign()
        fresh = Ring.objects.filter(ended_at=None).exclude(pk__in=before)
        for agent_id in set(fresh.values_list("agent", flat=True)):
            assert in_hand(agent_id) <= CAPACITY, "asked beyond their room"
        self.check_nobody_is_left()

    def check_nobody_is_left(self) -> None:
        """After giving, whoever still waits unasked has nobody with room who was not asked already."""
        there = [agent for agent in intake.online() if in_hand(agent.pk) < CAPACITY]
        for pk in (
            waiting()
            .exclude(rings__ended_at=None, rings__isnull=False)
            .values_list("pk", flat=True)
        ):
            if Ring.objects.filter(conversation=pk, ended_at=None).exists():
                continue
            asked = Ring.objects.filter(conversation=pk, end__in=["missed", "declined"])
            free = {agent.pk for agent in there} - set(asked.values_list("agent", flat=True))
            row = Conversation.objects.get(pk=pk)
            if row.team_id and intake.online().filter(teams=row.team_id).exists():
                free &= set(self.team.agents.values_list("pk", flat=True))
            assert not free, "left waiting though somebody has room"

    @rule(late=st.booleans())
    def sweep(self, late: bool) -> None:
        if late:
            Ring.objects.filter(ended_at=None).update(until=timezone.now() - timedelta(seconds=1))
        assigning.sweep()

    @rule(agent=NTH_AGENT, visitor=NTH_VISITOR)
    def claim(self, agent: int, visitor: int) -> None:
        pk, taker = self.talk(visitor), self.agents[agent]
        with suppress(*REFUSED):
            taken = agent_actions.claim(pk, agent=taker)
            assert (taken.owner, taken.agent_id) == ("agent", taker.pk)

    @rule(agent=NTH_AGENT, visitor=NTH_VISITOR)
    def decline(self, agent: int, visitor: int) -> None:
        assigning.decline(self.talk(visitor), agent=self.agents[agent])

    @rule(
        agent=NTH_AGENT,
        visitor=NTH_VISITOR,
        act=st.sampled_from(["hand_back", "resolve", "snooze", "team"]),
    )
    def let_go(self, agent: int, visitor: int, act: str) -> None:
        pk, who = self.talk(visitor), self.agents[agent]
        with suppress(*REFUSED):
            match act:
                case "snooze":
                    sorting.snooze(pk, agent=who, until=None)
                case "team":
                    agent_actions.transfer_to_team(pk, agent=who, team=self.team)
                case _:
                    getattr(agent_actions, act)(pk, agent=who)

    @rule(agent=NTH_AGENT, to=NTH_AGENT, visitor=NTH_VISITOR)
    def transfer(self, agent: int, to: int, visitor: int) -> None:
        with suppress(*REFUSED):
            agent_actions.transfer(self.talk(visitor), agent=self.agents[agent], to=self.agents[to])

    @invariant()
    def rings_only_at_who_waits(self) -> None:
        open_rings = Ring.objects.filter(ended_at=None)
        lost = open_rings.exclude(conversation__owner="queue", conversation__resolved_at=None)
        assert not lost.exists(), "rings though nobody waits"
        doubled = open_rings.values("conversation").annotate(n=Count("pk")).filter(n__gt=1)
        assert not doubled.exists(), "rings at two agents"

    @invariant()
    def waits_are_on_record(self) -> None:
        open_waits = Escalation.objects.filter(ended_at=None).values_list("conversation", flat=True)
        assert set(open_waits) == set(waiting().values_list("pk", flat=True))
        assert [UUID(place["conversation_id"]) for place in desk.queue()].sort() == list(
            open_waits
        ).sort()

    @invariant()
    def epochs_only_grow(self) -> None:
        for pk, epoch in Conversation.objects.values_list("pk", "epoch"):
            assert epoch >= self.epochs.get(pk, 0)
            self.epochs[pk] = epoch


def waiting() -> Any:
    return Conversation.objects.filter(owner="queue", resolved_at=None)


def in_hand(agent_id: int) -> int:
    """Own conversations that are not put aside, and those that ring."""
    own = Conversation.objects.filter(
        agent=agent_id, owner="agent", resolved_at=None, snoozed=False
    )
    return own.count() + Ring.objects.filter(Q(agent=agent_id), ended_at=None).count()


def test_any_order_of_acts(inbox: Any) -> None:
    machine = type("AnyDesk", (Desk,), {"inbox": inbox})
    try:
        run_state_machine_as_test(machine, settings=SETTINGS)
    finally:
        intake.CACHE.clear()
