"""Small tables of outcomes whose figures can be worked out by hand. Shared by the tests of replays."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from prompts.llm.features import Option
from prompts.llm.router.outcomes import Table, read

CHEAP = Option(name="cheap", vendor="one", strength=1, price_in=0.001, dispatcher=True)
DEAR = Option(name="dear", vendor="two", strength=3, price_in=0.01)
CHEAP_COST, DEAR_COST = 1.0, 10.0


def outcome(*, good: bool, cost: float, total_ms: float = 100.0) -> dict[str, Any]:
    return {"good": good, "cost": cost, "ttft_ms": 10.0, "total_ms": total_ms}


def easy_and_hard(number: int) -> dict[str, Any]:
    """Even turns are easy for both; odd ones only the dear endpoint does well."""
    hard = number % 2 == 1
    return {
        "turn": f"t{number}",
        "features": {
            "intent": "refund" if hard else "greeting",
            "intent_p": 0.9,
            "intent_margin": 0.5,
            "input_tokens": 100,
        },
        "outcomes": {
            "cheap": outcome(good=not hard, cost=CHEAP_COST),
            "dear": outcome(good=True, cost=DEAR_COST, total_ms=900.0),
        },
        "synthetic": True,
    }


Make = Callable[[int], dict[str, Any]]


def rows(count: int, make: Make = easy_and_hard) -> list[dict[str, Any]]:
    return [{"endpoints": [asdict(CHEAP), asdict(DEAR)]}, *map(make, range(count))]


def lines(count: int, make: Make = easy_and_hard) -> list[str]:
    return [json.dumps(row) for row in rows(count, make)]


def table(count: int, make: Make = easy_and_hard) -> Table:
    return read(lines(count, make))
