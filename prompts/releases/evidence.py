"""How the conversations of a release ended beside everybody else's, read by who keeps conversations."""

import time
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


@dataclass(frozen=True, slots=True)
class Kept:
    """What was read, and until when (monotonic seconds) it may be told again."""

    until: float
    found: tuple[Outcomes, Outcomes]


# It takes the longer to read, the longer a canary runs. What took more than SLOW_SECONDS is told again for so many times
# as long: a process spends no more than a tenth of its time on a release.
SLOW_SECONDS, KEPT_TIMES, KEPT_MOST = 1.0, 10, 32
KEPT: dict[tuple[str, datetime, datetime | None], Kept] = {}


def register(reader: Reader | None) -> None:
    """`reader(name, since, until)` gives the outcomes of the release of that name, and of the others."""
    Register.reader = reader
    KEPT.clear()


def read(release: Release, *, since: datetime | None = None) -> tuple[Outcomes, Outcomes]:
    """The release and the others while it was on canary, or `since` then; where that is slow, as of a moment ago."""
    ended = release.published_at or release.ended_at
    begun = since or release.started_at
    if Register.reader is None or begun is None:
        return Outcomes(), Outcomes()
    asked = (release.name, begun.replace(second=0, microsecond=0), ended)
    now = time.monotonic()
    kept = KEPT.get(asked)
    if kept is not None and now < kept.until:
        return kept.found
    found = Register.reader(release.name, begun, ended or timezone.now())
    keep(asked, found, took=time.monotonic() - now)
    return found


def keep(
    asked: tuple[str, datetime, datetime | None], found: tuple[Outcomes, Outcomes], *, took: float
) -> None:
    if took < SLOW_SECONDS:
        return
    for oldest in list(KEPT)[: len(KEPT) - KEPT_MOST + 1]:
        KEPT.pop(oldest, None)
    KEPT[asked] = Kept(time.monotonic() + KEPT_TIMES * took, found)


def judged(arm: Outcomes, control: Outcomes) -> Verdict:
    """Over all its canary: a window that forgets would look at the same conversations anew."""
    return sequential.judge(
        Counted(arm.went_well, arm.settled), Counted(control.went_well, control.settled)
    )
