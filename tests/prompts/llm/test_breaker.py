"""Breakers open by share of failures, let one probe through, honour Retry-After, and agree without Redis."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from prompts.llm import breaker, scripts
from prompts.llm.breaker import POLICY, Event, Policy, Record, advance, state_at
from prompts.llm.features import Breaker
from prompts.redis import connection
from tests.prompts.llm.racing import race

EASY = settings(deadline=None)
SECOND = 1_000_000
START = 1_796_000_000 * SECOND
OK, FAILED = Event("report", 1), Event("report", 0)
PROBE, LAST_RESORT, LOOK = Event("probe"), Event("probe", 1), Event("look")
# A long time for a test, in seconds.
LONG = 3600.0


@pytest.fixture
def client() -> Any:
    """Redis with nothing in it."""
    connection().flushdb()
    return connection()


class Timed:
    """One endpoint's breaker in Redis, by a clock the test sets."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.seconds = 0.0

    def happen(self, event: Event, *, times: int = 1) -> tuple[bool, Breaker]:
        """What came of the last of them."""
        outcome: tuple[bool, Breaker] = (False, "closed")
        for _ in range(times):
            now_us = START + round(self.seconds * SECOND)
            outcome = breaker.happen_shared(
                self.client, "main", event=event, policy=POLICY, now_us=now_us
            )
        return outcome

    def at(self, seconds: float) -> Breaker:
        """Moves the clock, and says what the state is then."""
        self.seconds = seconds
        return self.happen(LOOK)[1]


@pytest.fixture
def timed(client: Any) -> Timed:
    return Timed(client)


def hold(seconds: float) -> Event:
    return Event("hold", round(seconds * SECOND))


# --- opening ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("well", "failed", "state"),
    [(0, 9, "closed"), (0, 10, "open"), (5, 5, "open"), (6, 5, "closed"), (100, 99, "closed")],
)
def test_opens_at_half_of_ten_calls(timed: Timed, well: int, failed: int, state: Breaker) -> None:
    timed.happen(OK, times=well)
    timed.happen(FAILED, times=failed)

    assert timed.at(0) == state


@pytest.mark.parametrize(("second", "state"), [(29.9, "open"), (30, "closed")])
def test_failures_leave_the_window_after_30_seconds(
    timed: Timed, second: float, state: Breaker
) -> None:
    timed.happen(FAILED, times=9)
    timed.at(second)

    assert timed.happen(FAILED)[1] == state


def test_open_for_15_seconds_then_half_open(timed: Timed) -> None:
    timed.happen(FAILED, times=10)

    assert [timed.at(s) for s in (0, 14.9, 15, 600)] == ["open", "open", "half_open", "half_open"]


def test_calls_that_end_while_it_is_open_change_nothing(timed: Timed) -> None:
    timed.happen(FAILED, times=10)

    for event in (OK, FAILED) * 10:
        timed.happen(event)

    assert [timed.at(s) for s in (14.9, 15)] == ["open", "half_open"]
    # Stragglers that began before it opened are no probe.
    assert [timed.happen(event)[1] for event in (OK, FAILED)] == ["half_open"] * 2


# --- probing ---------------------------------------------------------------------------------------


def test_a_probe_that_succeeds_closes_and_forgets(timed: Timed) -> None:
    timed.happen(FAILED, times=10)
    timed.at(15)

    assert timed.happen(PROBE)[0]
    assert timed.happen(OK)[1] == "closed"
    assert timed.happen(FAILED, times=9)[1] == "closed"
    timed.happen(FAILED)
    assert [timed.at(s) for s in (29.9, 30)] == ["open", "half_open"]


def test_a_probe_that_fails_opens_for_twice_as_long_up_to_two_minutes(timed: Timed) -> None:
    timed.happen(FAILED, times=10)
    lengths = []
    for length in (15, 30, 60, 120, 120, 120):
        began = timed.seconds
        assert timed.at(began + length - 0.1) == "open"
        assert timed.at(began + length) == "half_open"
        assert timed.happen(PROBE)[0]
        assert timed.happen(FAILED)[1] == "open"
        lengths.append(timed.seconds - began)

    assert lengths == [15, 30, 60, 120, 120, 120]


def test_one_probe_at_a_time_and_a_silent_one_is_given_to_another(timed: Timed) -> None:
    timed.happen(FAILED, times=10)
    timed.at(15)

    granted = [timed.happen(PROBE)[0] for _ in range(3)]
    timed.at(15 + POLICY.probe_seconds - 0.1)
    granted.append(timed.happen(PROBE)[0])
    timed.at(15 + POLICY.probe_seconds)
    granted.append(timed.happen(PROBE)[0])

    assert granted == [True, False, False, False, True]


