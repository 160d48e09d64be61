"""The level goes up at once, comes down by holding, and is the same by script and by this process."""

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from prompts.llm import limits, load
from prompts.llm.load import HERE, Level, Meter, Reading, State, Thresholds, advance
from prompts.redis import connection

EASY = settings(deadline=None)
START = 1_796_000_000
SECOND = 1_000_000
USUAL = Thresholds()
NORMAL, LIGHT, SOP, QUEUE = Level


@pytest.fixture
def client() -> Any:
    """Redis with nothing in it."""
    connection().flushdb()
    return connection()


def arrive(client: Any, second: int, *, times: int) -> None:
    """Arrivals as limits.take counts them."""
    for _ in range(times):
        limits.take(client, [], counted_as=load.ARRIVALS, now_us=second * SECOND + 5)


def read(client: Any, second: int, *, thresholds: Thresholds = USUAL) -> Reading:
    return load.read(client, thresholds=thresholds, now_us=second * SECOND)


def climb(*rates: float, level: Level = NORMAL) -> list[Level]:
    """The levels after each second of these rates."""
    state, levels = State(level), []
    for rate in rates:
        state = advance(state, rate=rate, thresholds=USUAL, now=state.second + 1)
        levels.append(state.level)
    return levels


# --- the rule --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "level"),
    [(0, NORMAL), (50, NORMAL), (50.1, LIGHT), (75, LIGHT), (75.1, SOP), (100.1, QUEUE)],
)
def test_level_goes_up_at_once_and_as_far_as_the_rate_says(rate: float, level: Level) -> None:
    assert climb(rate) == [level]


def test_level_comes_down_one_step_after_holding() -> None:
    hold = round(USUAL.hold_seconds)

    levels = climb(*[10.0] * (3 * hold + 2), level=QUEUE)

    # The first second below starts the clock; each step starts it anew.
    assert levels == [QUEUE] * hold + [SOP] * hold + [LIGHT] * hold + [NORMAL] * 2


def test_a_second_above_starts_the_holding_again() -> None:
    assert climb(*[39] * 9, 40, *[39] * 10, 39, level=LIGHT) == [LIGHT] * 20 + [NORMAL]


def test_a_step_down_does_not_count_for_a_level_the_rate_is_too_high_for() -> None:
    # 50 is below what SOP is left at (60), not below what LIGHT is left at (40).
    levels = climb(*[50] * 30, level=SOP)

    assert levels == [SOP] * 10 + [LIGHT] * 20


def test_between_leave_and_enter_the_level_stays() -> None:
    assert set(climb(*[45] * 100, level=LIGHT)) == {LIGHT}
    assert set(climb(*[45] * 100)) == {NORMAL}


@EASY
@given(rates=st.lists(st.floats(0, 200), min_size=1), start=st.sampled_from(Level))
def test_level_never_falls_by_more_than_one_nor_rests_below_the_rate(
    rates: list[float], start: Level
) -> None:
    levels = [start, *climb(*rates, level=start)]

    for before, after, rate in zip(levels, levels[1:], rates, strict=False):
        assert after >= before - 1
        assert after >= sum(rate > enter for enter in USUAL.enter)
        assert after <= before or after == sum(rate > enter for enter in USUAL.enter)


# --- thresholds ------------------------------------------------------------------------------------


