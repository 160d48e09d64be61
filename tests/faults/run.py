"""`make faults`: breaks a platform of its own in every way of `scenarios`, prints a table, writes the report.

`python -m tests.faults.run [NAME ...]` goes through the named scenarios only.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests import stack as platform_stack
from tests.faults.crowd import restart_under_crowd
from tests.faults.judging import Verdict
from tests.faults.platform import Platform
from tests.faults.scenarios import ALL, Scenario

REPORT = platform_stack.ROOT / "var" / "reports" / "faults.json"
ROW = "{:<48} {:>9} {:>7} {:>5} {:>11}  {}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when a fault was not survived as promised."""
    names = {scenario.__name__: scenario for scenario in (*ALL, restart_under_crowd)}
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *names], metavar="NAME")
    chosen = [names[name] for name in parser.parse_args(arguments).names] or list(names.values())
    print(ROW.format("fault", "seconds", "limit", "lost", "duplicated", "verdict"), flush=True)
    with tempfile.TemporaryDirectory(prefix="yingda-faults-", ignore_cleanup_errors=True) as home:
        running = platform_stack.start(Path(home))
        try:
            verdicts = [play(running, scenario) for scenario in chosen]
        finally:
            running.stop()
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    report = [verdict.as_json() for verdict in verdicts]
    REPORT.write_text(json.dumps({"faults": report}, ensure_ascii=False, indent=2) + "\n")
    print(f"report: {REPORT.relative_to(platform_stack.ROOT)}")
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def play(running: platform_stack.Stack, scenario: Scenario) -> Verdict:
    """One scenario on the running platform, which is whole before and after it."""
    platform = Platform(running)
    try:
        verdict = asyncio.run(attempt(platform, scenario))
    finally:
        platform.close()
    print(describe(verdict), flush=True)
    return verdict


async def attempt(platform: Platform, scenario: Scenario) -> Verdict:
    await platform.ready()
    try:
        return await scenario(platform)
    except (AssertionError, ExceptionGroup, TimeoutError) as error:
        # What does not even end is a verdict too; the others still follow.
        reason = f"{type(error).__name__}: {error}"
        return Verdict(scenario.__name__, 0, 0, 0, 0, (reason,))


def describe(verdict: Verdict) -> str:
    said = "survived" if verdict.passed else "FAILED " + "; ".join(verdict.complaints)
    numbers = (verdict.seconds, verdict.limit_seconds, verdict.lost, verdict.duplicated)
    return ROW.format(verdict.fault, *numbers, said)


if __name__ == "__main__":
    sys.exit(main())