def test_probe_of_a_closed_breaker_is_for_anyone_of_an_open_one_for_nobody(timed: Timed) -> None:
    assert [timed.happen(PROBE)[0] for _ in range(3)] == [True] * 3
    timed.happen(FAILED, times=10)

    assert not timed.happen(PROBE)[0]


def test_the_last_resort_probes_an_open_breaker_one_at_a_time(timed: Timed) -> None:
    timed.happen(FAILED, times=10)
    granted = []
    for second in (4.9, 5, 5):
        timed.at(second)
        granted.append(timed.happen(LAST_RESORT)[0])
    assert granted == [False, True, False]
    timed.happen(FAILED)

    assert timed.at(9.9) == "open"
    assert not timed.happen(LAST_RESORT)[0]  # every five seconds, not with every message
    timed.at(10)
    assert timed.happen(LAST_RESORT)[0]
    assert timed.happen(OK)[1] == "closed"


def test_100_racers_get_one_probe(client: Any) -> None:
    breaker.cool(client, "main", 0.001)
    while breaker.state(client, "main") != "half_open":
        pass

    granted = race(lambda: breaker.try_probe(client, "main"), racers=100)

    assert sum(granted) == 1


def test_100_racers_get_one_last_resort_probe(client: Any) -> None:
    policy = Policy(min_calls=1, last_resort_seconds=0, open_seconds=LONG)
    breaker.report(client, "main", ok=False, policy=policy)

    granted = race(
        lambda: breaker.try_probe(client, "main", last_resort=True, policy=policy), racers=100
    )

    assert (sum(granted), breaker.state(client, "main")) == (1, "open")


# --- cooling and shutting --------------------------------------------------------------------------


def test_cool_opens_for_as_long_as_the_vendor_says(timed: Timed) -> None:
    timed.happen(hold(7))

    assert [timed.at(s) for s in (6.9, 7)] == ["open", "half_open"]
    assert timed.happen(PROBE)[0]
    assert timed.happen(OK)[1] == "closed"


@pytest.mark.parametrize(("first", "second"), [(60, 2), (2, 60)])
def test_cooling_again_never_shortens(timed: Timed, first: float, second: float) -> None:
    timed.happen(hold(first))
    timed.happen(hold(second))

    assert [timed.at(s) for s in (59.9, 60)] == ["open", "half_open"]


def test_cooling_does_not_shorten_what_failures_opened(timed: Timed) -> None:
    timed.happen(FAILED, times=10)
    timed.happen(hold(1))

    assert [timed.at(s) for s in (14.9, 15)] == ["open", "half_open"]


def test_the_last_resort_respects_what_the_vendor_asked_for(timed: Timed) -> None:
    timed.happen(hold(60))
    timed.at(59.9)

    assert not timed.happen(LAST_RESORT)[0]


def test_a_probe_that_is_told_to_wait_leaves_its_place_to_another(timed: Timed) -> None:
    timed.happen(hold(1))
    timed.at(1)
    assert timed.happen(PROBE)[0]

    timed.happen(hold(3))

    assert [timed.at(s) for s in (3.9, 4)] == ["open", "half_open"]
    assert timed.happen(PROBE)[0]


def test_a_last_resort_that_succeeds_does_not_break_a_hold(timed: Timed) -> None:
    timed.happen(FAILED, times=10)
    timed.at(5)
    assert timed.happen(LAST_RESORT)[0]
    # Another call, which began before, hears of a limit. It ends the probe as well.
    timed.happen(hold(90))

    assert timed.happen(OK)[1] == "open"
    assert [timed.at(s) for s in (94.9, 95)] == ["open", "half_open"]


def test_shut_lasts_ten_minutes_and_reset_ends_it(client: Any) -> None:
    breaker.shut(client, "main")
    seconds, microseconds = client.time()
    ends = int(client.hget(breaker.key("main"), "until"))

    assert breaker.state(client, "main") == "open"
    assert 590 < (ends - seconds * SECOND - microseconds) / SECOND <= 600
    breaker.reset(client, "main")
    assert breaker.state(client, "main") == "closed"
    assert breaker.try_probe(client, "main")


def test_endpoints_do_not_share_a_breaker(client: Any) -> None:
    breaker.shut(client, "main")

    assert breaker.state(client, "other") == "closed"


def test_report_says_what_it_led_to(client: Any) -> None:
    states = [breaker.report(client, "main", ok=False) for _ in range(10)]

    assert states == ["closed"] * 9 + ["open"]


