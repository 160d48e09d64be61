"""`make bench-rollback`, `python -m tests.bench.rollback [--quick] [--visitors N]`.

How long a canary's and a release's start and rollback take to reach the last of four `turns` workers while visitors
keep asking: from the click in the admin to the last turn that still follows the old state. And whether every turn that
was under way then was rendered from one version, whole. Writes var/reports/rollback.json.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from config import embedded
from tests.bench.report import FAULTS, mark, shown, table
from tests.bench.run import describe_machine, load, say
from tests.bench.stack import (
    ROOT,
    START_SECONDS,
    BenchError,
    Generator,
    Platform,
    clean_environment,
    further_worker,
    running_platform,
    running_provider,
    three_vendors,
)
from tests.bench.staff import Row, Rows, Staff

REPORT = ROOT / "var" / "reports" / "rollback.json"
WORKERS = 4
MOST_SECONDS = 5.0
# Longer than the age of any snapshot and the turn that was begun with it.
SETTLE_SECONDS = 9.0
PATIENCE_SECONDS = 60.0
# Visitors of the bench ask more often than people do, and no level of load may come between.
LIMITS = {"YINGDA_MESSAGES_PER_MINUTE": "6000", "YINGDA_MESSAGES_BURST": "6000"}
NEVER = (1000.0, 1001.0, 1002.0)
NAME = "bench"
RELEASED = "bench-release"
# What a version of a release says: nothing is filled in, so that a rendering is the text itself.
TEXT = "bench release"
TURNS = """
    SELECT worker, extract(epoch FROM started_at - %(at)s)::float AS second,
           coalesce(decision->>%(of)s, '') = %(name)s AS on_canary, decision->>'answered_by' AS endpoint
    FROM chat_turn
    WHERE state = 'done' AND decision ? 'canary' AND started_at >= %(at)s
      AND finished_at - make_interval(secs => (timings->>'stream')::float / 1000) < %(until)s
    ORDER BY started_at
"""
# Turns by a release's version; those of them that say something else, or were counted as another release's; turns that
# say what a release's version says under another version.
MIXED = """
    SELECT count(*) FILTER (WHERE version.text LIKE %(text)s) AS turns,
           count(*) FILTER (WHERE version.text LIKE %(text)s AND turn.rendering->>'system' <> version.text)
           + count(*) FILTER (WHERE version.text NOT LIKE %(text)s AND turn.rendering->>'system' LIKE %(text)s)
           + count(*) FILTER (WHERE version.text LIKE %(text)s
                              AND turn.decision->>'release' <> version.note) AS mixed
    FROM chat_turn turn JOIN prompts_promptversion version
         ON version.id = (turn.rendering->>'version')::bigint
    WHERE turn.state = 'done'
"""


@dataclass(frozen=True, slots=True)
class Click:
    """A change, and until when its effect was watched. `heard` is False for one that was not announced.

    A turn that is decided after the watch, by its time of streaming, belongs to the next change.
    """

    kind: str
    heard: bool
    at: datetime
    until: datetime
    took_ms: float
    """Until the admin had answered."""
    of: str = "canary"
    """What a turn's decision names: "canary" or "release"."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Seconds from the click. `last_old` is the start of the last turn by the old state; 0: there was none."""

    kind: str
    heard: bool
    last_old: float
    turns_old: int
    first_new: float
    """Until each worker had begun a turn by the new state."""
    workers: int
    turns: int
    canary_endpoint_after: int
    """Turns by the new state that the canary's endpoint answered all the same."""
    took_ms: float


def main() -> int:
    shape = parse(sys.argv[1:])
    say(describe_machine())
    try:
        with running_provider() as provider_url, ready_platform(provider_url) as platform:
            effects, mixed, result = measure(platform, shape)
    except BenchError as error:
        say(str(error))
        return 1
    faults = {name: result.get(name, 0) for name in FAULTS}
    print(f"\nSeconds from the click, {WORKERS} workers\n{effect_table(effects)}")
    rate = result["answers_per_second"]
    print(f"\nLoad: {result['answers']} answers, {rate} a second; {faults}")
    print(f"Rendered from a release's version: {mixed['turns']} turns, mixed: {mixed['mixed']}")
    write(effects, {**faults, "answers_per_second": rate}, mixed)
    in_time = all(each.last_old <= MOST_SECONDS for each in effects)
    return 0 if in_time and not mixed["mixed"] else 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench.rollback", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two repetitions instead of five")
    parser.add_argument("--visitors", type=int, default=20)
    return parser.parse_args(arguments)


