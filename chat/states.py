"""The states of conversations and turns with the moves between them. Plain Python, imported by all of chat."""

from enum import StrEnum


class Owner(StrEnum):
    """Who answers next. Every change of owner increments the conversation's epoch."""

    BOT = "bot"
    QUEUE = "queue"
    AGENT = "agent"


class TurnState(StrEnum):
    """A bot run over one or more visitor messages."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class Role(StrEnum):
    VISITOR = "visitor"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"


class Presence(StrEnum):
    ONLINE = "online"
    BUSY = "busy"
    AWAY = "away"


class Tier(StrEnum):
    """How a shop treats a customer; only the shop itself or its staff can say so."""

    STANDARD = "standard"
    VIP = "vip"


class Reception(StrEnum):
    """Who receives a new conversation."""

    BOT_FIRST = "bot_first"
    HUMAN_FIRST = "human_first"
    CHOOSE = "choose"
    BOT_ONLY = "bot_only"
    HUMAN_ONLY = "human_only"


class EscalationEnd(StrEnum):
    """How a wait for a person ended; empty while it lasts."""

    WAITING = ""
    CLAIMED = "claimed"
    LEFT = "left"
    RESOLVED = "resolved"


class CallState(StrEnum):
    """A call of a tool: what the customer is asked first begins as proposed, everything else as running."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    # The shop may or may not have done it: nobody knows.
    UNKNOWN = "unknown"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Intake(StrEnum):
    """How a waiting conversation reaches an agent: they take it, or it is given to one."""

    PULL = "pull"
    PUSH = "push"


class RingEnd(StrEnum):
    """How asking an agent to take a conversation ended; empty while it lasts."""

    RINGING = ""
    ACCEPTED = "accepted"
    MISSED = "missed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    """What other systems are told of."""

    OPENED = "conversation.opened"
    MESSAGE = "message.created"
    QUEUED = "conversation.queued"
    CLAIMED = "conversation.claimed"
    HANDED_BACK = "conversation.handed_back"
    RESOLVED = "conversation.resolved"
    RATED = "conversation.rated"
    PING = "ping"


class Delivered(StrEnum):
    """What became of telling another system. A failed one was tried often enough; staff may send it again."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class Writing(StrEnum):
    """What became of something that a model was asked to write for an agent."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Help(StrEnum):
    """What an agent may have written."""

    DRAFT = "draft"
    REWRITE = "rewrite"
    SUMMARY = "summary"
    TRANSLATE = "translate"


class Grade(StrEnum):
    """What an agent thought of a brief; empty until somebody said so."""

    NONE = ""
    GOOD = "good"
    BAD = "bad"


OWNER_MOVES: dict[Owner, frozenset[Owner]] = {
    Owner.BOT: frozenset({Owner.QUEUE, Owner.AGENT}),
    Owner.QUEUE: frozenset({Owner.BOT, Owner.AGENT}),
    # Agent to agent is a transfer: the owner stays an agent, and the epoch still moves.
    Owner.AGENT: frozenset({Owner.BOT, Owner.QUEUE, Owner.AGENT}),
}

TURN_MOVES: dict[TurnState, frozenset[TurnState]] = {
    TurnState.QUEUED: frozenset({TurnState.RUNNING, TurnState.FAILED, TurnState.SUPERSEDED}),
    # Running to running when a lease ran out: another worker takes it over.
    # Running to queued when the platform is overrun: the turn waits its time.
    TurnState.RUNNING: frozenset(
        {
            TurnState.RUNNING,
            TurnState.QUEUED,
            TurnState.DONE,
            TurnState.FAILED,
            TurnState.SUPERSEDED,
        }
    ),
    TurnState.DONE: frozenset(),
    TurnState.FAILED: frozenset(),
    TurnState.SUPERSEDED: frozenset(),
}

TURN_OPEN = frozenset({TurnState.QUEUED, TurnState.RUNNING})


class IllegalMove(ValueError):
    """A state was asked to become one it may not become."""


def check_owner_move(current: Owner, to: Owner) -> None:
    """Raises IllegalMove unless a conversation owned by `current` may pass to `to`."""
    if to not in OWNER_MOVES[current]:
        raise IllegalMove(f"owner {current} -> {to}")


def check_turn_move(current: TurnState, to: TurnState) -> None:
    """Raises IllegalMove unless a turn in `current` may become `to`."""
    if to not in TURN_MOVES[current]:
        raise IllegalMove(f"turn {current} -> {to}")


def shown_state(owner: Owner, *, resolved: bool) -> str:
    """The `state` that protocol.md shows to a visitor."""
    if resolved:
        return "resolved"
    return "queued" if owner is Owner.QUEUE else str(owner)
