"""`make bench-claims`, `python -m tests.bench.claims [--agents 30] [--waiting 100] [--processes 4]`.

Agents race for what waits, by the very functions that a console's socket calls, in several processes as behind several web
processes, against a Postgres and a Redis of their own: the sockets of one process would measure how fast that one draws
thirty consoles. Two races: every agent as fast as it can, which only says what the machine can do, and every agent after a
pause. Then the places that visitors are told, act by act, against the queue's own rows; and the time from an agent who comes
online to the first ring, through a real worker. Writes var/reports/claims.json; ends with 1 when a target is missed.
"""

import argparse
import io
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from chat.replay.dialogues import percentile
from config import embedded
from tests.bench.report import table
from tests.bench.run import describe_machine, say
from tests.bench.stack import ROOT, START_SECONDS, Prompted, spawned, tail

REPORT = ROOT / "var" / "reports" / "claims.json"
MOST_MS = {"claim p99": 50.0, "place told p99": 1000.0, "drain starts p99": 1000.0}
PAUSE_MS, AHEAD_SECONDS, PATIENCE_SECONDS = 150.0, 0.5, 60.0
STEPS, DRAINS = 40, 10
WORKER = ["-m", "celery", "--quiet", "-A", "config", "worker", "-Q", "turns", "-P", "threads"]
QUIET = ["-c", "4", "--without-gossip", "--without-mingle", "--without-heartbeat"]


def main() -> int:
    chosen = parse(sys.argv[1:])
    say(describe_machine())
    with tempfile.TemporaryDirectory(prefix="yingda-bench-") as home:
        os.environ.update(DJANGO_SETTINGS_MODULE="config.settings", YINGDA_HOME=home)
        os.environ["YINGDA_MESSAGES_PER_MINUTE"] = "100000"
        with embedded.services(Path(home)):
            prepare()
            found = measure(chosen, home)
            print_found(found)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(found, ensure_ascii=False))
    return 0 if not found["faults"] and all(row["met"] for row in found["targets"]) else 1


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench.claims", description=__doc__)
    parser.add_argument("--agents", type=int, default=30)
    parser.add_argument("--waiting", type=int, default=100)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--pause-ms", type=float, default=PAUSE_MS, help="mean, of one agent")
    return parser.parse_args(arguments)


def prepare() -> None:
    # Inline: settings are read when Django is set up, and only then know this home.
    import django

    django.setup()
    from django.core.management import call_command

    from config.celery import app

    app.set_current()
    call_command("migrate", verbosity=0)
    call_command("sync_defaults", stdout=io.StringIO())


def measure(chosen: argparse.Namespace, home: str) -> dict[str, Any]:
    from tests.factories import AgentFactory, InboxFactory

    agents = [AgentFactory.create(capacity=1000, presence="online") for _ in range(chosen.agents)]
    inbox = InboxFactory.create()
    groups = [agents[at :: chosen.processes] for at in range(chosen.processes)]
    faults: list[str] = []
    with ExitStack() as stack:
        racers = [
            stack.enter_context(
                Prompted("tests.bench.claimers", home, "--agents", ",".join(str(a.pk) for a in g))
            )
            for g in groups
        ]
        for each in racers:
            each.wait_warm()
        races = {
            name: race(inbox, chosen.waiting, racers, pause_ms=pause_ms, faults=faults)
            for name, pause_ms in (("with a pause", chosen.pause_ms), ("at once", 0.0))
        }
    told = step_by_step(inbox, agents, chosen.waiting, faults)
    drains = drain(inbox, agents, home, faults)
    return as_found(chosen, races, told, drains, faults)


# --- the race ----------------------------------------------------------------------------------------