@contextmanager
def ready_platform(provider_url: str) -> Iterator[Platform]:
    """A platform with as many workers as are wanted, each of which is warm."""
    environment = {**three_vendors(provider_url), **LIMITS}
    with ExitStack() as stack:
        say("starting the platform")
        platform = stack.enter_context(running_platform("daphne", environment=environment))
        for number in range(2, WORKERS + 1):
            stack.enter_context(further_worker(platform, number=number))
        yield platform


def measure(
    platform: Platform, shape: argparse.Namespace
) -> tuple[list[Effect], Row, dict[str, Any]]:
    announced, unannounced, released = (2, 1, 1) if shape.quick else (5, 2, 4)
    with ExitStack() as stack:
        rows = stack.enter_context(Rows(platform))
        staff = stack.enter_context(Staff(platform))
        rows.set_thresholds(NEVER, (900.0, 901.0, 902.0), hold_seconds=10)
        wait_for_workers(platform, rows)
        names = [f"{RELEASED}-{n}-{act}" for n in range(released) for act in ("start", "publish")]
        drafts = draft_releases(platform, names)
        seconds = (announced + unannounced + 2 * released) * 2 * (SETTLE_SECONDS + 0.3) + 5
        pool = stack.enter_context(ThreadPoolExecutor(1))
        crowd = stack.enter_context(
            Generator("yingda", platform.url, visitors=shape.visitors, seconds=seconds)
        )
        crowd.wait_warm()
        found = pool.submit(crowd.measure, at_most_seconds=seconds + PATIENCE_SECONDS)
        endpoint = other_endpoint(rows)
        say(f"load is on, the canary is {endpoint}")
        clicks: list[tuple[str, Click]] = []
        for number in range(announced):
            clicks += click_twice(rows, staff, endpoint, name=f"{NAME}-{number}")
        for number in range(unannounced):
            clicks += change_silently(rows, endpoint, name=f"{NAME}-silent-{number}")
        for name, pk in drafts.items():
            clicks += release_and_back(rows, staff, name.split("-")[-1], name=name, pk=pk)
        result: dict[str, Any] = json.loads(found.result())
        [mixed] = rows.read(MIXED, {"text": f"{TEXT}%"})
        return [effect(click, name, endpoint, rows) for name, click in clicks], mixed, result


def wait_for_workers(platform: Platform, rows: Rows) -> None:
    """Returns when every worker runs turns. Raises BenchError when one does not."""
    query = (
        "SELECT count(DISTINCT worker) AS n FROM chat_turn"
        " WHERE worker <> '' AND started_at > now() - interval '20 s'"
    )
    deadline = time.monotonic() + START_SECONDS
    while rows.read(query)[0]["n"] < WORKERS:
        if time.monotonic() > deadline:
            raise BenchError(f"fewer than {WORKERS} workers run turns")
        load("yingda", platform.url, visitors=WORKERS * 2, seconds=1)


def other_endpoint(rows: Rows) -> str:
    """An endpoint that does not answer by itself."""
    found = rows.read(
        "SELECT name FROM prompts_modelendpoint WHERE provider <> 'sop' AND enabled AND name NOT IN"
        " (SELECT decision->>'answered_by' FROM chat_turn WHERE decision ? 'answered_by')"
        " ORDER BY priority LIMIT 1"
    )
    if not found:
        raise BenchError("every endpoint is in use already")
    return str(found[0]["name"])


# --- clicks ------------------------------------------------------------------------------------------


def click_twice(
    rows: Rows, staff: Staff, endpoint: str, *, name: str
) -> Iterator[tuple[str, Click]]:
    """Starts a canary over all buckets in the admin, then rolls it back."""
    pk = draft(rows, endpoint, name=name)
    for kind in ("start", "roll_back"):
        at, began = rows.now(), time.perf_counter()
        staff.press(f"prompts/canary/{pk}/{kind}/")
        took_ms = (time.perf_counter() - began) * 1000
        time.sleep(SETTLE_SECONDS)
        yield name, Click(kind, True, at, rows.now(), took_ms)


