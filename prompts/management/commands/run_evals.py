"""`manage.py run_evals`: evaluation sets as a gate for continuous integration, by exit code."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from prompts.evaluation import running
from prompts.evaluation.intervals import wilson
from prompts.models import EvalResult, EvalRun, EvalSet, PromptVersion

FAILED, MISUSED = 1, 2


class Command(BaseCommand):
    help = (
        "Asks every case of the named sets (none: all) as production would. "
        "Exit code 0: all passed their threshold; 1: one did not; 2: the command makes no sense."
    )
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sets", nargs="*", metavar="SET", help="names of evaluation sets")
        parser.add_argument("--version-id", type=int, help="a prompt version that speaks instead")
        parser.add_argument("--json", action="store_true", help="one JSON object a set")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        sets, version = chosen_sets(options["sets"]), chosen_version(options["version_id"])
        passed = [self.evaluate(each, version=version, as_json=options["json"]) for each in sets]
        if not all(passed):
            sys.exit(FAILED)

    def evaluate(self, chosen: EvalSet, *, version: PromptVersion | None, as_json: bool) -> bool:
        run = running.begin(chosen, version=version, user_id=None)
        running.run(run.pk)
        run.refresh_from_db()
        good = run.passes
        failed = run.results.filter(passed=False).select_related("case")
        said = as_object(run, failed, good=good) if as_json else as_text(run, failed, good=good)
        self.stdout.write(said)
        return good


def chosen_sets(names: list[str]) -> list[EvalSet]:
    """Raises CommandError for a name that is not there, and when there is nothing to run."""
    found = EvalSet.objects.filter(cases__enabled=True).distinct().order_by("name")
    sets = list(found.filter(name__in=names) if names else found)
    if missing := set(names) - {each.name for each in sets}:
        wrong = ", ".join(sorted(missing))
        raise CommandError(f"no such set, or no case in it: {wrong}", returncode=MISUSED)
    if not sets:
        raise CommandError("there is no evaluation set with cases", returncode=MISUSED)
    return sets


def chosen_version(pk: int | None) -> PromptVersion | None:
    if pk is None:
        return None
    version = PromptVersion.objects.select_related("prompt").filter(pk=pk).first()
    if version is None:
        raise CommandError(f"there is no prompt version {pk}", returncode=MISUSED)
    return version


def as_text(run: EvalRun, failed: Any, *, good: bool) -> str:
    low, high = wilson(run.passed, run.total)
    head = (
        f"{'ok' if good else 'FAILED'} {run.set.name}: {run.passed}/{run.total} "
        f"(95 %: {low:.1%}-{high:.1%}), threshold {run.set.threshold:g} %"
    )
    return "\n".join([head, *map(as_lines, failed)])


def as_lines(result: EvalResult) -> str:
    said = "; ".join(
        f"{one['check']}: wanted {one['wanted'] or '-'}, found {one['found'] or '-'}"
        for one in result.failures
    )
    return f"  {result.case.key}{' (critical)' if result.case.critical else ''}: {said}"


def as_object(run: EvalRun, failed: Any, *, good: bool) -> str:
    low, high = wilson(run.passed, run.total)
    failures = {result.case.key: result.failures for result in failed}
    return json.dumps(
        {
            "set": run.set.name,
            "run": run.pk,
            "passed": good,
            "cases": run.total,
            "passed_cases": run.passed,
            "low": round(low, 4),
            "high": round(high, 4),
            "threshold": run.set.threshold,
            "failures": failures,
        },
        ensure_ascii=False,
    )
