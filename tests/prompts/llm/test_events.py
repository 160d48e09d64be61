"""Server-sent events out of bytes, however they are cut; and tool calls out of fragments."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts.llm.errors import ErrorClass, ModelError
from prompts.llm.providers import events
from prompts.llm.providers.events import Event

BODY = (
    b"\xef\xbb\xbf: welcome\r\n\r\n"
    b'event: first\r\nid: 7\r\ndata: {"a": "\xe2\x80\xa8\xe5\xa5\xbd"}\r\n\r\n'
    b"data:2\n"
    b"data: 3\n\n"
    b":HTTP_STATUS/429\rdata:  4  \r\r"
    b'retry: 10\n\n{"error": 5}\n\n'
    b"data:\n\nevent: gone\n\ndata: 6"
)
EVENTS = [
    Event('{"a": "\u2028好"}'.encode(), b"first", 7),
    Event(b"2"),
    Event(b"3"),
    Event(b"4", status=429),
    Event(b'{"error": 5}'),
    Event(b""),
    Event(b"6"),
]


def read(*blocks: bytes) -> list[Event]:
    return [event for event in events.read(blocks) if event.data]


def test_events_are_found() -> None:
    assert read(BODY) == [event for event in EVENTS if event.data]


@given(st.lists(st.integers(0, len(BODY)), max_size=40))
def test_events_are_the_same_however_the_body_is_cut(cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(BODY)]
    blocks = [BODY[start:end] for start, end in pairwise(at)]

    assert read(*blocks) == read(BODY)


@pytest.mark.parametrize("block", [b": still here\n\n", b"id: 1\n", b"data: 1", b"", b"\n"])
def test_every_block_is_a_sign_of_life(block: bytes) -> None:
    assert next(events.read(iter([block]))) == events.SILENCE


def test_line_without_end_is_bad_output() -> None:
    blocks = (b"x" * 100_000 for _ in range(100))

    with pytest.raises(ModelError) as caught:
        list(events.read(blocks))

    assert caught.value.kind == ErrorClass.BAD_OUTPUT


@pytest.mark.parametrize("value", [b"x", b"", b"-1", b"1e3", b"\xff"])
def test_number_that_is_none_is_zero(value: bytes) -> None:
    assert read(b"id:" + value + b"\n:HTTP_STATUS/" + value + b"\ndata: 1\n\n") == [Event(b"1")]
