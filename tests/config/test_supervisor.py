"""Instances that are started, refused, hurt and killed, each with real processes in a home of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from config import embedded
from config.supervisor import plan as plans
from config.supervisor.checks import write_secret
from config.supervisor.console import Console
from config.supervisor.instance import ProcessList

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 60


@dataclass
class Instance:
    """A supervisor that writes to files, so that nothing of it waits for the test to read."""

    process: "subprocess.Popen[bytes]"
    home: Path
    port: int

    def output(self) -> str:
        return (self.home.parent / "out").read_text() + (self.home.parent / "err").read_text()

    def wait_for(self, text: str, *, times: int = 1) -> None:
        wait_until(lambda: self.output().count(text) >= times or self.process.poll() is not None)
        assert self.output().count(text) >= times, self.output()

    def pid_of(self, name: str) -> int:
        listed = json.loads((self.home / "run" / "processes.json").read_text())
        return int(listed[name]["pid"])

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(WAIT_SECONDS)


Launch = Callable[..., Instance]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Starts an instance of small parts; afterwards none of its processes may be left."""
    started: list[Instance] = []
    seen: set[psutil.Process] = set()

    def start(*words: str, home: Path = tmp_path / "home", port: int | None = None) -> Instance:
        port = port or free_port()
        command = [
            sys.executable,
            "-m",
            "tests.config.small_instance",
            str(home),
            str(port),
            *words,
        ]
        process = spawn(command, output=home.parent)
        started.append(Instance(process, home, port))
        return started[-1]

    yield start
    for instance in started:
        if instance.process.poll() is None:
            seen.update(instance.family())
            instance.stop()
    assert [process for process in seen if is_alive(process)] == []


