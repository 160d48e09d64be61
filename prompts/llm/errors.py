"""What can go wrong with a model call, and what follows from it.

ModelError          one attempt failed; `kind` says what to do next, by the one table ACTIONS
AllFailed           every endpoint of the plan failed
"""

from dataclasses import dataclass
from enum import StrEnum


class ErrorClass(StrEnum):
    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    QUOTA_AUTH = "quota_auth"
    CONTENT = "content"
    BAD_REQUEST = "bad_request"
    OVERFLOW = "overflow"
    BAD_OUTPUT = "bad_output"


class Next(StrEnum):
    """Who is asked after an endpoint failed for good."""

    FALLBACK = "fallback"
    LARGER_WINDOW = "larger_window"
    POLICY_TEXT = "policy_text"


class Health(StrEnum):
    """What a failure says about its endpoint."""

    COUNTS = "counts"
    COOLS = "cools"
    SHUTS = "shuts"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Action:
    """`retries` at the same endpoint, and only before the first token; then `next`."""

    retries: int
    next: Next
    health: Health


ACTIONS: dict[ErrorClass, Action] = {
    ErrorClass.RATE_LIMIT: Action(2, Next.FALLBACK, Health.COOLS),
    ErrorClass.TIMEOUT: Action(1, Next.FALLBACK, Health.COUNTS),
    ErrorClass.UNAVAILABLE: Action(0, Next.FALLBACK, Health.COUNTS),
    # A key that does not open the door will not do so in a second either.
    ErrorClass.QUOTA_AUTH: Action(0, Next.FALLBACK, Health.SHUTS),
    # Another vendor's filter is no way around this one's: the shop's own words answer.
    ErrorClass.CONTENT: Action(0, Next.POLICY_TEXT, Health.NOTHING),
    ErrorClass.BAD_REQUEST: Action(0, Next.FALLBACK, Health.NOTHING),
    ErrorClass.OVERFLOW: Action(0, Next.LARGER_WINDOW, Health.NOTHING),
    # The repair of a JSON answer is a call of its own, see gateway.ask.
    ErrorClass.BAD_OUTPUT: Action(0, Next.FALLBACK, Health.COUNTS),
}


class ModelError(Exception):
    """An attempt at one endpoint failed. Plain values only, so that it can cross processes.

    `detail` is for logs and staff: never a customer's words, a key or a vendor's raw body.
    """

    def __init__(self, kind: ErrorClass, detail: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds

    @property
    def action(self) -> Action:
        return ACTIONS[self.kind]


class AllFailed(Exception):
    """No endpoint of the plan answered; the message names them and their errors."""