def test_a_breaker_nobody_asks_any_more_goes_after_a_day(timed: Timed) -> None:
    timed.happen(hold(60))

    assert 86_400 < timed.client.ttl(breaker.key("main")) <= 86_460


# --- the script and this process -------------------------------------------------------------------

events = st.one_of(
    st.sampled_from([OK, FAILED, FAILED, PROBE, LAST_RESORT, LOOK]),
    st.integers(0, 40).map(hold),
)
policies = st.builds(
    Policy,
    window_seconds=st.sampled_from([10.0, 30.0]),
    min_calls=st.integers(1, 5),
    failure_share=st.sampled_from([0.3, 0.5, 1.0]),
    open_seconds=st.sampled_from([1.0, 7.5, 15.0]),
    open_max_seconds=st.sampled_from([15.0, 40.0]),
    probe_seconds=st.sampled_from([3.0, 60.0]),
    last_resort_seconds=st.sampled_from([0.0, 5.0]),
)
# Microseconds passed, which may be none or less, then what happens.
histories = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, SECOND, 5 * SECOND, 15 * SECOND])
        | st.integers(-SECOND, 130 * SECOND),
        events,
    ),
    min_size=1,
    max_size=40,
)


@EASY
@given(policy=policies, history=histories)
def test_the_script_and_this_process_agree(
    policy: Policy, history: list[tuple[int, Event]]
) -> None:
    client: Any = connection()
    client.flushdb()
    record, now = Record(), START
    for passed, event in history:
        now += passed
        record, granted = advance(record, event, policy=policy, now=now)
        there = breaker.happen_shared(client, "main", event=event, policy=policy, now_us=now)
        assert there == (granted, state_at(record.till, now_us=now))
        if event != LOOK:
            fields = client.hmget(breaker.key("main"), "until", "held", "length", "probe", "window")
            window = " ".join(str(n) for entry in record.window for n in entry)
            kept = [record.till, record.held, record.length, record.probe, window]
            assert fields == [str(value).encode() for value in kept]


@EASY
@given(policy=policies, history=histories)
def test_nothing_but_a_probe_shortens_an_opening(
    policy: Policy, history: list[tuple[int, Event]]
) -> None:
    record, now = Record(), START
    for passed, event in history:
        now += max(0, passed)
        before = record
        record, granted = advance(record, event, policy=policy, now=now)
        if before.probe <= now:
            assert record.till >= before.till
        if before.held > now:
            assert record.held >= before.held
            assert record.till >= before.held
            assert not granted


def test_without_redis_this_process_breaks_its_own_circuit(tmp_path: Path) -> None:
    client = Redis.from_url(f"unix://{tmp_path}/redis.sock")
    name = f"endpoint of {tmp_path}"

    assert breaker.try_probe(client, name)
    states = [breaker.report(client, name, ok=False) for _ in range(10)]

    assert states == ["closed"] * 9 + ["open"]
    assert (breaker.state(client, name), breaker.state_here(name)) == ("open", "open")
    assert not breaker.try_probe(client, name)
    assert breaker.state_here("another") == "closed"


def test_without_redis_one_of_100_racers_gets_the_probe(tmp_path: Path) -> None:
    client = Redis.from_url(f"unix://{tmp_path}/redis.sock")
    name = f"endpoint of {tmp_path}"
    breaker.cool(client, name, 0.001)
    while breaker.state(client, name) != "half_open":
        pass

    granted = race(lambda: breaker.try_probe(client, name), racers=100)

    assert sum(granted) == 1


def test_back_from_an_outage_what_all_know_counts(client: Any, tmp_path: Path) -> None:
    name = f"endpoint of {tmp_path}"
    flaky = Redis.from_url(f"unix://{tmp_path}/redis.sock")
    breaker.shut(client, name)
    assert breaker.state(flaky, name) == "closed"  # nobody here knows better
    (tmp_path / "redis.sock").symlink_to(client.connection_pool.connection_kwargs["path"])
    scripts.outage_of(flaky).rests_until = 0.0

    assert breaker.state(flaky, name) == "open"


def test_policy_numbers_decide() -> None:
    strict = replace(POLICY, min_calls=2, failure_share=1.0, open_seconds=1)
    record, now = Record(), START
    for event in (FAILED, OK, FAILED):
        record, _ = advance(record, event, policy=strict, now=now)
    assert state_at(record.till, now_us=now) == "closed"

    record = Record()
    for event in (FAILED, FAILED):
        record, _ = advance(record, event, policy=strict, now=now)

    assert state_at(record.till, now_us=now) == "open"
    assert state_at(record.till, now_us=now + SECOND) == "half_open"
