"""What must always hold, on real Postgres and Redis: in any order of acts, in any race, and only thanks to its guards."""

import inspect
import textwrap
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from chat.models import Turn
from chat.redis import connection as redis
from tests.chat.world import World
from tests.factories import VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

SETTINGS = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# Most acts meet in one conversation; the other is there to be left alone.
WHICH = st.sampled_from([0, 0, 0, 1])
TEXTS = st.sampled_from(["在吗", "还没到", "1", "Where is it?"])
OWNERS = st.sampled_from(
    ["request_human", "request_human", "cancel_human", "take_over", "hand_back", "resolve"]
)


class Threads(RuleBasedStateMachine):
    """Two visitors, one agent, any number of workers, some of them dead or asleep."""

    inbox: Any
    agent: Any

    clients = Bundle("clients")
    claims = Bundle("claims")

    @initialize()
    def begin(self) -> None:
        self.worlds = [World(VisitorFactory(inbox=self.inbox), self.agent) for _ in range(2)]
        self.touched = self.worlds[0]
        self.workers = 0

    def world(self, which: int) -> World:
        self.touched = self.worlds[which]
        return self.touched

    @rule(target=clients, which=WHICH, text=TEXTS)
    def post(self, which: int, text: str) -> Any:
        return which, self.world(which).post(text)

    @rule(client=clients)
    def resend(self, client: Any) -> None:
        self.world(client[0]).resend(client[1])

    @rule(client=clients)
    def post_conflicting(self, client: Any) -> None:
        self.world(client[0]).post_conflicting(client[1])

    @rule(which=WHICH, act=OWNERS)
    def change_owner(self, which: int, act: str) -> None:
        getattr(self.world(which), act)()

    @rule(which=WHICH, epochs_ago=st.integers(0, 2))
    def reply(self, which: int, epochs_ago: int) -> None:
        self.world(which).reply("请稍等", epochs_ago=epochs_ago)

    @rule(which=WHICH, nth=st.integers(0, 3), times=st.integers(1, 2))
    def ring(self, which: int, nth: int, times: int) -> None:
        """The doorbell of one of the latest turns, finished or not."""
        for turn in self.world(which).rows().turns[::-1][nth : nth + 1]:
            for _ in range(times):
                self.touched.ring(turn.pk)

    @rule(target=claims, which=WHICH)
    def claim(self, which: int) -> Any:
        """A worker takes what there is, and is not heard of until it commits, fails or never."""
        self.workers += 1
        for turn in self.world(which).rows().open_turns():
            claimed = self.touched.claim(turn.pk, worker=f"worker {self.workers}")
            if claimed is not None:
                return which, claimed
        return multiple()

    @rule(claim=claims)
    def expire(self, claim: Any) -> None:
        self.world(claim[0]).expire(claim[1].pk)

    @rule(claim=claims)
    def commit(self, claim: Any) -> None:
        self.world(claim[0]).commit(claim[1])

    @rule(claim=claims)
    def apologise(self, claim: Any) -> None:
        self.world(claim[0]).apologise(claim[1])

    @rule(which=WHICH)
    def sweep(self, which: int) -> None:
        self.world(which).sweep()

    @rule(which=WHICH, after_seq=st.integers(0, 12))
    def sync(self, which: int, after_seq: int) -> None:
        """From a Redis that has just been wiped as from any other."""
        redis().flushdb()
        self.world(which).sync(after_seq)

    @invariant()
    def holds(self) -> None:
        assert self.touched.violations() == []

    def teardown(self) -> None:
        for world in getattr(self, "worlds", []):
            world.settle()
            assert world.violations() == []


def test_invariants_hold_in_any_order(inbox: Any, agent: Any) -> None:
    machine = type("AllThreads", (Threads,), {"inbox": inbox, "agent": agent})
    run_state_machine_as_test(machine, settings=SETTINGS)  # type: ignore[no-untyped-call]
