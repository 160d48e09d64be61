"""What can go wrong with a model call.

ModelError          one attempt failed; `kind` says what to do next (design: one table for all vendors)
AllFailed           every endpoint of the plan failed
"""

from enum import StrEnum


class ErrorClass(StrEnum):
    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    QUOTA_AUTH = "quota_auth"
    CONTENT = "content"
    BAD_REQUEST = "bad_request"
    BAD_OUTPUT = "bad_output"


class ModelError(Exception):
    """An attempt at one endpoint failed. Plain values only, so that it can cross processes."""

    def __init__(self, kind: ErrorClass, detail: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds


class AllFailed(Exception):
    """No endpoint of the plan answered; the message names them and their errors."""
