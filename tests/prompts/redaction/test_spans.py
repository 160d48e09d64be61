"""Of overlapping spans the surest stays; an address keeps what the others leave of it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from prompts.redaction.spans import TYPES, Span, resolved


def test_the_higher_score_wins_then_the_longer() -> None:
    low, high = Span(0, 9, "NAME", 0.5), Span(2, 4, "PHONE", 0.9)
    assert resolved([low, high]) == [high]
    short, long = Span(0, 4, "NAME", 0.5), Span(0, 9, "NAME", 0.5)
    assert resolved([short, long]) == [long]


def test_an_address_is_cut_around_what_is_surer() -> None:
    phone = Span(10, 21, "PHONE", 1.0)
    assert resolved([Span(0, 30, "ADDRESS", 0.8), phone]) == [
        Span(0, 10, "ADDRESS", 0.8),
        phone,
        Span(21, 30, "ADDRESS", 0.8),
    ]


def test_crumbs_of_an_address_are_dropped() -> None:
    phone = Span(2, 21, "PHONE", 1.0)
    assert resolved([Span(0, 23, "ADDRESS", 0.8), phone]) == [phone]


spans = st.builds(
    lambda start, length, kind, score: Span(start, start + length, kind, score),
    st.integers(0, 60),
    st.integers(1, 20),
    st.sampled_from(TYPES),
    st.sampled_from([0.5, 0.7, 1.0]),
)


@given(st.lists(spans, max_size=30))
def test_resolved_is_in_order_without_overlap_and_leaves_no_number_uncovered(
    found: list[Span],
) -> None:
    kept = resolved(found)
    assert all(one.end <= other.start for one, other in pairwise(kept))
    for span in found:
        assert any(one.start < span.end and span.start < one.end for one in kept) or (
            span.type == "ADDRESS" and span.end - span.start < 3
        )
