"""Tool calls out of fragments: in pieces, doubled, out of order, and of servers that number them wrongly."""

from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.providers.fragments import Fragments
from prompts.llm.types import ToolCall
from tests.prompts.llm.asking import ORDER

ARGUMENTS = f'{{"order_number": "{ORDER}", "note": "0000 好"}}'


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def whole(*added: tuple[int, str], name: str = "find") -> tuple[ToolCall, ...]:
    """The calls out of fragments of one call, each with the number of its frame."""
    fragments = Fragments()
    fragments.add(0, id="a", name=name)
    for number, arguments in added:
        fragments.add(0, arguments=arguments, number=number)
    return fragments.whole(["find"])


def spoiled(*added: tuple[int, str], name: str = "find") -> ErrorClass:
    with pytest.raises(ModelError) as caught:
        whole(*added, name=name)
    return caught.value.kind


@given(st.integers(1, 60))
def test_pieces_are_joined(size: int) -> None:
    assert whole(*((0, each) for each in pieces(ARGUMENTS, size))) == (
        ToolCall("a", "find", ARGUMENTS),
    )


@given(st.integers(1, 60))
def test_pieces_that_all_come_twice_count_once(size: int) -> None:
    doubled = [(0, each) for each in pieces(ARGUMENTS, size) for _ in range(2)]

    assert whole(*doubled)[0].arguments == ARGUMENTS


@given(st.integers(1, 60), st.randoms(use_true_random=False))
def test_numbered_pieces_are_ordered_and_count_once(size: int, draw: Random) -> None:
    numbered = [*enumerate(pieces(ARGUMENTS, size), start=1)] * 2
    draw.shuffle(numbered)

    assert whole(*numbered)[0].arguments == ARGUMENTS


@given(st.integers(1, 20))
def test_numbers_that_mean_nothing_change_nothing(size: int) -> None:
    assert whole(*((1, each) for each in pieces(ARGUMENTS, size)))[0].arguments == ARGUMENTS


@given(st.integers(1, 20))
def test_whole_call_that_is_repeated_at_the_end_counts_once(size: int) -> None:
    added = [*pieces(ARGUMENTS, size), ARGUMENTS]

    assert whole(*((0, each) for each in added))[0].arguments == ARGUMENTS


@given(st.integers(1, 12), st.randoms(use_true_random=False))
def test_pieces_out_of_order_are_never_taken_for_whole(size: int, draw: Random) -> None:
    shuffled = pieces(ARGUMENTS, size)
    draw.shuffle(shuffled)
    assume("".join(shuffled)[0] != "{" or "".join(shuffled)[-1] != "}")

    assert spoiled(*((0, each) for each in shuffled)) == ErrorClass.BAD_OUTPUT


def test_call_without_arguments_has_none() -> None:
    assert whole() == (ToolCall("a", "find", "{}"),)


@pytest.mark.parametrize(
    "arguments", ['{"a": ', "[]", "5", "null", '{"a": NaN}', '{"a": "\\u0000"}', '{"a": "\\ud83d"}']
)
def test_arguments_that_are_no_object_are_bad_output(arguments: str) -> None:
    assert spoiled((0, arguments)) == ErrorClass.BAD_OUTPUT


@pytest.mark.parametrize("name", ["other", ""])
def test_tool_that_was_not_offered_is_bad_output(name: str) -> None:
    assert spoiled((0, "{}"), name=name) == ErrorClass.BAD_OUTPUT


def test_calls_under_one_index_are_told_apart_by_their_ids() -> None:
    fragments = Fragments()
    for id in ("a", "b"):
        fragments.add(0, id=id, name="find", arguments='{"n":')
        fragments.add(0, arguments="1}")

    assert [(call.id, call.arguments) for call in fragments.whole(["find"])] == [
        ("a", '{"n":1}'),
        ("b", '{"n":1}'),
    ]


def test_id_may_come_late_and_every_call_gets_one() -> None:
    fragments = Fragments()
    fragments.add(0, arguments="{}")
    fragments.add(0, id="a", name="find")
    fragments.add(1, name="find")
    fragments.add(2, name="find")

    first, *others = [call.id for call in fragments.whole(["find"])]

    assert first == "a"
    assert len(set(others) - {"", "a"}) == 2