def race(
    inbox: Any, waiting: int, racers: Sequence[Prompted], *, pause_ms: float, faults: list[str]
) -> dict[str, Any]:
    """Everybody claims everything from the top; what became of it, and whether each was got exactly once."""
    from tests.bench.places import Places, truth

    visitors = queue_up(inbox, waiting)
    ids = waiting_ids(inbox)
    with Places(visitors) as places:
        places.last.update(truth(inbox))
        say(f"{len(ids)} wait, pause {pause_ms:.0f} ms")
        order = {"conversations": ids, "at": time.time() + AHEAD_SECONDS, "pause_ms": pause_ms}
        claims = run_together(racers, json.dumps(order))
        wrong = places.wait_until_right(inbox, seconds=PATIENCE_SECONDS)
        rises = places.rises()
    if wrong or rises:
        faults.append(f"places: {len(wrong)} never right, {rises} told a place behind the last")
    faults.extend(mistakes(ids, claims))
    say(f"{len(claims)} claims tried; wrong places {len(wrong)}, told backwards {rises}")
    won, lost = (
        sorted(c["ms"] for c in claims if (c["winner"] is None) is got) for got in (True, False)
    )
    return {
        "claims": len(won),
        "conflicts": len(lost),
        "won_ms": shares(won),
        "lost_ms": shares(lost),
    }


