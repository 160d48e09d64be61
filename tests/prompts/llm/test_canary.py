"""Buckets, the evenness of order numbers, and the guard of an arm."""

from dataclasses import replace
from random import Random
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prompts.llm import canary
from prompts.llm.canary import ArmStats, Guard

# A busy machine is slow, not wrong.
EASY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CONVERSATION = "7f9c1c9e-6a52-4d5b-9a2e-0d8a0c2f7a11"
EVEN = [100] * 100


# --- buckets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order_number", "bucket"),
    [
        ("20251127000142", 42),
        ("SF-1000000000007", 7),
        ("4200", 0),
        ("10042A", 42),
        ("E1X2", 12),
        ("订单９８", 98),
        ("99", 99),
    ],
)
def test_bucket_is_the_tail_of_the_order_number(order_number: str, bucket: int) -> None:
    assert canary.bucket_of(order_number, CONVERSATION) == (bucket, "order")


@pytest.mark.parametrize("order_number", ["", "A", "A7", "没有"])
def test_without_two_digits_the_conversation_decides(order_number: str) -> None:
    assert canary.bucket_of(order_number, CONVERSATION) == (
        crc32(CONVERSATION.encode()) % 100,
        "conversation",
    )


@EASY
@given(st.text(), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_bucket_is_always_one_of_a_hundred(order_number: str, conversation_id: str) -> None:
    bucket, source = canary.bucket_of(order_number, conversation_id)

    assert 0 <= bucket <= 99
    assert source in {"order", "conversation"}
    assert canary.bucket_of(order_number, conversation_id) == (bucket, source)


def test_conversations_spread_evenly() -> None:
    draw = Random(7)
    ids = [f"{draw.getrandbits(128):032x}" for _ in range(20_000)]
    counts = [0] * 100
    for each in ids:
        counts[canary.bucket_of("", each)[0]] += 1
    assert canary.uniformity_of(counts).verdict == "uniform"


# --- uniformity ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chi_square", "degrees", "p"),
    [
        # Critical values as statistics textbooks print them.
        (3.841, 1, 0.05),
        (6.635, 1, 0.01),
        (7.815, 3, 0.05),
        (30.144, 19, 0.05),
        (123.225, 99, 0.05),
        (134.642, 99, 0.01),
        (77.046, 99, 0.95),
        (98.334, 99, 0.5),
    ],
)
def test_tail_of_chi_square_is_that_of_the_tables(
    chi_square: float, degrees: int, p: float
) -> None:
    assert canary.chi_square_tail(chi_square, degrees=degrees) == pytest.approx(p, rel=2e-3)


def test_tail_of_chi_square_at_its_ends() -> None:
    assert canary.chi_square_tail(0.0, degrees=99) == 1.0
    assert canary.chi_square_tail(1e-300, degrees=99) == pytest.approx(1.0)
    assert canary.chi_square_tail(1e7, degrees=99) == 0.0
    with pytest.raises(ValueError, match="odd"):
        canary.chi_square_tail(1.0, degrees=2)


@EASY
@given(st.floats(0, 1000), st.floats(0, 1000))
def test_tail_of_chi_square_falls(one: float, two: float) -> None:
    low, high = sorted((one, two))
    tails = [canary.chi_square_tail(at, degrees=99) for at in (low, high)]
    assert 1 >= tails[0] >= tails[1] - 1e-12 >= -1e-12


def test_even_endings_are_uniform() -> None:
    found = canary.uniformity_of(EVEN)

    assert (found.n, found.chi_square, found.p_value) == (10_000, 0.0, 1.0)
    assert found.verdict == "uniform"


def test_an_ending_that_carries_something_else_is_found() -> None:
    """A shop whose even numbers are one channel and whose numbers never end in 13."""
    numbers = [f"{at:08d}" for at in range(20_000) if at % 100 != 13]
    numbers += [f"{at:08d}" for at in range(0, 20_000, 100)]

    found = canary.uniformity(numbers)

    assert found.verdict == "uneven"
    assert found.n == len(numbers)
    assert [(tail.bucket, tail.count) for tail in found.worst[:2]] == [(0, 400), (13, 0)]
    assert found.worst[0].ratio == pytest.approx(2.0)


def test_random_endings_are_seldom_called_uneven() -> None:
    draw = Random(11)
    verdicts = [
        canary.uniformity(str(draw.randrange(10**12)) for _ in range(2_000)).verdict
        for _ in range(60)
    ]
    # One in a hundred is expected; five or more in sixty has a chance below 1 in 1000.
    assert verdicts.count("uneven") < 5


@pytest.mark.parametrize(
    ("per_bucket", "verdict"), [(0, "too_few"), (4, "too_few"), (5, "uniform")]
)
def test_few_numbers_prove_nothing(per_bucket: int, verdict: str) -> None:
    assert canary.uniformity_of([per_bucket] * 100).verdict == verdict