def spawn(
    command: list[str], *, output: Path, environment: dict[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    with (output / "out").open("ab") as out, (output / "err").open("ab") as err:
        variables = {**os.environ, **(environment or {})}
        return subprocess.Popen(command, cwd=ROOT, env=variables, stdout=out, stderr=err)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_leaves_no_process_behind(launch: Launch, number: int) -> None:
    instance = launch("postgres", "redis")
    instance.wait_for(f"ready: http://127.0.0.1:{instance.port}/")
    family = instance.family()
    names = {process.name() for process in family}

    code = instance.stop(number)

    assert code == 0
    assert {"postgres", "redis-server"} <= names
    assert [process for process in family if is_alive(process)] == []


def test_output_carries_the_name_of_its_part(launch: Launch) -> None:
    instance = launch()
    instance.wait_for("idle    | idling\n")


def test_stop_kills_a_part_that_does_not_listen(launch: Launch) -> None:
    instance = launch("stubborn")
    instance.wait_for("idling")
    instance.wait_for("ready:")
    began = time.monotonic()

    code = instance.stop()

    assert code == 0
    assert time.monotonic() - began < 10


def test_second_stop_does_not_wait(launch: Launch) -> None:
    instance = launch("stubborn")
    instance.wait_for("idling")
    began = time.monotonic()
    instance.process.send_signal(signal.SIGTERM)
    instance.wait_for("stopping")

    code = instance.stop()

    assert code == 0
    assert time.monotonic() - began < 5  # a part alone may take that long to listen


def test_second_instance_on_the_home_is_refused(launch: Launch, tmp_path: Path) -> None:
    first = launch()
    first.wait_for("ready:")
    line = f"yingda is already running on {first.home} (pid {first.process.pid}, http://127.0.0.1:{first.port}/)\n"

    second = launch(home=first.home)

    assert second.process.wait(WAIT_SECONDS) == 1
    assert (tmp_path / "err").read_text() == line
    assert first.process.poll() is None


def test_taken_port_is_refused(launch: Launch, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        instance = launch(port=port)

        assert instance.process.wait(WAIT_SECONDS) == 1
    expected = f"yingda: port {port} is taken: choose another one, PORT={port + 1} make up\n"
    assert (tmp_path / "err").read_text() == expected


def test_home_that_is_no_directory_is_refused(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")

    instance = launch(home=tmp_path / "home")

    assert instance.process.wait(WAIT_SECONDS) == 1
    assert (tmp_path / "err").read_text().count("\n") == 1
    assert f"yingda: cannot write to the home {tmp_path / 'home'}: " in instance.output()


def test_dead_part_is_started_again(launch: Launch) -> None:
    instance = launch()
    instance.wait_for("ready:")
    first = instance.pid_of("idle")

    os.kill(first, signal.SIGKILL)

    instance.wait_for("idle was killed by signal 9: starting it again in 0.5 s")
    instance.wait_for("idling", times=2)
    assert instance.pid_of("idle") != first


def test_part_that_keeps_dying_waits_longer_each_time(launch: Launch) -> None:
    instance = launch("failing")
    instance.wait_for("idle ended with code 3: starting it again in 0.5 s")
    instance.wait_for("idle ended with code 3: starting it again in 1 s")


def test_dead_postgres_and_redis_are_started_again(launch: Launch) -> None:
    instance = launch("postgres", "redis")
    instance.wait_for("ready:")
    write_row(instance.home)

    for name in ("postgres", "redis"):
        os.kill(instance.pid_of(name), signal.SIGKILL)
        instance.wait_for(f"{name} was killed by signal 9")

    wait_until(lambda: read_rows(instance.home) == 1)
    assert read_rows(instance.home) == 1


def test_killed_supervisor_is_recovered_from_by_the_next_start(launch: Launch) -> None:
    first = launch("postgres", "redis")
    first.wait_for("ready:")
    write_row(first.home)
    family = first.family()
    first.process.kill()
    first.process.wait()
    assert any(is_alive(process) for process in family)

    second = launch("postgres", "redis", home=first.home, port=first.port)

    second.wait_for("stopping what an earlier run left behind: redis postgres web idle")
    second.wait_for("ready:", times=2)
    assert [process for process in family if is_alive(process)] == []
    assert read_rows(first.home) == 1


def test_start_that_never_gets_ready_names_the_part(launch: Launch, tmp_path: Path) -> None:
    instance = launch("failing", "silent")
    assert instance.process.wait(WAIT_SECONDS) == 1
    assert "yingda: not ready after 1 s: idle" in (tmp_path / "err").read_text()


def test_process_list_ignores_a_recycled_id(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    entry = {"web": {"pid": os.getpid(), "started": time.time() - 86_400}}
    (tmp_path / "run" / "processes.json").write_text(json.dumps(entry))
    assert ProcessList(tmp_path).find_leftovers() == {}


@pytest.mark.parametrize("content", ["", "[]", '{"web": 7}', '{"web": {"pid": "x", "started": 1}}'])
def test_process_list_survives_a_broken_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "processes.json").write_text(content)
    assert ProcessList(tmp_path).find_leftovers() == {}


def test_secret_is_written_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret"

    first, second = write_secret(path, "one"), write_secret(path, "two")

    assert (first, second) == (True, False)
    assert path.read_text() == "one\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_console_never_blocks_on_a_reader_that_sleeps() -> None:
    reading, writing = os.pipe()
    console = Console(descriptor=writing)
    began = time.monotonic()

    for _ in range(30_000):
        console.say("x" * 100)

    assert time.monotonic() - began < WAIT_SECONDS
    os.close(reading)  # the writing thread ends in a broken pipe instead of waiting for ever
    console.close()
    os.close(writing)


def test_console_defuses_escape_sequences() -> None:
    reading, writing = os.pipe()
    console = Console(descriptor=writing)

    console.say("before\x1b[2Jafter", name="web")
    console.close()

    assert os.read(reading, 200) == b"web     | before?[2Jafter\n"
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        (
            "DATABASE_URL",
            "postgres://user:password@127.0.0.1:1/shop",
            "DATABASE_URL is unreachable (127.0.0.1:1/shop): ",
        ),
        (
            "REDIS_URL",
            "redis://user:password@127.0.0.1:1/0",
            "REDIS_URL is unreachable (127.0.0.1:1): ",
        ),
        ("PORT", "eight", "the environment holds a value that cannot be used: "),
        ("PORT", "70000", "PORT is 70000: use 1 to 65535"),
    ],
)
def test_bad_environment_is_refused_in_one_line(
    tmp_path: Path, variable: str, value: str, expected: str
) -> None:
    home = {"YINGDA_HOME": str(tmp_path / "home"), "PORT": str(free_port())}
    command = [sys.executable, "-m", "config.supervisor"]

    process = spawn(command, output=tmp_path, environment=home | {variable: value})

    assert process.wait(WAIT_SECONDS) == 1
    error = (tmp_path / "err").read_text()
    assert error.startswith(f"yingda: {expected}")
    assert error.count("\n") == 1
    assert "password" not in error + (tmp_path / "out").read_text()


def test_plan_has_the_parts_of_the_platform(settings: Any) -> None:
    settings.DEMO_PROVIDER = settings.DEMO_SHOP = False
    settings.READY_SECONDS = 90.0
    plan = plans.build_plan()
    parts = {part.name: part for part in plan.parts}
    assert plan.ready_seconds == 90
    assert list(parts) == ["web", "turns", "default", "beat"]
    assert parts["turns"].argv[-3:] == (
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    )


def test_plan_points_everybody_at_the_demo_provider(settings: Any) -> None:
    settings.DEMO_PROVIDER, settings.DEMO_SHOP = True, False
    provider, *others = plans.build_plan().parts
    assert provider.name == "provider"
    assert {part.env["OPENAI_API_KEY"] for part in others} == {"demo"}
    assert {part.env["OPENAI_BASE_URL"] for part in others} == {
        f"http://127.0.0.1:{provider.argv[-1]}/v1"
    }


def test_plan_names_the_demo_shop_to_everybody(settings: Any) -> None:
    settings.DEMO_PROVIDER, settings.DEMO_SHOP = False, True
    settings.TOOL_HOSTS = ["orders.internal"]
    plan = plans.build_plan()
    assert plan.prepare is not None
    shop = plan.parts[0]
    host = f"127.0.0.1:{shop.argv[-1]}"
    told = [part.env for part in (*plan.parts, plan.prepare)]
    assert shop.name == "shop"
    assert {env["YINGDA_DEMO_SHOP_URL"] for env in told} == {f"http://{host}"}
    assert {env["YINGDA_TOOL_HOSTS"] for env in told} == {f"orders.internal,{host}"}
    assert len({env["DEMO_SHOP_TOOL_KEY"] for env in told}) == 1


def write_row(home: Path) -> None:
    with psycopg.connect(embedded.database_url(home)) as database:
        database.execute("CREATE TABLE kept (number integer)")
        database.execute("INSERT INTO kept VALUES (1)")


def read_rows(home: Path) -> int:
    try:
        with psycopg.connect(embedded.database_url(home)) as database:
            row = database.execute("SELECT count(*) FROM kept").fetchone()
    except psycopg.OperationalError:
        return -1
    return int(row[0]) if row else -1
