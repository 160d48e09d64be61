"""Agents who race: `python -m tests.bench.claimers HOME --agents 1,2,3`. Started by tests.bench.claims, once per process.

It prints `warm`. Every line it then gets is JSON: the conversations in the order of the queue, and how many milliseconds an
agent takes between two claims. Each agent, a thread, goes through them from the top and claims. Without a pause it tries all of
them; with one it leaves out what its process has seen taken, as a console does. The line it prints says what became of every claim.
"""

import argparse
import json
import os
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home")
    parser.add_argument("--agents", required=True)
    chosen = parser.parse_args()
    os.environ.update(DJANGO_SETTINGS_MODULE="config.settings", YINGDA_HOME=chosen.home)
    # Inline: settings are read when Django is set up, and only then know this home.
    import django

    django.setup()
    ids = [int(pk) for pk in chosen.agents.split(",")]
    with ThreadPoolExecutor(len(ids)) as pool:
        agents = list(pool.map(warm, ids))
        print("warm", flush=True)
        for line in sys.stdin:
            print(json.dumps(race(pool, agents, **json.loads(line))), flush=True)


def warm(agent_id: int) -> Any:
    """An agent whose thread has its connection and has read what every act reads first."""
    from chat import intake, outbox
    from chat.models import Agent
    from prompts import completion

    intake.rules()
    outbox.CACHE.get()
    completion.text("agent_joined", language="zh", agent="")
    return Agent.objects.get(pk=agent_id)


def race(
    pool: ThreadPoolExecutor,
    agents: list[Any],
    *,
    conversations: list[str],
    at: float,
    pause_ms: float,
) -> list[dict[str, Any]]:
    start = threading.Barrier(len(agents))
    seen: set[str] = set()
    runs = [
        pool.submit(claim_all, agent, conversations, start, seen, at=at, pause_ms=pause_ms)
        for agent in agents
    ]
    return [claim for run in runs for claim in run.result()]


def claim_all(
    agent: Any,
    conversations: list[str],
    start: threading.Barrier,
    seen: set[str],
    *,
    at: float,
    pause_ms: float,
) -> list[dict[str, Any]]:
    rng = random.Random(agent.pk)
    start.wait()
    # All processes begin at one moment.
    time.sleep(max(0.0, at - time.time()))
    done = []
    for each in conversations:
        if pause_ms and each not in seen:
            time.sleep(rng.expovariate(1 / pause_ms) / 1000)
        if not pause_ms or each not in seen:
            done.append(claim(agent, each))
            seen.add(each)
    return done


def claim(agent: Any, conversation: str) -> dict[str, Any]:
    from chat.actions.agent import Conflict
    from chat.actions.agent import claim as take

    began = time.perf_counter()
    winner = None
    try:
        take(UUID(conversation), agent=agent)
    except Conflict as conflict:
        winner = conflict.winner
    return {
        "conversation": conversation,
        "agent": agent.name,
        "ms": (time.perf_counter() - began) * 1000,
        "at": time.time(),
        # The name of who was faster, None for the one who got it.
        "winner": winner,
    }


if __name__ == "__main__":
    main()