def test_numbers_without_a_tail_are_counted_apart() -> None:
    found = canary.uniformity(["A1", "", "12"])
    assert (found.n, found.skipped, found.counts[12]) == (1, 2, 1)


@pytest.mark.parametrize("counts", [[1] * 99, [], [1] * 99 + [-1]])
def test_other_than_a_hundred_counts_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="100 numbers"):
        canary.uniformity_of(counts)


# --- guard ---------------------------------------------------------------------------------------------

GUARD = Guard()
CONTROL = ArmStats(
    turns=5000, takeovers=500, calls=6000, errors=60, asked_json=4000, json_failures=40, p99_ms=2000
)
SOUND = ArmStats(
    turns=400, takeovers=40, calls=500, errors=5, asked_json=300, json_failures=3, p99_ms=2000
)


def test_an_arm_as_good_as_the_control_goes_on() -> None:
    assert canary.judge(SOUND, control=CONTROL, guard=GUARD) is None


@pytest.mark.parametrize(
    ("change", "measure"),
    [
        ({"errors": 16}, "errors"),
        ({"json_failures": 10}, "json_failures"),
        ({"takeovers": 61}, "takeovers"),
        ({"p99_ms": 3001}, "p99_ms"),
    ],
)
def test_each_measure_can_break_the_guard(change: dict[str, int], measure: str) -> None:
    breach = canary.judge(replace(SOUND, **change), control=CONTROL, guard=GUARD)

    assert breach is not None
    assert breach.measure == measure
    assert breach.arm > breach.limit > breach.control
    assert str(breach.samples) in breach.message_zh
    assert str(breach.samples) in breach.message_en


@pytest.mark.parametrize(
    "change", [{"errors": 15}, {"json_failures": 9}, {"takeovers": 60}, {"p99_ms": 3000}]
)
def test_what_the_guard_allows_is_no_breach(change: dict[str, int]) -> None:
    assert canary.judge(replace(SOUND, **change), control=CONTROL, guard=GUARD) is None


def test_too_few_samples_of_the_arm_break_nothing() -> None:
    ill = ArmStats(
        turns=199,
        takeovers=199,
        calls=199,
        errors=199,
        asked_json=199,
        json_failures=199,
        p99_ms=60_000,
    )

    assert canary.judge(ill, control=CONTROL, guard=GUARD) is None
    breach = canary.judge(replace(ill, calls=200), control=CONTROL, guard=GUARD)
    assert breach is not None
    assert breach.measure == "errors"


def test_a_control_without_samples_counts_as_faultless_but_not_as_instant() -> None:
    breach = canary.judge(replace(SOUND, errors=11), control=ArmStats(), guard=GUARD)

    assert breach is not None
    assert (breach.control, breach.limit) == (0.0, 0.02)
    calm = replace(SOUND, takeovers=0)
    assert canary.judge(calm, control=ArmStats(), guard=GUARD) is None


def test_a_breach_reads_as_a_sentence() -> None:
    breach = canary.judge(replace(SOUND, errors=20), control=CONTROL, guard=GUARD)
    assert breach is not None
    assert breach.message_en == "failed calls: 4.00% against 1.00%, at most 3.00% (500 samples)"
    assert breach.message_zh == "调用失败率 4.00%,对照组 1.00%,上限 3.00%(500 个样本)"


EARLY = Guard(early=True)


def test_a_handful_that_all_fail_is_enough_where_one_sample_says_nothing_of_the_next() -> None:
    known = ArmStats(with_model=400)

    def judged(failed: int, of: int, control: ArmStats) -> bool:
        arm = ArmStats(with_model=of, failed=failed, calls=of, errors=failed)
        return canary.judge(arm, control=control, guard=EARLY) is not None

    assert [judged(n, n, known) for n in (2, 3)] == [False, True]
    # Of a control that is not known, as of one that fails as well, more is needed, or nothing is enough.
    assert [judged(n, n, ArmStats()) for n in (5, 20)] == [False, True]
    assert not judged(150, 150, ArmStats(with_model=400, failed=400))
    # A fifth of them is found out later, a fiftieth is allowed.
    assert [judged(n, 5 * n, known) for n in (1, 9)] == [False, True]
    assert not judged(3, 150, known)


def test_few_samples_break_nothing_by_chance() -> None:
    """Arms that fail just as often as they may, looked at after every turn."""
    draw = Random(5)
    control = ArmStats(with_model=10_000, failed=300)
    broken = 0
    for _ in range(300):
        failed = 0
        for n in range(1, 200):
            failed += draw.random() < 0.05
            arm = ArmStats(with_model=n, failed=failed)
            if canary.judge(arm, control=control, guard=EARLY):
                broken += 1
                break
    assert broken <= 2
