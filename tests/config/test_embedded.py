"""The embedded Postgres and Redis: private, durable, and started again after whatever happened to them."""

import logging
import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config import embedded
from config.embedded import account, binaries, postgres, server
from config.embedded.locations import data_dir

IS_ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture(scope="module")
def running() -> Iterator[embedded.Services]:
    with (
        tempfile.TemporaryDirectory(prefix="yingda-embedded-", ignore_cleanup_errors=True) as home,
        embedded.services(Path(home)) as services,
    ):
        yield services


def ask(services: embedded.Services, query: str) -> str:
    with psycopg.connect(services.database_url) as database:
        row = database.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def test_addresses_follow_from_the_home_alone() -> None:
    home = Path("/srv/my shop")
    assert embedded.run_dir(home) == home / "run" / "sockets"
    assert (
        embedded.database_url(home) == "postgres://yingda@%2Fsrv%2Fmy%20shop%2Frun%2Fsockets/yingda"
    )
    assert embedded.redis_url(home) == "unix:///srv/my%20shop/run/sockets/redis.sock?db=0"


def test_long_home_gets_a_short_socket_directory(tmp_path: Path) -> None:
    home = tmp_path / ("很长" * 20)
    place = embedded.run_dir(home)
    assert len(os.fsencode(place)) < 60
    try:
        with embedded.services(home) as services:
            assert ask(services, "SELECT 1") == "1"
            assert redis.Redis.from_url(services.redis_url).ping()
        assert place.stat().st_mode & 0o777 == 0o700
    finally:
        place.rmdir()


def test_database_is_durable_and_speaks_unicode(running: embedded.Services) -> None:
    assert ask(running, "SHOW fsync") == "on"
    assert ask(running, "SHOW synchronous_commit") == "on"
    assert ask(running, "SHOW timezone") == "UTC"
    assert ask(running, "SELECT current_user") == "yingda"
    assert ask(running, "SELECT lower('ÄÖ订单')") == "äö订单"
    assert ask(running, "SELECT to_tsvector('simple', '我的 订单')") == "'我的':1 '订单':2"


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_server_is_reached_by_its_private_socket_only(
    running: embedded.Services, name: str
) -> None:
    kinds = {c.family.name for c in psutil.Process(running.pid(name)).net_connections("all")}
    assert kinds == {"AF_UNIX"}
    assert embedded.run_dir(running.home).stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not IS_ROOT, reason="needs two accounts")
@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_other_local_users_cannot_connect(running: embedded.Services, name: str) -> None:
    sockets = str(embedded.run_dir(running.home))
    client = {
        "postgres": [
            str(binaries.find_postgres_bin() / "pg_isready"),
            "-h",
            sockets,
            "-U",
            "yingda",
        ],
        "redis": [
            str(binaries.find_redis_server().with_name("redis-cli")),
            "-s",
            f"{sockets}/redis.sock",
            "ping",
        ],
    }[name]

    as_root = subprocess.run(client, cwd="/", capture_output=True, check=False)
    as_nobody = subprocess.run(client, cwd="/", capture_output=True, check=False, user=NOBODY)

    assert as_root.returncode == 0
    assert as_nobody.returncode != 0


@pytest.mark.skipif(not IS_ROOT, reason="only root hands the services to another account")
@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_root_runs_the_services_as_another_account(running: embedded.Services, name: str) -> None:
    process = psutil.Process(running.pid(name))
    assert process.username() == account.ACCOUNT_NAME
    assert set(process.environ()) <= {"PATH", "LC_ALL", "TZ"}


def test_killed_servers_come_back_with_the_rows(running: embedded.Services) -> None:
    with psycopg.connect(running.database_url) as database:
        database.execute("CREATE TABLE survives (word text)")
        database.execute("INSERT INTO survives VALUES ('yes')")
    redis.Redis.from_url(running.redis_url).set("survives", "no")

    running.kill_postgres()
    running.kill_redis()
    running.start_postgres()
    running.start_redis()

    assert ask(running, "SELECT word FROM survives") == "yes"
    assert redis.Redis.from_url(running.redis_url).get("survives") is None


