"""`manage.py replay_routing FILE`: what a routing policy saves at equal quality, on a table of counterfactual outcomes.

docs/routing.md has the format of the table and tells how to read the report.
"""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from prompts.llm.router import Policy, PolicyError, offline, outcomes
from prompts.llm.router.offline import Report, Row

HEAD = (
    "policy", "cost per 1k", "good", "saved", "95 % interval", "equal quality", "p99 ms", "dispatched",
)  # fmt: skip


class Command(BaseCommand):
    help = "Reports Cost Saved at Equal Quality of a routing policy on a table of outcomes."
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="JSONL table of outcomes, - for standard input")
        parser.add_argument("--policy", help="JSON file of the policy; the default one otherwise")
        parser.add_argument("--out", help="file for the report as JSON")
        parser.add_argument("--resamples", type=int, default=offline.RESAMPLES)
        parser.add_argument("--seed", type=int, default=0)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["resamples"] < 1:
            raise CommandError("--resamples must be at least 1")
        policy = read_policy(options["policy"])
        report = self.measure(options, policy)
        line = json.dumps(as_json(report, policy), ensure_ascii=False)
        if options["out"]:
            write(options["out"], line)
        self.stdout.write(text_of(report, policy))
        self.stdout.write(line)

    def measure(self, options: dict[str, Any], policy: Policy) -> Report:
        name = options["file"]
        try:
            table = outcomes.read(read_text(name).splitlines())
            names = [option.name for option in table.options]
            check(policy, names, where=options["policy"])
            return offline.measure(
                table,
                policy,
                resamples=options["resamples"],
                seed=options["seed"],
                progress=self.stderr.write,
            )
        except (outcomes.TableError, offline.TooFewTurns) as error:
            raise CommandError(f"{name}: {error}") from error


# --- files ---------------------------------------------------------------------------------------------


def read_policy(name: str | None) -> Policy:
    if not name:
        return Policy()
    try:
        return Policy.from_json(json.loads(read_text(name)))
    except (json.JSONDecodeError, PolicyError) as error:
        raise CommandError(f"{name}: {error}") from error


def check(policy: Policy, endpoint_names: list[str], *, where: str | None) -> None:
    problems = policy.check(endpoint_names)
    if problems:
        raise CommandError(f"{where}: " + " ".join(problem.message_en for problem in problems))


def read_text(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name}: {error}") from error


def write(name: str, line: str) -> None:
    try:
        Path(name).write_text(line + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{name}: {error}") from error


# --- report --------------------------------------------------------------------------------------------


def as_json(report: Report, policy: Policy) -> dict[str, Any]:
    """Shares of 1; costs per turn in the accounting currency."""
    full = report.full
    return {
        "policy_version": policy.version,
        "learned": report.learned,
        "judged": report.judged,
        "synthetic": report.synthetic,
        "best_single": report.best_single,
        "cseq": full.saved if full.equal_quality else None,
        "cseq_interval": full.saved_interval if full.equal_quality else None,
        "rows": [asdict(row) for row in report.rows],
    }


def text_of(report: Report, policy: Policy) -> str:
    lines = [*origin(report), ""]
    lines.append(
        f"policy {policy.version}: learned from {report.learned} turns, judged on {report.judged}; "
        f"best single endpoint: {report.best_single}"
    )
    lines += ["", table([HEAD, *map(cells, report.rows)]), "", *headline(report), ""]
    return "\n".join(lines)


def origin(report: Report) -> list[str]:
    """Says plainly when figures are about data that somebody made up."""
    turns = report.learned + report.judged
    if report.synthetic == 0:
        return [f"{turns} turns of real outcomes"]
    return [
        f"SYNTHETIC DATA: {report.synthetic} of {turns} turns are made up.",
        "These figures show that the arithmetic works. They say nothing about real models or customers.",
    ]


def headline(report: Report) -> list[str]:
    full = report.full
    if full.saved is None:
        return ["Cost Saved at Equal Quality: not defined, the best single endpoint costs nothing"]
    gap = f"{share(full.quality_gap[0])} to {share(full.quality_gap[1])}"
    quality = f"good answers {share(full.quality)}, difference to {report.best_single} {gap}"
    if not full.equal_quality:
        return [
            "Cost Saved at Equal Quality: none, the quality is more than "
            f"{offline.EQUAL:.0%} below that of {report.best_single} ({quality})"
        ]
    return [
        f"Cost Saved at Equal Quality: {share(full.saved)} ({interval(full)}); {quality}",
    ]


def cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.cost * 1000:.3f}",
        share(row.quality),
        share(row.saved),
        interval(row),
        "yes" if row.equal_quality else "no",
        f"{row.p99_ms:.0f}",
        share(row.dispatched),
    )


def interval(row: Row) -> str:
    if row.saved_interval is None:
        return "-"
    return f"{share(row.saved_interval[0])} to {share(row.saved_interval[1])}"


def share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def table(rows: list[tuple[str, ...]]) -> str:
    """The first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        padded = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *padded]))
    return "\n".join(lines)
