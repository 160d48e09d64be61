"""The order of the queue: arrival, brought forward by mood, tier and reasons, and nobody waits for ever."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from chat import ranking
from chat.ranking import Waiting

NOW = 10_000.0


def ids(*queue: Waiting) -> list[str]:
    return [place.id for place in ranking.ordered(queue, now=NOW)]


def test_equal_scores_go_by_arrival() -> None:
    late, early = Waiting("late", NOW - 10), Waiting("early", NOW - 50)
    assert ids(late, early) == ["early", "late"]
    assert {place.score for place in ranking.ordered([late, early], now=NOW)} == {0}


def test_the_same_moment_is_ordered_the_same_way_every_time() -> None:
    a, b = Waiting("a", NOW - 10), Waiting("b", NOW - 10)
    assert ids(a, b) == ids(b, a) == ["a", "b"]


def test_fury_tier_and_reasons_bring_forward_and_say_so() -> None:
    calm = Waiting("calm", NOW - 120)
    urgent = Waiting(
        "urgent", NOW - 60, "negative", 0.95, vip=True, reasons=("restricted", "asked")
    )
    first, second = ranking.ordered([calm, urgent], now=NOW)
    assert first == ranking.Place(
        "urgent", 20, (("wait", 1), ("furious", 6), ("vip", 5), ("restricted", 8))
    )
    assert second == ranking.Place("calm", 2, (("wait", 2),))


def test_displeasure_counts_less_than_fury_and_a_good_mood_nothing() -> None:
    moods = [("negative", 0.95), ("negative", 0.5), ("positive", 0.95)]
    scores = [ranking.place(Waiting("x", NOW, m, s), now=NOW).score for m, s in moods]
    assert scores == [6, 3, 0]


def test_a_reason_twice_counts_once() -> None:
    assert ranking.place(Waiting("x", NOW, reasons=("failed", "failed")), now=NOW).score == 2


def test_a_clock_behind_is_no_wait() -> None:
    assert ranking.place(Waiting("x", NOW + 500), now=NOW).score == 0


waits = st.builds(
    Waiting,
    id=st.uuids().map(str),
    since=st.floats(0, NOW),
    mood=st.sampled_from(["negative", "neutral", "positive"]),
    mood_score=st.floats(0, 1),
    vip=st.booleans(),
    reasons=st.lists(st.sampled_from(["asked", "restricted", "amount", "failed"])).map(tuple),
)


@given(st.lists(waits, max_size=20, unique_by=lambda one: one.id))
def test_everybody_has_one_place_and_scores_never_rise_along_the_queue(
    queue: list[Waiting],
) -> None:
    places = ranking.ordered(queue, now=NOW)
    assert sorted(place.id for place in places) == sorted(one.id for one in queue)
    assert all(a.score >= b.score for a, b in itertools.pairwise(places))
    assert all(place.score == sum(points for _, points in place.because) for place in places)


@given(waits)
def test_whoever_waits_half_an_hour_longer_comes_before_anybody(urgent: Waiting) -> None:
    patient = Waiting("patient", urgent.since - 30 * 60)
    assert ids(urgent, patient)[0] == "patient"
