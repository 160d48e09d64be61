"""Who is asked for what: the queue's order, room, teams, skills, whom a customer knows."""

import pytest

from chat.matching import Free, Wish, pairs


@pytest.mark.parametrize(
    ("wishes", "agents", "given"),
    [
        pytest.param([], [Free(1, 0, 5)], [], id="nothing waits"),
        pytest.param([Wish("a")], [], [], id="nobody is there"),
        pytest.param([Wish("a"), Wish("b")], [Free(1, 4, 5)], [("a", 1)], id="room for one"),
        pytest.param([Wish("a")], [Free(1, 5, 5)], [], id="no room"),
        pytest.param([Wish("a")], [Free(1, 2, 4), Free(2, 2, 8)], [("a", 2)], id="most room"),
        pytest.param(
            [Wish("a")], [Free(1, 0, 5, since=9), Free(2, 0, 5, since=3)], [("a", 2)],
            id="asked least lately",
        ),
        pytest.param(
            [Wish("a"), Wish("b")], [Free(1, 0, 5), Free(2, 0, 5)], [("a", 1), ("b", 2)],
            id="what is given counts at once",
        ),
        pytest.param(
            [Wish("a", skills=frozenset({7}))],
            [Free(1, 0, 5), Free(2, 3, 5, skills=frozenset({7}))], [("a", 2)], id="the skilled",
        ),
        pytest.param(
            [Wish("a", skills=frozenset({7, 8}))],
            [Free(1, 0, 5, skills=frozenset({7})), Free(2, 3, 5, skills=frozenset({7, 8}))],
            [("a", 2)], id="more of the skills",
        ),
        pytest.param(
            [Wish("a", skills=frozenset({7}))], [Free(1, 0, 5)], [("a", 1)],
            id="nobody skilled is online",
        ),
        pytest.param(
            [Wish("a", skills=frozenset({7}))],
            [Free(1, 0, 5), Free(2, 5, 5, skills=frozenset({7}))], [],
            id="the skilled one is waited for",
        ),
        pytest.param(
            [Wish("a", team=3)], [Free(1, 0, 5), Free(2, 1, 5, teams=frozenset({3}))],
            [("a", 2)], id="the team",
        ),
        pytest.param([Wish("a", team=3)], [Free(1, 0, 5)], [("a", 1)], id="no member is online"),
        pytest.param(
            [Wish("a", known=2)], [Free(1, 0, 5), Free(2, 4, 5)], [("a", 2)],
            id="whom the customer knows",
        ),
        pytest.param(
            [Wish("a", known=2)], [Free(1, 0, 5), Free(2, 5, 5)], [("a", 1)],
            id="the one it knows has no room",
        ),
        pytest.param(
            [Wish("a", asked=frozenset({1}))], [Free(1, 0, 5), Free(2, 4, 5)], [("a", 2)],
            id="who was asked already is not again",
        ),
    ],
)  # fmt: skip
def test_pairs(wishes: list[Wish], agents: list[Free], given: list[tuple[str, int]]) -> None:
    assert pairs(wishes, agents) == given
