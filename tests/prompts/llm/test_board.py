"""One look at the board tells load, breakers and tokens; without Redis it still tells something."""

from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from prompts.llm import board, breaker, limits, load
from prompts.llm.board import Board
from prompts.llm.catalogue import SOP, Endpoint
from prompts.llm.limits import Bucket, Rate, TokenWindow
from prompts.llm.load import Level, Thresholds
from prompts.redis import connection

SECOND = 1_000_000
START = 1_796_000_000 * SECOND
USUAL = Thresholds()
MAIN = Endpoint("main", "openai", tokens_per_minute=6000)
LIGHT = Endpoint("light", "dashscope")
SPARE = Endpoint("spare", "anthropic", tokens_per_minute=600)
ALL = (MAIN, LIGHT, SPARE, SOP)


@pytest.fixture
def client() -> Any:
    """Redis with nothing in it."""
    connection().flushdb()
    return connection()


def read(client: Redis, *, seconds: float = 0, forced: Level | None = None) -> Board:
    now_us = START + round(seconds * SECOND)
    return board.read(client, ALL, thresholds=USUAL, forced=forced, now_us=now_us)


def test_board_of_a_quiet_platform(client: Any) -> None:
    assert read(client) == Board(
        load=Level.NORMAL,
        measured=Level.NORMAL,
        rate=0.0,
        breakers=dict.fromkeys(("main", "light", "spare", "sop"), "closed"),
        tokens_left={"main": 6000, "light": None, "spare": 600, "sop": None},
    )


def test_board_tells_what_happened_to_each_endpoint(client: Any) -> None:
    hold = breaker.Event("hold", 60 * SECOND)
    for name in ("main", "spare"):
        breaker.happen_shared(client, name, event=hold, policy=breaker.POLICY, now_us=START)
        hold = breaker.Event("hold", 10 * SECOND)
    TokenWindow("main", 6000).reserve(client, 2500, now_us=START)
    TokenWindow("spare", 600).reserve(client, 600, now_us=START)
    TokenWindow("spare", 600).settle(client, reserved=600, actual=1000, now_us=START)

    seen = read(client, seconds=10)

    assert seen.breakers == {
        "main": "open",
        "light": "closed",
        "spare": "half_open",
        "sop": "closed",
    }
    assert seen.tokens_left == {"main": 4500, "light": None, "spare": -300, "sop": None}


def test_reading_the_board_moves_the_load_level(client: Any) -> None:
    for _ in range(330):
        limits.take(client, [], counted_as=load.ARRIVALS, now_us=START)

    levels = [read(client, seconds=second).load for second in (0, 1, 4, 13.9, 14, 24, 34)]

    assert levels == [0, 3, 3, 3, 2, 1, 0]
    assert read(client, seconds=34).rate == 0.0
    assert load.read(client, thresholds=USUAL, now_us=START + 34 * SECOND).level == Level.NORMAL


def test_forced_level_is_shown_beside_the_measured_one(client: Any) -> None:
    for _ in range(240):
        limits.take(client, [], counted_as=load.ARRIVALS, now_us=START)

    seen = read(client, seconds=1, forced=Level.QUEUE)

    assert (seen.load, seen.measured, seen.rate) == (Level.QUEUE, Level.SOP, 80.0)


def test_board_is_read_in_one_round_trip(client: Any) -> None:
    read(client)

    with client.monitor() as monitor:
        read(client)
        client.echo("end")
        sent: list[str] = []
        while "ECHO end" not in sent:
            line = monitor.next_command()
            sent += [line["command"]] if line["client_type"] != "lua" else []

    assert [command.split()[0] for command in sent] == ["EVALSHA", "ECHO"]


def test_board_by_the_servers_clock(client: Any) -> None:
    breaker.shut(client, "light")

    seen = board.read(client, ALL, thresholds=USUAL)

    assert (seen.breakers["light"], seen.shared) == ("open", True)


def test_all_keys_share_a_slot(client: Any) -> None:
    breaker.shut(client, "light")
    TokenWindow("main", 6000).reserve(client, 1)
    limits.take(client, [Bucket("user", "u", Rate(1, 1))], counted_as=load.ARRIVALS)
    board.read(client, ALL, thresholds=USUAL)

    names = {key.decode() for key in client.scan_iter("*")}

    assert len(names) == 5
    assert {name[name.index("{") : name.index("}") + 1] for name in names} == {"{llm}"}


def test_without_redis_this_process_says_what_it_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "HERE", load.Meter())
    monkeypatch.setattr(breaker, "HERE", breaker.Here())
    client = Redis.from_url(f"unix://{tmp_path}/redis.sock")
    breaker.shut(client, "main")

    seen = board.read(client, ALL, thresholds=USUAL, forced=Level.SOP, processes=3)

    assert seen == Board(
        load=Level.SOP,
        measured=Level.NORMAL,
        rate=0.0,
        breakers={"main": "open", "light": "closed", "spare": "closed", "sop": "closed"},
        tokens_left=dict.fromkeys(("main", "light", "spare", "sop")),
        shared=False,
    )


def test_arrivals_count_towards_the_load_while_redis_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = load.Meter()
    monkeypatch.setattr(load, "HERE", meter)
    client = Redis.from_url(f"unix://{tmp_path}/redis.sock")
    limiter = board.limiter(client, processes=2, pepper=b"secret")
    bucket = Bucket("user", "u", Rate(1e-6, 100))

    verdicts = [limiter.take([bucket], counted_as=load.ARRIVALS) for _ in range(60)]

    assert sum(verdict.allowed for verdict in verdicts) == 50
    counted = max(meter.arrivals) + 1
    assert meter.read(thresholds=Thresholds(mean_seconds=50), processes=2, now=counted).rate == 2.0