def change_silently(rows: Rows, endpoint: str, *, name: str) -> Iterator[tuple[str, Click]]:
    """The same by rows alone: what happens when no announcement gets through."""
    pk = draft(rows, endpoint, name=name)
    for kind, status in (("start", "running"), ("roll_back", "rolled_back")):
        at = rows.now()
        rows.change(
            "UPDATE prompts_canary SET status = %(status)s, started_at = now() WHERE id = %(pk)s",
            {"status": status, "pk": pk},
        )
        time.sleep(SETTLE_SECONDS)
        yield name, Click(kind, False, at, rows.now(), 0.0)


def draft(rows: Rows, endpoint: str, *, name: str) -> int:
    found = rows.read(
        "INSERT INTO prompts_canary (name, endpoint_id, first_bucket, last_bucket, status, automatic,"
        " min_samples, max_error_points, max_json_points, max_takeover_points, max_p99_factor, reason)"
        " SELECT %(name)s, id, 0, 99, 'draft', false, 200, 2, 2, 5, 1.5, ''"
        " FROM prompts_modelendpoint WHERE name = %(endpoint)s RETURNING id",
        {"name": name, "endpoint": endpoint},
    )
    return int(found[0]["id"])


def release_and_back(
    rows: Rows, staff: Staff, first: str, *, name: str, pk: int
) -> Iterator[tuple[str, Click]]:
    """Lets everybody hear a release, as a canary over all buckets or published, then rolls it back."""
    for act in (first, "roll_back"):
        at, began = rows.now(), time.perf_counter()
        staff.press(f"prompts/release/{pk}/{act}/")
        took_ms = (time.perf_counter() - began) * 1000
        time.sleep(SETTLE_SECONDS)
        kind = f"release: {act}" + (f" ({first})" if act == "roll_back" else "")
        yield name, Click(kind, True, at, rows.now(), took_ms, of="release")


def draft_releases(platform: Platform, names: Sequence[str]) -> dict[str, int]:
    """Releases whose gate is open, by name; see tests.bench.releasing."""
    url = embedded.database_url(platform.home)
    made = subprocess.run(
        [sys.executable, "-m", "tests.bench.releasing", TEXT, *names],
        cwd=ROOT,
        env={**clean_environment(), **platform.environment, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, int] = json.loads(made.stdout)
    return found


# --- what came of them -------------------------------------------------------------------------------


def effect(click: Click, name: str, endpoint: str, rows: Rows) -> Effect:
    asked = {"at": click.at, "until": click.until, "name": name, "of": click.of}
    turns = rows.read(TURNS, asked)
    wanted = "roll_back" not in click.kind
    old = [turn["second"] for turn in turns if turn["on_canary"] != wanted]
    new = [turn for turn in turns if turn["on_canary"] == wanted]
    firsts = first_by_worker(new)
    return Effect(
        kind=click.kind,
        heard=click.heard,
        last_old=round(max(old, default=0.0), 3),
        turns_old=len(old),
        first_new=round(max(firsts.values(), default=0.0), 3),
        workers=len(firsts),
        turns=len(turns),
        canary_endpoint_after=0
        if wanted or click.of == "release"
        else sum(turn["endpoint"] == endpoint for turn in new),
        took_ms=round(click.took_ms, 1),
    )


def first_by_worker(turns: Sequence[Row]) -> dict[str, float]:
    firsts: dict[str, float] = {}
    for turn in turns:
        firsts.setdefault(turn["worker"], turn["second"])
    return firsts


def effect_table(effects: Sequence[Effect]) -> str:
    head = (
        "change", "announced", "last old turn", "old turns", "all workers on new", "workers", "turns",
        "canary's model after", "admin ms", "target",
    )  # fmt: skip
    lines = [
        (
            each.kind,
            "yes" if each.heard else "no",
            shown(each.last_old, digits=3),
            str(each.turns_old),
            shown(each.first_new, digits=3),
            str(each.workers),
            str(each.turns),
            str(each.canary_endpoint_after),
            shown(each.took_ms),
            mark(each.last_old <= MOST_SECONDS),
        )
        for each in effects
    ]
    return table(head, lines)


def write(effects: Sequence[Effect], load: dict[str, Any], mixed: Row) -> None:
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    heard = [each.last_old for each in effects if each.heard and "roll_back" in each.kind]
    content = {
        "machine": describe_machine().splitlines()[0],
        "rollback_seconds": {"median": statistics.median(heard), "most": max(heard)},
        "effects": [asdict(each) for each in effects],
        "renderings": mixed,
        "load": load,
    }
    REPORT.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    say(f"written to {REPORT.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
