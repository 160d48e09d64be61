"""Every move of conversations and turns: those that are allowed, and no other."""

from itertools import product

import pytest

from chat.states import (
    TURN_OPEN,
    IllegalMove,
    Owner,
    TurnState,
    check_owner_move,
    check_turn_move,
    shown_state,
)

OWNER_MOVES = {
    ("bot", "queue"),
    ("bot", "agent"),
    ("queue", "bot"),
    ("queue", "agent"),
    ("agent", "bot"),
    ("agent", "queue"),
    ("agent", "agent"),
}
TURN_MOVES = {
    ("queued", "running"),
    ("queued", "failed"),
    ("queued", "superseded"),
    ("running", "running"),
    ("running", "queued"),
    ("running", "done"),
    ("running", "failed"),
    ("running", "superseded"),
}


@pytest.mark.parametrize(("current", "to"), list(product(Owner, Owner)))
def test_owner_moves(current: Owner, to: Owner) -> None:
    if (current, to) in OWNER_MOVES:
        check_owner_move(current, to)
    else:
        with pytest.raises(IllegalMove, match=f"owner {current} -> {to}"):
            check_owner_move(current, to)


@pytest.mark.parametrize(("current", "to"), list(product(TurnState, TurnState)))
def test_turn_moves(current: TurnState, to: TurnState) -> None:
    if (current, to) in TURN_MOVES:
        check_turn_move(current, to)
    else:
        with pytest.raises(IllegalMove, match=f"turn {current} -> {to}"):
            check_turn_move(current, to)


def test_open_turns_are_those_that_may_still_move() -> None:
    assert {(current, to) for current, to in TURN_MOVES if current in TURN_OPEN} == TURN_MOVES


@pytest.mark.parametrize(
    ("owner", "resolved", "shown"),
    [
        (Owner.BOT, False, "bot"),
        (Owner.QUEUE, False, "queued"),
        (Owner.AGENT, False, "agent"),
        (Owner.BOT, True, "resolved"),
        (Owner.AGENT, True, "resolved"),
    ],
)
def test_shown_state_speaks_the_protocol(owner: Owner, resolved: bool, shown: str) -> None:
    assert shown_state(owner, resolved=resolved) == shown
