"""The thresholds in force, read from their row as often as prompts.snapshot is taken: within seconds of a change."""

from chat.escalation.decide import DEFAULT_POINTS, DEFAULT_RESTRICTED, Policy
from chat.models import EscalationPolicy
from prompts.snapshot import snapshot


class Cache:
    """The process's copy of the row. Two threads that read it at once read the same."""

    def __init__(self) -> None:
        self.kept: tuple[float, Policy] | None = None

    def get(self) -> Policy:
        taken_at, kept = snapshot().taken_at, self.kept
        if kept is None or kept[0] != taken_at:
            self.kept = kept = (taken_at, read())
        return kept[1]


CACHE = Cache()


def policy() -> Policy:
    """The thresholds in force; staff announce a change as they do that of a prompt."""
    return CACHE.get()


def read() -> Policy:
    row = EscalationPolicy.objects.filter(pk=1).first() or EscalationPolicy()
    words = (line.strip().lower() for line in row.restricted.splitlines())
    return Policy(
        hand_over_at=row.hand_over_at,
        offer_at=row.offer_at,
        furious_from=row.furious_from,
        points=DEFAULT_POINTS | row.points,
        restricted=tuple(word for word in words if word) or DEFAULT_RESTRICTED,
        amount_limit=row.amount_limit,
    )
