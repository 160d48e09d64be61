"""What staff watch and switch by hand: load, breakers, a level for rehearsals. Called by the admin and /metrics."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone
from redis import RedisError

from prompts import routing
from prompts.llm import breaker
from prompts.llm.board import Board
from prompts.llm.features import Breaker
from prompts.models import LoadPolicy
from prompts.redis import connection
from prompts.snapshot import announce, snapshot


def board() -> Board:
    """Load level and rate, breakers and tokens left, as all processes share them right now."""
    return routing.read_board(snapshot())


def breakers(endpoints: Iterable[str]) -> dict[str, Breaker]:
    """The breakers of these endpoints, as all processes share them; as this process knows them where Redis is away."""
    return {name: breaker.state(connection(), name) for name in endpoints}


def load_policy() -> LoadPolicy:
    """The one row, made where there is none."""
    row, _ = LoadPolicy.objects.get_or_create(pk=1)
    return row


def force_level(level: int | None, *, minutes: int) -> None:
    """Holds the load at `level` for `minutes`, for rehearsals; None goes back to the measure."""
    until = timezone.now() + timedelta(minutes=minutes) if level is not None else None
    LoadPolicy.objects.filter(pk=load_policy().pk).update(forced_level=level, forced_until=until)
    announce()


def close_breaker(endpoint: str) -> bool:
    """Lets an endpoint be asked again at once; False when Redis could not be told."""
    try:
        breaker.reset(connection(), endpoint)
    except RedisError:
        return False
    return True
