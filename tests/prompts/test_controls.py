"""What staff watch and switch by hand: the board, a level for rehearsals, a breaker."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prompts import admission, completion, controls, redis
from prompts.llm import breaker, load
from prompts.llm.load import Level
from prompts.models import LoadPolicy
from prompts.redis import connection
from tests.fakes.provider_control import ProviderControl
from tests.prompts.rows import KEYS, endpoint


@pytest.fixture(autouse=True)
def fresh(transactional_db: None, settings: Any) -> Iterator[None]:
    settings.MODEL_API_KEYS = KEYS
    completion.CACHE.clear()
    yield
    completion.CACHE.clear()


@pytest.fixture
def no_redis(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.REDIS_URL = f"unix://{tmp_path}/nothing-here.sock"
    redis.connection.cache_clear()
    yield
    redis.connection.cache_clear()


def test_board_shows_every_endpoint_that_is_switched_on(provider: ProviderControl) -> None:
    endpoint(provider, "open")
    endpoint(provider, "fine", tokens_per_minute=100)
    endpoint(provider, "off", enabled=False)
    breaker.cool(connection(), "open", 60)

    board = controls.board()

    assert board.breakers == {"open": "open", "fine": "closed"}
    assert board.tokens_left == {"open": None, "fine": 100}
    assert (board.load, board.rate, board.shared) == (Level.NORMAL, 0.0, True)


def test_load_policy_is_made_once() -> None:
    assert controls.load_policy() == controls.load_policy()
    assert LoadPolicy.objects.count() == 1


@pytest.mark.parametrize("level", list(Level))
def test_forced_level_holds_at_once_and_the_measure_goes_on(level: Level) -> None:
    assert controls.board().load is Level.NORMAL
    controls.force_level(level, minutes=1)
    board = controls.board()
    assert (board.load, board.measured) == (level, Level.NORMAL)
    controls.force_level(None, minutes=1)
    assert controls.board().load is Level.NORMAL
    assert LoadPolicy.objects.get().forced_until is None


def test_measured_level_follows_the_arrivals_and_the_thresholds() -> None:
    LoadPolicy.objects.create(
        pk=1, enter_light=2, leave_light=1, enter_sop=50, leave_sop=40, mean_seconds=3
    )
    time_us: Any = connection().time()
    second = int(time_us[0])
    busy: dict[str, int] = {str(past): 10 for past in range(second - 30, second + 30)}
    connection().hset(load.ARRIVALS, mapping=busy)
    board = controls.board()
    assert (board.load, board.measured, board.rate) == (Level.LIGHT, Level.LIGHT, 10.0)


def test_closed_breaker_lets_the_endpoint_be_asked_again(provider: ProviderControl) -> None:
    endpoint(provider, "main")
    breaker.shut(connection(), "main")
    assert controls.board().breakers == {"main": "open"}
    assert controls.close_breaker("main")
    assert controls.board().breakers == {"main": "closed"}


@pytest.mark.usefixtures("no_redis")
def test_without_redis_the_board_is_that_of_this_process(provider: ProviderControl) -> None:
    endpoint(provider, "main")
    controls.force_level(Level.LIGHT, minutes=1)
    board = controls.board()
    assert (board.load, board.breakers, board.shared) == (Level.LIGHT, {"main": "closed"}, False)
    assert not controls.close_breaker("main")


def test_limiter_is_one_per_process() -> None:
    assert admission.limiter() is admission.limiter()
