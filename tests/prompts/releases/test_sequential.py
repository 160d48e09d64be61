"""The verdict on an arm: seldom wrong however often one looks, and there when there is a difference."""

import random

from prompts.releases import sequential
from prompts.releases.sequential import ALPHA, Counted, judge

RUNS, MOST = 500, 1200


def first_verdict(
    rng: random.Random, *, arm: float, control: float, every: int, share: float
) -> str:
    """The first word other than "open" of one who looks after every few conversations."""
    good, n = [0, 0], [0, 0]
    for number in range(1, MOST + 1):
        which = int(rng.random() >= share)
        n[which] += 1
        good[which] += rng.random() < (arm, control)[which]
        if number % every == 0:
            found = judge_kind(Counted(good[0], n[0]), Counted(good[1], n[1]))
            if found != "open":
                return found
    return "open"


def judge_kind(arm: Counted, control: Counted) -> str:
    """As `judge`, without the estimate of what is still needed."""
    if sequential.log_evidence(arm, control) < sequential.THRESHOLD:
        return "open"
    return judge(arm, control).kind


def test_peeking_all_the_time_finds_a_difference_where_there_is_none_less_often_than_alpha() -> (
    None
):
    rng = random.Random(20260801)
    for share_well, arm_share in ((0.8, 0.5), (0.95, 0.05), (0.5, 0.2)):
        wrong = sum(
            first_verdict(rng, arm=share_well, control=share_well, every=3, share=arm_share)
            != "open"
            for _ in range(RUNS)
        )
        assert wrong / RUNS < ALPHA


def test_an_arm_that_does_much_worse_or_better_is_found_out() -> None:
    rng = random.Random(7)
    worse = [first_verdict(rng, arm=0.6, control=0.85, every=10, share=0.3) for _ in range(100)]
    better = [first_verdict(rng, arm=0.9, control=0.65, every=10, share=0.3) for _ in range(100)]

    assert worse.count("worse") >= 95
    assert better.count("better") >= 95
    assert "better" not in worse
    assert "worse" not in better


def test_nothing_is_known_of_nothing_and_what_is_needed_shrinks() -> None:
    nothing = judge(Counted(0, 0), Counted(0, 0))
    early = judge(Counted(6, 10), Counted(180, 200))
    later = judge(Counted(15, 25), Counted(450, 500))

    assert (nothing.kind, nothing.needed > 10) == ("open", True)
    assert early.kind == "open"
    assert early.needed > 0
    assert later.kind == "worse" or later.needed < early.needed


def test_as_many_as_it_says_are_enough_if_all_goes_on_like_this() -> None:
    found = judge(Counted(12, 20), Counted(320, 400))
    times = (20 + found.needed) / 20

    assert found.kind == "open"
    assert judge(Counted(12 * times, 20 * times), Counted(320 * times, 400 * times)).kind == "worse"
