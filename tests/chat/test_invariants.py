"""What must always hold, on real Postgres and Redis: in any order of acts, in any race, and only thanks to its guards."""

import inspect
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, Phase, settings
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

from chat import lease, turn
from chat.actions import agent as agent_actions
from chat.actions import handing
from chat.actions import visitor as actions
from chat.memory import Dialogue
from chat.models import Conversation, Message, Turn
from chat.states import TURN_OPEN, Owner, Role, TurnState
from prompts.redis import connection as redis
from tests.chat.conftest import TEXTS as NOTICES
from tests.chat.world import World
from tests.factories import AgentFactory, VisitorFactory

HERE = "127.0.0.1"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("texts")]

SETTINGS = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# Every run the same, and no time spent on the shortest form of a failure that is wanted.
FIND_ONLY = settings(SETTINGS, derandomize=True, phases=[Phase.generate], database=None)
RACES = 200
RETURNED = NOTICES["handed_back"][0]
Scenario = Callable[[World], None]
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
        self.world = World(VisitorFactory.create(inbox=self.inbox), self.agent)
        self.bystander = World(VisitorFactory.create(inbox=self.inbox), self.agent)
        self.bystander.post("在吗")
        self.answering = self.bystander.claim_newest(worker="bystander")
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
        tried = [self.world.claim(t.pk, worker=worker) for t in self.world.open_turns()]
        claimed = [turn for turn in tried if turn is not None]
        for text in meanwhile:
            self.world.post(text)
        self.latest = claimed or self.latest
        return multiple(*claimed)

    @precondition(has_running_turn)
    @rule()
    def commit_latest(self) -> None:
        for claimed in self.latest:
            self.world.commit(claimed)

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


@pytest.mark.timeout(400)  # a failure is shrunk to its shortest form before it is reported
def test_invariants_hold_in_any_order(inbox: Any, agent: Any) -> None:
    machine = type("AnyThread", (Thread,), {"inbox": inbox, "agent": agent})
    run_state_machine_as_test(machine, settings=SETTINGS)


# --- the same checks, with a guard taken out: each must find it missing -----------------------------


@dataclass(frozen=True, slots=True)
class Guard:
    """A piece of our own source, and what stands in its place in a build without it."""

    module: ModuleType
    function: str
    source: str
    without: str = "False"

    def remove(self, monkeypatch: pytest.MonkeyPatch) -> None:
        function = getattr(self.module, self.function)
        source = textwrap.dedent(inspect.getsource(function))
        assert source.count(self.source) == 1, f"{self.function} no longer reads {self.source!r}"
        built: dict[str, Any] = {}
        code = compile(source.replace(self.source, self.without), function.__name__, "exec")
        exec(code, vars(self.module), built)  # noqa: S102  # our own source, less a guard
        monkeypatch.setattr(self.module, self.function, built[self.function])


FENCE = Guard(turn, "fenced", "conversation.epoch != turn.epoch or conversation.owner != Owner.BOT")
HOLDER = Guard(
    turn,
    "finish",
    "pk=turn.pk, worker=turn.worker, attempt=turn.attempt, state=TurnState.RUNNING.value",
    "pk=turn.pk",
)
IDEMPOTENCY = Guard(actions, "find_earlier", "earlier is None", "True")
REQUEUE = Guard(handing, "to_bot", "queue_unanswered(conversation)", "None")
ROW_LOCK = Guard(actions, "find_open", "select_for_update(no_key=True)", "all()")


@pytest.fixture
def world(inbox: Any, agent: Any) -> World:
    return World(VisitorFactory.create(inbox=inbox), agent)


def commit_after_takeover(world: World) -> None:
    world.post("在吗")
    claimed = world.claim_newest(worker="asleep")
    world.take_over()
    world.commit(claimed)


def commit_after_lease(world: World) -> None:
    world.post("在吗")
    late = world.claim_newest(worker="asleep")
    world.expire(world.newest_turn())
    in_time = world.claim_newest(worker="awake")
    world.commit(late)
    world.commit(in_time)


def send_again(world: World) -> None:
    world.resend(world.post("在吗"))


def return_before_an_answer(world: World) -> None:
    world.post("在吗")
    world.take_over()
    world.hand_back()


def return_after_one_answer_of_two(world: World) -> None:
    world.post("在吗")
    claimed = world.claim_newest(worker="slow")
    world.post("还没到")
    world.commit(claimed)
    world.request_human()
    world.cancel_human()