def test_usual_thresholds_are_right() -> None:
    assert USUAL.check() == []


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"enter": (50.0, 50.0, 100.0), "leave": (40.0, 45.0, 80.0)}, ["enter_sop"]),
        ({"enter": (50.0, 101.0, 100.0)}, ["enter_queue"]),
        ({"leave": (50.0, 60.0, 80.0)}, ["leave_light"]),
        ({"leave": (40.0, 60.0, 120.0)}, ["leave_queue"]),
        ({"leave": (0.0, 60.0, 80.0)}, ["leave_light"]),
        (
            {"enter": (-1.0, 75.0, 100.0), "leave": (-2.0, 60.0, 80.0)},
            ["enter_light", "leave_light"],
        ),
        ({"hold_seconds": 0.0}, ["hold_seconds"]),
        ({"hold_seconds": math.nan}, ["hold_seconds"]),
        ({"hold_seconds": 601.0}, ["hold_seconds"]),
        ({"mean_seconds": 0}, ["mean_seconds"]),
        ({"mean_seconds": 61}, ["mean_seconds"]),
    ],
)
def test_wrong_thresholds_are_named_in_both_languages(
    change: dict[str, Any], fields: list[str]
) -> None:
    sentences = replace(USUAL, **change).check()

    assert [sentence.split()[0] for sentence in sentences] == fields
    assert all(field in s.split(". ")[1] for field, s in zip(fields, sentences, strict=True))


def test_infinite_rates_are_no_thresholds() -> None:
    found = Thresholds(enter=(math.inf, math.inf, math.inf)).check()

    assert {sentence.split()[0] for sentence in found} >= {
        "enter_light",
        "enter_sop",
        "enter_queue",
    }


# --- over all processes ----------------------------------------------------------------------------


def test_rate_is_the_mean_of_whole_seconds(client: Any) -> None:
    for second, times in ((0, 100), (1, 30), (2, 0), (3, 60), (4, 999)):
        arrive(client, START + second, times=times)

    # Second 4 is not over, second 0 is too long ago.
    assert read(client, START + 4).rate == 30.0


def test_level_follows_the_arrivals_of_all_and_is_kept(client: Any) -> None:
    arrive(client, START, times=240)

    first = read(client, START + 1)
    assert first == Reading(level=SOP, measured=SOP, rate=80.0)
    assert read(client, START + 4) == Reading(level=SOP, measured=SOP, rate=0.0)
    assert read(client, START + 4) == Reading(level=SOP, measured=SOP, rate=0.0)


def test_a_rate_of_exactly_a_threshold_neither_enters_nor_leaves(client: Any) -> None:
    every_second = Thresholds(mean_seconds=1)
    for second, times in enumerate([50, 51] + [40] * 20):
        arrive(client, START + second, times=times)

    levels = [
        read(client, START + second, thresholds=every_second).level for second in (1, 2, 10, 22)
    ]

    assert levels == [NORMAL, LIGHT, LIGHT, LIGHT]


def test_level_depends_on_arrivals_not_on_who_reads_when(client: Any) -> None:
    for second in range(3):
        arrive(client, START + second, times=110)
    assert read(client, START + 3).level == QUEUE

    # Nobody asked for a while: the first who does is not met by a level that is long over.
    assert read(client, START + 3 + 20).level == SOP
    assert read(client, START + 3 + 600).level == NORMAL


def test_a_level_that_was_wiped_is_found_again_from_the_arrivals(client: Any) -> None:
    for second in range(3):
        arrive(client, START + second, times=80)
    assert read(client, START + 5).level == SOP
    client.delete(load.STATE)

    assert read(client, START + 6).level == SOP


def test_nobody_reads_and_nothing_came_leaves_no_key_for_ever(client: Any) -> None:
    read(client, START)

    assert 0 < client.ttl(load.STATE) <= 33 + 60


def test_a_clock_that_was_put_back_does_not_freeze_the_level(client: Any) -> None:
    arrive(client, START, times=400)
    assert read(client, START + 1).level == QUEUE
    earlier = START - 7200

    levels = [read(client, earlier + passed).level for passed in range(31)]

    assert (levels[0], levels[-1]) == (QUEUE, NORMAL)


def test_forced_level_overrides_while_measuring_goes_on(client: Any) -> None:
    arrive(client, START, times=240)

    forced = load.read(client, thresholds=USUAL, forced=NORMAL, now_us=(START + 1) * SECOND)

    assert (forced.level, forced.measured) == (NORMAL, SOP)
    assert read(client, START + 1).level == SOP


