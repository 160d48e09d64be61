"""The expected share of good answers: what counts say, what is believed before, and that strength never hurts."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prompts.llm import quality
from prompts.llm.features import Option, Tally

# A busy machine is slow, not wrong.
EASY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# At most as many good ones as there are.
TALLIES = st.tuples(st.integers(0, 500), st.integers(0, 500)).map(
    lambda pair: Tally(good=min(pair), n=max(pair))
)
OPTIONS = st.lists(
    st.builds(
        Option,
        name=st.sampled_from("abcdefgh"),
        strength=st.sampled_from([1, 2, 3]),
        quality=st.floats(0, 1),
        overall=TALLIES,
        of_intent=TALLIES,
        of_cell=TALLIES,
    ),
    unique_by=lambda option: option.name,
    max_size=6,
)


def test_without_counts_the_expectation_stands() -> None:
    assert quality.p_ok(Option(name="a", quality=0.8)) == pytest.approx(0.8)


def test_each_level_is_the_prior_of_the_next() -> None:
    option = Option(
        name="a", quality=0.8, overall=Tally(70, 90), of_intent=Tally(10, 10), of_cell=Tally(0, 30)
    )

    # (70 + 10 x 0.8) / 100, (10 + 10 x 0.78) / 20, (0 + 10 x 0.89) / 40
    assert quality.p_ok(option) == pytest.approx(0.2225)


def test_many_counts_outweigh_the_expectation() -> None:
    option = Option(name="a", quality=0.0, of_cell=Tally(9_000, 10_000))
    assert quality.p_ok(option) == pytest.approx(0.9, abs=0.001)


def test_a_heavier_prior_moves_less() -> None:
    option = Option(name="a", quality=0.5, of_cell=Tally(10, 10))
    assert quality.p_ok(option, prior_mass=10) == pytest.approx(0.75)
    assert quality.p_ok(option, prior_mass=90) == pytest.approx(0.55)


def test_a_stronger_option_shares_what_a_lighter_one_earned() -> None:
    light = Option(name="light", strength=1, quality=0.9, of_cell=Tally(90, 100))
    strong = Option(name="strong", strength=3, quality=0.6)

    found = quality.by_strength([strong, light])

    # Means 0.9 of mass 110 and 0.6 of mass 10.
    assert found["light"] == found["strong"] == pytest.approx((0.9 * 110 + 0.6 * 10) / 120)


def test_options_of_one_strength_keep_their_difference() -> None:
    better = Option(name="a", strength=2, quality=0.9)
    worse = Option(name="b", strength=2, quality=0.7)
    assert quality.by_strength([better, worse]) == {"a": 0.9, "b": 0.7}


@EASY
@given(OPTIONS)
def test_quality_never_falls_with_strength(options: list[Option]) -> None:
    found = quality.by_strength(options)

    assert set(found) == {option.name for option in options}
    for option in options:
        assert -1e-9 <= found[option.name] <= 1 + 1e-9
        for other in options:
            if option.strength < other.strength:
                assert found[option.name] <= found[other.name] + 1e-9


@EASY
@given(OPTIONS)
def test_pooling_moves_no_mass(options: list[Option]) -> None:
    found = quality.by_strength(options)

    masses = {option.name: option.of_cell.n + quality.PRIOR_MASS for option in options}
    before = sum(quality.p_ok(option) * masses[option.name] for option in options)
    assert math.isclose(sum(found[name] * mass for name, mass in masses.items()), before)


@EASY
@given(TALLIES, TALLIES, st.floats(0, 1))
def test_a_good_answer_more_never_lowers_it(overall: Tally, cell: Tally, expected: float) -> None:
    before = Option(name="a", quality=expected, overall=overall, of_cell=cell)
    after = Option(
        name="a", quality=expected, overall=overall, of_cell=Tally(cell.good + 1, cell.n + 1)
    )
    assert quality.p_ok(after) >= quality.p_ok(before) - 1e-12