SCENARIOS = [
    commit_after_takeover,
    commit_after_lease,
    send_again,
    return_before_an_answer,
    return_after_one_answer_of_two,
]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario_keeps_the_invariants(scenario: Scenario, world: World) -> None:
    scenario(world)
    assert world.violations() == []
    world.settle()
    assert world.violations() == []


@pytest.mark.parametrize("guard", [FENCE, HOLDER], ids=["fence", "holder"])
def test_takeover_is_guarded_twice(
    guard: Guard, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either the fence or the condition on the turn's row stops a late answer without the other."""
    guard.remove(monkeypatch)
    commit_after_takeover(world)
    assert world.violations() == []


@pytest.mark.parametrize(
    ("scenario", "guards", "dropped", "found"),
    [
        pytest.param(
            commit_after_takeover,
            [FENCE, HOLDER],
            [],
            [
                "an answer was committed by a worker that had lost the turn",
                "bot line #3 while agent owned it",
            ],
            id="late answer after a takeover",
        ),
        pytest.param(
            commit_after_lease,
            [HOLDER],
            [],
            [
                "an answer was committed by a worker that had lost the turn",
                "only the database stopped a second answer",
            ],
            id="late answer after a lost lease",
        ),
        pytest.param(
            commit_after_lease,
            [HOLDER],
            ["message_one_answer_per_turn"],
            [
                "an answer was committed by a worker that had lost the turn",
                "an answer was committed by a worker that had lost the turn",
                "a done turn has 2 answers",
            ],
            id="late answer after a lost lease, without the constraint",
        ),
        pytest.param(
            send_again,
            [IDEMPOTENCY],
            [],
            ["a line sent again was refused"],
            id="line sent again",
        ),
        pytest.param(
            send_again,
            [IDEMPOTENCY],
            ["message_client_id_once_per_visitor", "message_client_id_once_per_conversation"],
            ["a line sent again was acked differently", "line #2 was stored without an ack"],
            id="line sent again, without the constraints",
        ),
        pytest.param(
            return_before_an_answer,
            [REQUEUE],
            [],
            ["nobody will answer line #1"],
            id="line left unanswered",
        ),
    ],
)
def test_checker_finds_a_missing_guard(
    scenario: Scenario,
    guards: list[Guard],
    dropped: list[str],
    found: list[str],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for guard in guards:
        guard.remove(monkeypatch)
    with constraints_dropped(dropped):
        scenario(world)
        assert world.violations() == found


@pytest.mark.parametrize("guard", [HOLDER, REQUEUE], ids=["holder", "requeue"])
def test_any_order_finds_a_missing_guard(
    guard: Guard, inbox: Any, agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard.remove(monkeypatch)
    machine = type("AnyThread", (Thread,), {"inbox": inbox, "agent": agent})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=FIND_ONLY)


def test_checker_finds_a_claim_that_ignores_leases(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease_is_over = "turn.state = 'running' AND turn.lease_until < statement_timestamp()"
    assert lease_is_over in lease.TAKE
    monkeypatch.setattr(lease, "TAKE", lease.TAKE.replace(lease_is_over, "turn.state = 'running'"))
    lease.statement.cache_clear()
    world.post("在吗")
    for worker in ("first", "second"):
        world.claim(world.newest_turn(), worker=worker)
    lease.statement.cache_clear()
    assert world.violations() == ["a claim that should have gone the other way"]


@contextmanager
def constraints_dropped(names: list[str]) -> Iterator[None]:
    """The messages' table without some of its constraints. Leaves it empty."""
    constraints = [c for c in Message._meta.constraints if c.name in names]
    assert len(constraints) == len(names)
    with connection.schema_editor() as editor:
        for constraint in constraints:
            editor.remove_constraint(Message, constraint)
    try:
        yield
    finally:
        Message.objects.all().delete()
        with connection.schema_editor() as editor:
            for constraint in constraints:
                editor.add_constraint(Message, constraint)


# --- races -----------------------------------------------------------------------------------------


@contextmanager
def racers(count: int) -> Iterator[Callable[..., list[Any]]]:
    """A function that starts `count` acts together, each on a thread; gives what they returned or raised."""
    start = threading.Barrier(count, timeout=30)

    def run(act: Callable[[], object]) -> object:
        connection.ensure_connection()  # so that the race is for the row, not for connections
        start.wait()
        return act()

    def race(*acts: Callable[[], object]) -> list[Any]:
        futures = [pool.submit(run, act) for act in acts]
        return [future.exception() or future.result() for future in futures]

    connection.close()  # there are only as many as racers
    with ThreadPoolExecutor(count) as pool:
        yield race
        race(*[lambda: connection.close()] * count)


def post_once(visitor: Any, client_id: UUID) -> Callable[[], actions.Posted]:
    return lambda: actions.post_message(visitor, client_id=client_id, text="在吗", address=HERE)


def test_one_line_sent_by_twenty_threads_is_stored_once(visitor: Any, client_id: UUID) -> None:
    with racers(20) as race:
        posted = race(*[post_once(visitor, client_id)] * 20)
    assert posted == [posted[0]] * 20
    assert [(m.seq, m.turn_id) for m in Message.objects.all()] == [(1, posted[0].turn_id)]


def test_twenty_lines_at_once_get_gapless_seqs_and_one_turn(visitor: Any) -> None:
    with racers(20) as race:
        posted = race(*[post_once(visitor, uuid4()) for _ in range(20)])
    assert sorted(p.seq for p in posted) == list(range(1, 21))
    assert {p.turn_id for p in posted} == {Turn.objects.get().pk}
    assert list(Message.objects.values_list("seq", flat=True)) == list(range(1, 21))
    assert (Turn.objects.get().first_seq, Turn.objects.get().last_seq) == (1, 20)


def test_twenty_lines_at_once_without_the_row_lock_collide(
    visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ROW_LOCK.remove(monkeypatch)
    actions.enter(visitor)
    with racers(20) as race:
        posted = race(*[post_once(visitor, uuid4()) for _ in range(20)])
    assert IntegrityError in {type(outcome) for outcome in posted}


def test_ten_workers_on_one_turn_give_one_answer(visitor: Any, client_id: UUID) -> None:
    turn_id = post_once(visitor, client_id)().turn_id
    assert turn_id is not None
    acts = [partial(turn.run, turn_id, worker=f"worker {n}") for n in range(10)]
    with racers(10) as race:
        assert race(*acts) == [None] * 10
    assert [(m.seq, m.role) for m in Message.objects.all()] == [(1, "visitor"), (2, "bot")]
    assert (Turn.objects.get().state, Turn.objects.get().attempt) == ("done", 1)


def test_five_agents_claim_and_one_wins(visitor: Any) -> None:
    conversation = actions.enter(visitor)
    agents = [AgentFactory.create() for _ in range(5)]
    with racers(5) as race:
        outcomes = race(*[partial(agent_actions.claim, conversation.pk, agent=a) for a in agents])
    winner = Conversation.objects.get().agent
    assert winner is not None
    losses = [o for o in outcomes if isinstance(o, agent_actions.Conflict)]
    assert [loss.winner for loss in losses] == [winner.name] * 4
    assert Conversation.objects.get().epoch == 1


def test_takeover_racing_an_answer_never_leaves_it_behind_the_takeover(
    visitor: Any, agent: Any, settings: Any
) -> None:
    settings.MESSAGES_BURST = RACES
    conversation = actions.enter(visitor)
    answers = 0
    with racers(2) as race:
        for number in range(RACES):
            if not Turn.objects.filter(state="queued").exists():
                post_once(visitor, uuid4())()
            claimed = lease.claim(Turn.objects.get(state="queued").pk, worker="worker")
            head_start_ms = number % 9 - 4
            committed, taken = race(
                partial(later, -head_start_ms, commit, claimed),
                partial(later, head_start_ms, agent_actions.claim, conversation.pk, agent=agent),
            )
            assert isinstance(taken, Conversation)
            answers += committed is None
            agent_actions.hand_back(conversation.pk, agent=agent)
    assert 0 < answers < RACES, "the race was always won by the same side"
    assert owners_at_answers(conversation) == ["bot"] * answers


def later(delay_ms: int, act: Callable[..., object], *args: object, **kwargs: object) -> object:
    time.sleep(max(delay_ms, 0) / 1000)
    return act(*args, **kwargs)


def commit(claimed: Turn) -> None:
    turn.commit(claimed, turn.Outcome(text="答", dialogue=Dialogue()))


def owners_at_answers(conversation: Conversation) -> list[str]:
    """Who owned the conversation at each of the bot's lines, going by the notices before it."""
    owner, owners = "bot", []
    for message in Message.objects.filter(conversation=conversation).order_by("seq"):
        if message.role == Role.SYSTEM:
            owner = "bot" if message.text == RETURNED else "agent"
        elif message.role == Role.BOT:
            owners.append(owner)
    return owners
