"""How the conversations of a release ended beside everybody else's, read by who keeps conversations."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from prompts.models import Release
from prompts.releases import sequential
from prompts.releases.sequential import Counted, Verdict


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One arm: its turns, those answered without a model among them, and how its conversations ended."""

    turns: int = 0
    without_model: int = 0
    negative: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    # Conversations that heard this arm only; of them, taken over, rated (and the sum), called resolved, disliked.
    conversations: int = 0
    taken_over: int = 0
    rated: int = 0
    score: int = 0
    resolved: int = 0
    disliked: int = 0
    # Those in which nothing was said for a while, and how many of these went well.
    settled: int = 0
    went_well: int = 0


Reader = Callable[[str, datetime, datetime], tuple[Outcomes, Outcomes]]


class Register:
    """Who reads outcomes: chat, which knows conversations, says so when it is loaded."""

    reader: Reader | None = None


def register(reader: Reader) -> None:
    """`reader(name, since, until)` gives the outcomes of the release of that name, and of the others."""
    Register.reader = reader


def read(release: Release, *, since: datetime | None = None) -> tuple[Outcomes, Outcomes]:
    """The release and the others while it was on canary, or `since` then."""
    until = release.published_at or release.ended_at or timezone.now()
    begun = since or release.started_at
    if Register.reader is None or begun is None:
        return Outcomes(), Outcomes()
    return Register.reader(release.name, begun, until)


def judged(arm: Outcomes, control: Outcomes) -> Verdict:
    """Over all its canary: a window that forgets would look at the same conversations anew."""
    return sequential.judge(
        Counted(arm.went_well, arm.settled), Counted(control.went_well, control.settled)
    )
