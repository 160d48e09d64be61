"""What must always hold, on real Postgres and Redis: in any order of acts, in any race, and only thanks to its guards."""

import inspect
import textwrap
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chat.models import Turn
from chat.redis import connection as redis
from chat.states import TURN_OPEN, Owner, TurnState
from tests.chat.world import World
from tests.factories import VisitorFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

SETTINGS = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TEXTS = st.sampled_from(["在吗", "还没到", "1", "Where is it?"])
# What may happen to each owner, the refused and the idle acts among them.
ACTS = {
    Owner.BOT: ["request_human", "take_over", "hand_back", "cancel_human"],
    Owner.QUEUE: ["cancel_human", "take_over", "cancel_human", "request_human"],
    Owner.AGENT: ["hand_back", "resolve", "hand_back", "take_over"],
}


class Thread(RuleBasedStateMachine):
    """A visitor, an agent, any number of workers, some dead or asleep; a bystander who must notice nothing."""

    inbox: Any
    agent: Any

    clients = Bundle("clients")
    claims = Bundle("claims")

    @initialize(target=clients)
    def begin(self) -> Any:
        self.world = World(VisitorFactory(inbox=self.inbox), self.agent)
        self.bystander = World(VisitorFactory(inbox=self.inbox), self.agent)
        self.bystander.post("在吗")
        self.answering = self.bystander.claim(self.bystander.newest_turn(), worker="bystander")
        self.workers = 0
        self.latest: list[Turn] = []
        return self.world.post("在吗")

    def has_open_turn(self) -> bool:
        return bool(TURN_OPEN & set(self.world.turn_states.values()))

    def has_running_turn(self) -> bool:
        return TurnState.RUNNING in self.world.turn_states.values()

    def has_changed_owner(self) -> bool:
        return len(self.world.reigns) > 1

    @rule(target=clients, texts=st.lists(TEXTS, min_size=1, max_size=2))
    def post(self, texts: list[str]) -> Any:
        return multiple(*map(self.world.post, texts))

    @rule(client=clients)
    def resend(self, client: UUID) -> None:
        self.world.resend(client)
        self.world.post_conflicting(client)

    @rule(nth=st.integers(0, 3))
    def change_owner(self, nth: int) -> None:
        getattr(self.world, ACTS[self.world.reign.owner][nth])()

    @rule(away=st.sampled_from(["request_human", "take_over"]))
    def leave_the_bot_and_return(self, away: str) -> None:
        getattr(self.world, away)()
        getattr(self.world, "cancel_human" if away == "request_human" else "hand_back")()

    @precondition(has_changed_owner)
    @rule(epochs_ago=st.integers(0, 2))
    def reply(self, epochs_ago: int) -> None:
        self.world.reply("请稍等", epochs_ago=epochs_ago)

    @rule(nth=st.integers(0, 2), times=st.integers(1, 2))
    def ring(self, nth: int, times: int) -> None:
        """The doorbell of one of the latest turns, finished or not."""
        for turn_id in list(self.world.turn_states)[::-1][nth : nth + 1] * times:
            self.world.ring(turn_id)

    @precondition(has_open_turn)
    @rule(target=claims, meanwhile=st.lists(TEXTS, max_size=2))
    def claim(self, meanwhile: list[str]) -> Any:
        """A worker takes what there is, and is not heard of until it commits, fails or never."""
        self.workers += 1
        worker = f"worker {self.workers}"
        tried = [self.world.claim(t.pk, worker=worker) for t in self.world.rows().open_turns()]
        claimed = [turn for turn in tried if turn is not None]
        for text in meanwhile:
            self.world.post(text)
        self.latest = claimed or self.latest
        return multiple(*claimed)

    @precondition(has_running_turn)
    @rule()
    def commit_latest(self) -> None:
        for turn in self.latest:
            self.world.commit(turn)

    @precondition(has_running_turn)
    @rule(claim=claims)
    def expire(self, claim: Turn) -> None:
        self.world.expire(claim.pk)

    @rule(claim=claims)
    def commit(self, claim: Turn) -> None:
        self.world.commit(claim)

    @rule(claim=claims)
    def apologise(self, claim: Turn) -> None:
        self.world.apologise(claim)

    @precondition(has_open_turn)
    @rule()
    def sweep(self) -> None:
        self.world.sweep()

    @rule(after_seq=st.integers(0, 12))
    def sync(self, after_seq: int) -> None:
        """From a Redis that has just been wiped as from any other."""
        redis().flushdb()
        self.world.sync(after_seq)

    @invariant()
    def holds(self) -> None:
        assert self.world.violations() == []

    def teardown(self) -> None:
        if hasattr(self, "bystander"):
            self.bystander.commit(self.answering)
            for world in (self.world, self.bystander):
                world.settle()
                assert world.violations() == []
            assert len(self.bystander.seen) == 2


def test_invariants_hold_in_any_order(inbox: Any, agent: Any) -> None:
    machine = type("AnyThread", (Thread,), {"inbox": inbox, "agent": agent})
    run_state_machine_as_test(machine, settings=SETTINGS)  # type: ignore[no-untyped-call]
