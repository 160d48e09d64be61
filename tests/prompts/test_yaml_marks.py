"""YAML read with its places: what is refused, and where each part stands."""

import pytest

from prompts.yaml_marks import Malformed, Mark, load


def reason(text: str) -> tuple[str, Mark]:
    with pytest.raises(Malformed) as error:
        load(text)
    return error.value.reason, error.value.mark


def test_values_know_their_places() -> None:
    found = load("a: 1\nb:\n  - x\n  - y: no\n")

    assert found.value == {"a": 1, "b": ["x", {"y": False}]}
    assert found.at(("b", 1, "y")) == Mark(4, 5)
    assert found.at(("b", 1, "y", "deeper")) == Mark(4, 5)
    assert found.at(("nowhere",)) == Mark(1, 1)


def test_a_key_that_stands_again_is_told_at_its_place_and_the_first_counts() -> None:
    found = load("a: 1\nb: {c: 1, c: 2}\na: 3\n")

    assert found.value == {"a": 1, "b": {"c": 1}}
    assert found.doubled == [(("b", "c"), Mark(2, 11)), (("a",), Mark(3, 1))]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: &x [1]\nb: *x\n", ("aliases", Mark(2, 4))),
        ("a: !!python/object/apply:os.system [x]\n", ("tag", Mark(1, 4))),
        ("a: !!binary aGk=\n", ("tag", Mark(1, 4))),
        ("<<: {a: 1}\n", ("key", Mark(1, 1))),
        ("[1]: 2\n", ("key", Mark(1, 1))),
        ("[" * 21, ("depth", Mark(1, 21))),
        ("[" * 100_000, ("depth", Mark(1, 21))),
        ("a: [1\n", ("broken", Mark(2, 1))),
        ("a: 1\n--- \nb: 2\n", ("broken", Mark(2, 1))),
        ("a: 2026-13-45\n", ("broken", Mark(1, 4))),
    ],
)
def test_what_is_no_plain_value_is_refused_at_its_place(
    text: str, wanted: tuple[str, Mark]
) -> None:
    assert reason(text) == wanted


def test_nothing_is_nothing() -> None:
    assert load("").value is None