def test_killed_postgres_comes_back_while_its_backends_are_busy(running: embedded.Services) -> None:
    with psycopg.connect(running.database_url) as busy:
        # Notices nothing: it does not come back to the point where backends look for their postmaster.
        backend = psutil.Process(busy.info.backend_pid)
        backend.suspend()

        running.kill_postgres()
        running.start_postgres()

    assert not backend.is_running() or backend.status() == psutil.STATUS_ZOMBIE
    assert ask(running, "SELECT 1") == "1"


def test_restart_gives_new_processes(running: embedded.Services) -> None:
    before = running.pid("postgres"), running.pid("redis")
    running.restart_postgres()
    running.restart_redis()
    assert set(before).isdisjoint({running.pid("postgres"), running.pid("redis")})


def test_lock_of_a_recycled_process_id_is_no_obstacle(running: embedded.Services) -> None:
    """After a restart of the machine the id in the lock file may be that of our own Redis."""
    lock = data_dir(running.home) / "postmaster.pid"
    content = lock.read_text().splitlines()
    running.kill_postgres()
    lock.write_text("\n".join([str(running.pid("redis")), *content[1:]]))

    running.start_postgres()

    assert ask(running, "SELECT 1") == "1"
    assert psutil.pid_exists(running.pid("redis"))


def test_forgotten_postmaster_is_ended_by_the_next_start(running: embedded.Services) -> None:
    forgotten = running._processes.pop("postgres")

    running.start_postgres()

    assert forgotten.wait(5) == 0
    assert ask(running, "SELECT 1") == "1"


def test_half_made_data_of_a_killed_first_start_is_replaced(tmp_path: Path) -> None:
    half = tmp_path / "postgres.new-abc"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    postgres.prepare(tmp_path)

    assert not half.exists()
    assert (tmp_path / "postgres" / "PG_VERSION").exists()


def test_data_of_another_release_are_refused(tmp_path: Path) -> None:
    account.make_private(tmp_path / "postgres", account=account.find_account())
    (tmp_path / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(embedded.EmbeddedError, match="written by Postgres 15, this release has 18"):
        postgres.prepare(tmp_path)


def test_foreign_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(
        embedded.EmbeddedError, match=r"is not a Postgres data directory|belongs to"
    ):
        postgres.prepare(tmp_path)


def test_socket_directory_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "sockets").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(embedded.EmbeddedError, match="cannot use"):
        account.make_private(tmp_path / "sockets", account=account.find_account())


@pytest.mark.skipif(not IS_ROOT, reason="only root can make somebody else's directory")
def test_socket_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sockets").mkdir()
    os.chown(tmp_path / "sockets", NOBODY, NOBODY)
    with pytest.raises(embedded.EmbeddedError, match=r"belongs to another user \(nobody\)"):
        account.make_private(tmp_path / "sockets", account=account.find_account())


@pytest.mark.skipif(not IS_ROOT, reason="only root hands the services to another account")
def test_way_is_opened_for_passing_only_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    target = closed / "home" / "postgres"
    target.mkdir(parents=True)

    for _ in range(2):
        account.open_way(target, home=closed / "home", account=account.find_account())

    assert closed.stat().st_mode & 0o777 == 0o701
    assert caplog.text.count(str(closed)) == 1


def test_platform_without_the_wheel_is_named_in_one_line() -> None:
    with pytest.raises(
        embedded.EmbeddedError, match=r"^no embedded postgres on this platform .* DATABASE_URL$"
    ):
        binaries.find_binary("no_such_wheel", "bin/postgres", "DATABASE_URL")


def test_server_that_cannot_start_tells_why(tmp_path: Path) -> None:
    broken = postgres.prepare(tmp_path)
    (tmp_path / "postgres" / "pg_hba.conf").unlink()
    process = server.start(broken)
    with pytest.raises(embedded.EmbeddedError, match=r"postgres does not start: .*pg_hba\.conf"):
        server.wait_ready(broken, process)
