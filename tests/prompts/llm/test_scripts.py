"""Scripts run by their hash; while Redis is away somebody else answers, and the log stays quiet."""

from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NotReachable
from redis.exceptions import NoScriptError, ResponseError

from prompts.llm import scripts
from prompts.redis import connection

ECHO = "return {ARGV[1], KEYS[1]}"


def dead(folder: Path) -> Redis:
    """A client of a Redis that nobody runs."""
    return Redis.from_url(f"unix://{folder}/redis.sock")


def ping(client: Redis) -> str:
    return scripts.ask(client, lambda: str(client.ping()), otherwise=lambda: "away")


def test_run_loads_the_script_again_after_redis_forgot_it() -> None:
    client = connection()

    answers = [scripts.run(client, ECHO, keys=["k"], args=["first"])]
    client.script_flush()
    with pytest.raises(NoScriptError):
        client.evalsha("0" * 40, 0)
    answers.append(scripts.run(client, ECHO, keys=["k"], args=["second"]))

    assert answers == [[b"first", b"k"], [b"second", b"k"]]


def test_numbers_of_a_time_in_microseconds_lose_no_digit() -> None:
    source = "return {whole(now_us(ARGV[1])), exact(tonumber(ARGV[2]))}"

    moment, number = scripts.run(
        connection(), source, keys=["k"], args=[1_796_000_000_123_457, 0.1 + 0.2]
    )

    assert (int(moment), float(number)) == (1_796_000_000_123_457, 0.1 + 0.2)


def test_time_is_the_servers_when_none_is_given() -> None:
    client: Any = connection()
    seconds, microseconds = client.time()

    now = int(scripts.run(client, "return whole(now_us(ARGV[1]))", keys=["k"], args=[0]))

    later_seconds, later_microseconds = client.time()
    assert seconds * 1_000_000 + microseconds <= now
    assert now <= later_seconds * 1_000_000 + later_microseconds


def test_ask_without_redis_answers_otherwise_and_logs_once_a_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = dead(tmp_path)

    answers = []
    for _ in range(3):
        answers.append(ping(client))
        scripts.outage_of(client).rests_until = 0.0

    assert answers == ["away"] * 3
    [line] = [record for record in caplog.records if record.name == scripts.__name__]
    assert line.levelname == "WARNING"
    assert "model_layer_without_redis" in line.getMessage()
    assert "ConnectionError" in line.getMessage()


def test_nobody_asks_again_while_redis_rests_then_it_is_used_again(tmp_path: Path) -> None:
    client, asked = dead(tmp_path), []

    def question() -> str:
        asked.append(1)
        return str(client.ping())

    def answer() -> str:
        return scripts.ask(client, question, otherwise=lambda: "away")

    scripts.outage_of(client).rests_until = 0.0
    assert answer() == "away"
    scripts.outage_of(client).rests_until += 3600
    assert (answer(), len(asked)) == ("away", 1)
    (tmp_path / "redis.sock").symlink_to(connection().connection_pool.connection_kwargs["path"])
    scripts.outage_of(client).rests_until = 0.0
    assert (answer(), len(asked)) == ("True", 2)


def test_a_refusal_of_redis_counts_as_away_but_other_errors_are_ours() -> None:
    client = Redis.from_url("redis://127.0.0.1:1")  # never asked

    def refuse() -> str:
        raise ResponseError("OOM command not allowed")

    def blunder() -> str:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        scripts.ask(client, blunder, otherwise=lambda: "away")
    assert scripts.ask(client, refuse, otherwise=lambda: "away") == "away"


def test_run_raises_when_redis_is_away(tmp_path: Path) -> None:
    with pytest.raises(NotReachable):
        scripts.run(dead(tmp_path), ECHO, keys=["k"], args=["x"])
