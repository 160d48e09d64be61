"""`make loadtest`: customers on sockets through locust, against a platform started for it or one that runs. See docs/loadtest.md.

Started for it, the platform has the fake provider of the benchmarks as three vendors, so no run costs anything. What was
measured is written under var/reports/, printed, and kept for the page under /analytics/ where a database can be reached.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.run import wait_until_trained
from tests.bench.stack import (
    ROOT,
    BenchError,
    Platform,
    clean_environment,
    running_platform,
    running_provider,
    three_vendors,
)

REPORTS = ROOT / "var" / "reports"
LOCUSTFILE = ROOT / "tests" / "load" / "locustfile.py"
USERS, RATE, SECONDS = 50, 10.0, 60.0
QUICK_SECONDS = 4.0
# Sockets that stand ready for each question a second of an open run: an answer may take this long before one waits.
SOCKETS_PER_RATE = 5
SOCKETS_LEAST = 20
SPAWNED_PER_SECOND = 50
# Visitors of one address, and each of them, may say more here than customers do.
UNLIMITED = {"YINGDA_MESSAGES_PER_MINUTE": "6000", "YINGDA_MESSAGES_BURST": "6000"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One run of locust."""

    mode: str
    users: int
    # Questions a second; 0: a closed loop.
    rate: float
    seconds: float

    def words(self) -> list[str]:
        crowd = ["-u", str(self.users), "-r", str(SPAWNED_PER_SECOND)]
        return [*crowd, "--seconds", str(self.seconds), "--arrivals", str(self.rate)]


def main() -> int:
    chosen = parse(sys.argv[1:])
    REPORTS.mkdir(parents=True, exist_ok=True)
    try:
        if chosen.url:
            return measure(chosen, chosen.url, platform=None)
        with running_provider() as provider_url, started(provider_url, chosen) as platform:
            return measure(chosen, platform.url, platform=platform)
    except BenchError as error:
        say(str(error))
        return 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make loadtest", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SECONDS:g} seconds a mode")
    parser.add_argument("--mode", choices=["closed", "open", "both"], default="both")
    parser.add_argument("--users", type=whole, default=USERS, help="of the closed loop (50)")
    parser.add_argument(
        "--rate", type=positive, default=RATE, help="questions a second of the open run (10)"
    )
    parser.add_argument("--seconds", type=positive, help="a mode (60)")
    parser.add_argument(
        "--url", help="a platform that runs; its models answer, and cost what they cost"
    )
    parser.add_argument("--inbox", default="ib_demo", help="key of the inbox (ib_demo)")
    parser.add_argument("--note", default="", help="a line to tell the run by")
    return parser.parse_args(arguments)


def whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return int(text)


def positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return number


@contextlib.contextmanager
def started(provider_url: str, chosen: argparse.Namespace) -> Iterator[Platform]:
    say("starting a platform with the fake provider")
    environment = {**three_vendors(provider_url), **UNLIMITED}
    with running_platform("daphne", environment=environment) as platform:
        if not chosen.quick:
            wait_until_trained(platform.pid)
        yield platform


def measure(chosen: argparse.Namespace, url: str, *, platform: Platform | None) -> int:
    codes = [run(shape, chosen, url, platform=platform) for shape in shapes(chosen)]
    return max(codes)


def shapes(chosen: argparse.Namespace) -> list[Shape]:
    seconds = chosen.seconds or (QUICK_SECONDS if chosen.quick else SECONDS)
    sockets = max(SOCKETS_LEAST, round(chosen.rate * SOCKETS_PER_RATE))
    both = [
        Shape("closed", chosen.users, 0.0, seconds),
        Shape("open", sockets, chosen.rate, seconds),
    ]
    return [shape for shape in both if chosen.mode in {"both", shape.mode}]


def run(shape: Shape, chosen: argparse.Namespace, url: str, *, platform: Platform | None) -> int:
    """One mode: measured, completed, kept, shown. The exit code: 1 where nothing could be measured."""
    path = REPORTS / f"loadtest-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{shape.mode}.json"
    say(f"{shape.mode}: {shape.users} sockets, {shape.seconds:g} s")
    if not load(shape, chosen, url, path):
        say("nothing was measured")
        return 1
    kept = keep_here(path) if platform is None else complete(path, platform) and keep_there(path)
    say(f"written to {path.relative_to(ROOT)}")
    if not kept:
        say(
            f"not kept for /analytics/loadtests/: run `manage.py import_loadtest {path.relative_to(ROOT)}`"
        )
    return 0


def load(shape: Shape, chosen: argparse.Namespace, url: str, path: Path) -> bool:
    """Whether locust came to an end and wrote what it saw."""
    to = ["--host", url, "--inbox", chosen.inbox, "--note", chosen.note, "--result", str(path)]
    locust = ["-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
    done = python([*locust, *shape.words(), *to], os.environ, stdout=subprocess.DEVNULL)
    return done and path.exists()


def complete(path: Path, platform: Platform) -> bool:
    """In the database of the platform that was started, which goes with it: the file keeps the figures."""
    given = {**clean_environment(), **platform.environment}
    return python(importing(path, "--out", str(path)), given)


def keep_there(path: Path) -> bool:
    """In the database of whoever called, where it runs; the table was shown before."""
    quiet = subprocess.DEVNULL
    return python(importing(path), os.environ, stdout=quiet, stderr=quiet)


def keep_here(path: Path) -> bool:
    """In the database of the platform under load, where this machine reaches it."""
    return python(importing(path), os.environ, stderr=subprocess.DEVNULL)


def importing(path: Path, *words: str) -> list[str]:
    return ["manage.py", "import_loadtest", str(path), *words]


def python(
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdout: int | None = None,
    stderr: int | None = None,
) -> bool:
    """Runs a Python process of ours; whether it ended well."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=environment,
        stdout=stdout,
        stderr=stderr,
        check=False,
    )
    return done.returncode == 0


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