def test_read_by_the_servers_clock(client: Any) -> None:
    for _ in range(30):
        limits.take(client, [], counted_as=load.ARRIVALS)
    second = client.time()[0]

    while client.time()[0] <= second:
        pass

    assert load.read(client, thresholds=Thresholds(mean_seconds=60)).rate == 0.5


# Whole ones are met exactly by some rates, the others never.
limits_of_three = st.lists(
    st.integers(2, 20) | st.floats(1, 20), min_size=3, max_size=3, unique=True
).map(sorted)
thresholds = st.builds(
    lambda enter, below, hold, over: Thresholds(
        (enter[0], enter[1], enter[2]),
        (enter[0] - below, enter[1] - below, enter[2] - below),
        hold,
        over,
    ),
    limits_of_three,
    st.sampled_from([0.3, 1]),
    st.floats(0.5, 5),
    st.integers(1, 5),
)
# Seconds passed, arrivals in the second before the last look; a clock may go back.
looks = st.lists(
    st.tuples(st.integers(-1, 4) | st.integers(5, 40), st.integers(0, 25) | st.integers(0, 100)),
    min_size=1,
    max_size=30,
)


@EASY
@given(chosen=thresholds, looks=looks)
def test_the_script_and_this_process_agree(
    chosen: Thresholds, looks: list[tuple[int, int]]
) -> None:
    client: Any = connection()
    client.flushdb()
    meter, now = Meter(), START
    for passed, arrivals in looks:
        if arrivals:
            client.hincrby(load.ARRIVALS, now, arrivals)
            meter.arrivals[now] += arrivals
        now += passed
        here = meter.read(thresholds=chosen, now=now)
        assert read(client, now, thresholds=chosen) == here
        level, below = client.hmget(load.STATE, "level", "below")
        since = -1 if meter.state.below_since is None else meter.state.below_since
        assert (int(level), int(below)) == (meter.state.level, since)


@EASY
@given(counts=st.lists(st.integers(0, 60), min_size=1, max_size=40), data=st.data())
def test_looking_seldom_comes_to_the_same_as_looking_every_second(
    counts: list[int], data: st.DataObject
) -> None:
    chosen = Thresholds((10, 20, 40), (8, 15, 30), hold_seconds=3, mean_seconds=2)
    seldom, often = Meter(), Meter()
    seldom.state = often.state = State(second=START)
    looks = data.draw(st.sets(st.integers(1, len(counts))))
    for passed, count in enumerate(counts, start=1):
        for meter in (seldom, often):
            meter.arrivals += Counter({START + passed - 1: count})
        always = often.read(thresholds=chosen, now=START + passed)
        # A gap as long as three steps down is looked at from its end only.
        if passed in looks or START + passed - seldom.state.second >= 10:
            assert seldom.read(thresholds=chosen, now=START + passed) == always


# --- without Redis ---------------------------------------------------------------------------------


def test_without_redis_this_process_speaks_for_all(tmp_path: Path) -> None:
    client = Redis.from_url(f"unix://{tmp_path}/redis.sock")
    meter = Meter()
    for _ in range(30):
        meter.count(now=START)

    assert meter.read(thresholds=USUAL, processes=4, now=START + 1).rate == 40.0
    assert meter.read(thresholds=USUAL, forced=QUEUE, now=START + 1).level == QUEUE
    away = load.read(client, thresholds=USUAL, forced=LIGHT)
    assert (away.level, away.measured) == (LIGHT, HERE.read(thresholds=USUAL).measured)


def test_meter_forgets_old_seconds() -> None:
    meter = Meter()
    for second in range(1000):
        meter.count(now=START + second)

    assert len(meter.arrivals) == load.KEPT_SECONDS


def test_counts_are_kept_as_long_as_they_are_read() -> None:
    assert limits.COUNTS_KEPT_SECONDS == load.KEPT_SECONDS > load.MOST["mean_seconds"]