def run_together(racers: Sequence[Prompted], order: str) -> list[dict[str, Any]]:
    answers: list[list[dict[str, Any]]] = [[] for _ in racers]

    def ask(at: int) -> None:
        answers[at] = json.loads(racers[at].measure(at_most_seconds=PATIENCE_SECONDS, order=order))

    threads = [threading.Thread(target=ask, args=[at]) for at in range(len(racers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [claim for part in answers for claim in part]


def mistakes(ids: Sequence[str], claims: Sequence[dict[str, Any]]) -> list[str]:
    """What is not as it must be: each got once, its row says by whom, and every loser was told so."""
    from chat.models import Conversation, Escalation

    winners: dict[str, list[str]] = defaultdict(list)
    for claim in claims:
        if claim["winner"] is None:
            winners[claim["conversation"]].append(claim["agent"])
    rows = dict(Conversation.objects.filter(pk__in=ids).values_list("pk", "agent__name"))
    owners = {str(pk): name for pk, name in rows.items()}
    claimed = Counter(
        Escalation.objects.filter(conversation__in=list(rows), end="claimed").values_list(
            "conversation", flat=True
        )
    )
    told_wrong = [c for c in claims if c["winner"] not in {None, owners[c["conversation"]]}]
    found = {
        "not claimed once": sum(winners[pk] != [owners[pk]] for pk in ids),
        "waits not ended once": sum(count != 1 for count in claimed.values())
        + len(ids)
        - len(claimed),
        "losers told another winner": len(told_wrong),
    }
    return [f"{name}: {count}" for name, count in found.items() if count]


def queue_up(inbox: Any, count: int) -> list[Any]:
    """So many visitors who have said something and wait for a person."""
    from tests.factories import VisitorFactory

    visitors = [VisitorFactory.create(inbox=inbox) for _ in range(count)]
    for each in visitors:
        join(each)
    return visitors


def join(visitor: Any) -> None:
    from chat.actions import visitor as actions

    actions.post_message(visitor, client_id=uuid4(), text="在吗", address="127.0.0.1")
    actions.request_human(visitor)


def waiting_ids(inbox: Any) -> list[str]:
    from chat.models import Conversation

    rows = Conversation.objects.filter(inbox=inbox, owner="queue", resolved_at=None)
    return [str(pk) for pk in rows.order_by("waiting_since").values_list("pk", flat=True)]


# --- places, act by act --------------------------------------------------------------------------------


def step_by_step(inbox: Any, agents: Sequence[Any], waiting: int, faults: list[str]) -> list[float]:
    """One comes, goes, is claimed or passed back; milliseconds until the last who waits has heard the right place."""
    from tests.bench.places import Places, truth
    from tests.factories import VisitorFactory

    rng = random.Random(7)
    visitors = queue_up(inbox, waiting)
    extra = [VisitorFactory.create(inbox=inbox) for _ in range(STEPS)]
    spans = []
    with Places([*visitors, *extra]) as places:
        places.last.update(truth(inbox))
        say(f"{waiting} wait, {STEPS} acts one by one")
        for number in range(STEPS):
            act = rng.choice(acts(inbox, agents, extra[number], rng))
            began = time.perf_counter()
            act()
            wrong = places.wait_until_right(inbox, seconds=2)
            spans.append((time.perf_counter() - began) * 1000)
            if wrong:
                faults.append(f"act {number}: {len(wrong)} were not told where they are")
    return spans


def acts(
    inbox: Any, agents: Sequence[Any], newcomer: Any, rng: random.Random
) -> list[Callable[[], Any]]:
    from chat.actions import agent as agent_actions
    from chat.actions import ending
    from chat.actions import visitor as actions
    from chat.models import Conversation

    rows = Conversation.objects.filter(inbox=inbox, owner="queue", resolved_at=None)
    waiting = list(rows.select_related("visitor"))
    if not waiting:
        return [lambda: join(newcomer)]
    one = rng.choice(waiting)
    return [
        lambda: agent_actions.claim(one.pk, agent=rng.choice(agents)),
        lambda: actions.cancel_human(one.visitor),
        lambda: ending.end(one.visitor),
        lambda: join(newcomer),
    ]


# --- the drain -----------------------------------------------------------------------------------------


def drain(inbox: Any, agents: Sequence[Any], home: str, faults: list[str]) -> list[float]:
    """Milliseconds from an agent who comes online, with nobody else there, to the first ring of what waits."""
    from chat import intake
    from chat.actions import attending
    from chat.models import Agent, IntakePolicy, Ring
    from chat.states import Presence

    Agent.objects.update(presence="away")
    IntakePolicy.objects.update_or_create(pk=1, defaults={"mode": "push"})
    intake.CACHE.clear()
    spans: list[float] = []
    with worker(home):
        say(f"{len(waiting_ids(inbox))} wait, {DRAINS} agents come online one by one")
        for agent in agents[: DRAINS + 1]:
            began = time.perf_counter()
            attending.set_presence(agent, Presence.ONLINE)
            while not Ring.objects.filter(agent=agent).exists():
                if time.perf_counter() - began > START_SECONDS:
                    faults.append("nothing rang at an agent who came online")
                    say(tail(Path(home) / "worker.log"))
                    return spans
                time.sleep(0.002)
            spans.append((time.perf_counter() - began) * 1000)
            attending.set_presence(agent, Presence.AWAY)
            Ring.objects.all().delete()
    # The first finds a worker that has only just begun.
    return spans[1:]


@contextmanager
def worker(home: str) -> Iterator[None]:
    output = Path(home) / "worker.log"
    with spawned([*WORKER, *QUIET], {"YINGDA_HOME": home}, output):
        yield


# --- what was found ------------------------------------------------------------------------------------


def shares(sorted_ms: list[float]) -> dict[str, float | None]:
    return {f"p{share}": percentile(sorted_ms, share) for share in (50, 99)}


def as_found(
    chosen: argparse.Namespace,
    races: dict[str, dict[str, Any]],
    told: list[float],
    drains: list[float],
    faults: list[str],
) -> dict[str, Any]:
    measured = {
        "claim p99": races["with a pause"]["won_ms"]["p99"],
        "place told p99": shares(sorted(told))["p99"],
        "drain starts p99": shares(sorted(drains))["p99"],
    }
    targets = [
        {
            "name": name,
            "ms": ms,
            "most_ms": MOST_MS[name],
            "met": ms is not None and ms <= MOST_MS[name],
        }
        for name, ms in measured.items()
    ]
    return {
        "shape": vars(chosen),
        "races": races,
        "told_ms": shares(sorted(told)),
        "drain_ms": shares(sorted(drains)),
        "targets": targets,
        "faults": faults,
    }


def print_found(found: dict[str, Any]) -> None:
    rows = [
        [
            name,
            str(row["claims"]),
            str(row["conflicts"]),
            *map(shown_ms, [*row["won_ms"].values(), *row["lost_ms"].values()]),
        ]
        for name, row in found["races"].items()
    ]
    print(table(["race", "claims", "conflicts", "got p50 ms", "p99", "lost p50 ms", "p99"], rows))
    print(
        f"\nplaces told after an act: {found['told_ms']}\nfirst ring after coming online: {found['drain_ms']}"
    )
    for row in found["targets"]:
        print(
            f"{row['name']}: {shown_ms(row['ms'])} of {row['most_ms']:.0f} ms{'' if row['met'] else ', MISSED'}"
        )
    for fault in found["faults"]:
        print(f"FAULT {fault}")


def shown_ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main())
