"""Says no to whoever sends too much, and when to come back. Called by the other actions."""

from uuid import UUID

from chat.protocol import ProtocolError
from prompts.llm.limits import Verdict


def check_admitted(verdict: Verdict, *, client_id: UUID | None = None) -> None:
    """Raises ProtocolError `rate_limited`, saying when to come back."""
    if not verdict.allowed:
        raise ProtocolError(
            "rate_limited", client_id=client_id, retry_after_ms=verdict.wait_ms or None
        )
