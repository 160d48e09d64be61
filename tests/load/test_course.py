"""When questions become due, and what they took: by a clock of the test's own."""

import itertools
import random

import pytest

from tests.load.course import Course, arrivals


def started(course: Course, at: float = 100.0) -> Course:
    for _ in range(course.users):
        course.note_warm(at)
    return course


def test_arrivals_come_at_their_rate_and_are_the_same_for_the_same_seed() -> None:
    found = list(arrivals(20, 1000, rng=random.Random(3)))

    assert found == sorted(found) == list(arrivals(20, 1000, rng=random.Random(3)))
    assert found != list(arrivals(20, 1000, rng=random.Random(4)))
    assert len(found) == pytest.approx(20_000, rel=0.03)
    # Independent of each other: gaps are spread as widely as they are long.
    gaps = [after - before for before, after in itertools.pairwise(found)]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert spread == pytest.approx(mean, rel=0.05)


def test_a_question_that_found_everybody_busy_counts_its_wait() -> None:
    """One visitor, answers of five seconds: the tenth question waits for nine answers, and its time says so."""
    course = started(Course(users=1, seconds=10, rate=1))
    now = 100.0
    while (asked := course.next(0, now)) is not None:
        now = max(now, asked.due_at) + 5
        asked.first_at = asked.final_at = now

    lines = course.lines()

    due = list(arrivals(1, 10, rng=random.Random(1)))
    assert [line["due_ms"] for line in lines] == [round(at * 1000, 2) for at in due]
    free, took = 0.0, []
    for at in due:
        free = max(free, at) + 5
        took.append(round((free - at) * 1000, 2))
    assert [line["total_ms"] for line in lines] == pytest.approx(took, abs=0.02)
    assert took[-1] > 5000 * len(due) - 10_000


def test_what_was_never_taken_stands_in_the_run() -> None:
    course = started(Course(users=2, seconds=10, rate=3))
    asked = course.next(0, 100.0)
    assert asked is not None
    asked.final_at = 101.0

    lines = course.lines()

    assert len(lines) == len(list(arrivals(3, 10, rng=random.Random(1))))
    assert [line["error"] for line in lines] == ["", *["unserved"] * (len(lines) - 1)]


def test_a_closed_loop_asks_when_the_answer_is_there_until_time_is_up() -> None:
    course = started(Course(users=1, seconds=10))
    now, asked_at = 100.0, []
    while (asked := course.next(0, now)) is not None:
        asked_at.append(asked.due_at)
        now = asked.final_at = asked.due_at + 4

    assert asked_at == [100.0, 104.0, 108.0]
    assert {line["total_ms"] for line in course.lines()} == {4000.0}


def test_a_run_begins_with_the_last_of_its_visitors_and_ends_with_the_last_answer() -> None:
    course = Course(users=2, seconds=10)
    course.note_warm(90.0)
    assert course.start is None
    assert not course.close(200.0, patience_seconds=30)
    course.note_warm(100.0)
    asked = course.next(0, 109.0)
    assert asked is not None

    assert not course.close(111.0, patience_seconds=30)
    assert course.close(140.0, patience_seconds=30)
    asked.final_at = 112.0
    assert course.close(112.0, patience_seconds=30)
    assert not course.close(109.9, patience_seconds=30)
