"""`manage.py compare_models`: the model comparison from the command line, by exit code, JSON or Markdown."""

import json
import sys
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from tqdm import tqdm
from typing_extensions import override

from analytics.comparison import forecasting, holding, plan, running, showing
from analytics.comparison.plan import Options
from analytics.models import Comparison
from prompts.llm.catalogue import Endpoint

PART, MISUSED = 1, 2


class Command(BaseCommand):
    help = (
        "Asks every endpoint the same and shows the table. What was answered is kept: --resume goes on. "
        "Exit code 0: all was measured; 1: a part; 2: the command makes no sense."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        usual = Options()
        parser.add_argument("--endpoints", help="names, with commas between; all that have a key")
        parser.add_argument("--measures", help=f"of {','.join(plan.SIZES)}; all")
        parser.add_argument("--samples", type=int, help="most items of every measure")
        parser.add_argument("--rate", type=float, default=usual.rate, help="requests/s under load")
        parser.add_argument("--window-tokens", type=int, default=usual.window_tokens)
        parser.add_argument("--seed", type=int, default=usual.seed)
        parser.add_argument("--max-cost", metavar="CNY", help="what it may cost at most")
        parser.add_argument("--max-calls", type=int, help="how many requests it may make at most")
        parser.add_argument("--dry-run", action="store_true", help="only say what it would cost")
        parser.add_argument("--resume", type=int, metavar="ID", help="go on with a run")
        parser.add_argument("--show", type=int, metavar="ID", help="only show a run")
        parser.add_argument("--language", choices=["zh-hans", "en"], default="en")
        parser.add_argument("--json", action="store_true", help="one JSON object")
        parser.add_argument("--markdown", action="store_true", help="a table in Markdown (usual)")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(options["language"]):
            if options["dry_run"]:
                self.forecast(options)
                return
            row = find(options["show"]) if options["show"] else self.compare(options)
            said = showing.as_object(row) if options["json"] else None
            self.stdout.write(
                json.dumps(said, ensure_ascii=False) if said else showing.markdown(row)
            )
        if row.state != holding.State.DONE:
            sys.exit(PART)

    def compare(self, options: dict[str, Any]) -> Comparison:
        """Makes a run, or goes on with one, until it is over."""
        row = resumed(options) if options["resume"] else begun(options)
        self.stderr.write(f"comparison {row.pk}; if it is interrupted: --resume {row.pk}")
        with tqdm(
            total=row.total, initial=row.answers.count(), unit=" answers", disable=None
        ) as bar:
            running.run(row.pk, told=lambda done: advance(bar, done))
        row.refresh_from_db()
        return row

    def forecast(self, options: dict[str, Any]) -> None:
        """What it would take, an endpoint a line."""
        asked = read_options(options)
        found = forecasting.forecast(
            chosen_endpoints(options["endpoints"]), chosen_measures(options["measures"]), asked
        )
        if options["json"]:
            self.stdout.write(json.dumps([each.as_json() for each in found]))
            return
        for each in found:
            price = "no price known" if each.cny is None else f"about {each.cny:.4f} CNY"
            self.stdout.write(
                f"{each.endpoint}: {each.calls} calls, {each.input_tokens} tokens read, "
                f"{each.output_tokens} written, {price}"
            )
        total = forecasting.together(found)
        self.stdout.write(f"together about {total:.4f} CNY; nothing was asked")


def advance(bar: Any, done: int) -> None:
    """Moves the bar; a window takes more probes than could be foreseen."""
    bar.total = max(bar.total, done)
    bar.update(done - bar.n)


def begun(options: dict[str, Any]) -> Comparison:
    return running.begin(
        chosen_endpoints(options["endpoints"]),
        chosen_measures(options["measures"]),
        read_options(options),
        max_calls=options["max_calls"],
        max_cny=read_cost(options["max_cost"]),
        user_id=None,
        in_background=False,
    )


def resumed(options: dict[str, Any]) -> Comparison:
    """A run that may go on within the limits given now. Raises CommandError."""
    row = find(options["resume"])
    if not holding.reopen(
        row.pk,
        max_calls=options["max_calls"],
        max_cny=read_cost(options["max_cost"]),
        in_background=False,
    ):
        raise CommandError(
            f"comparison {row.pk} is {row.state}: there is nothing to go on with, or another process is at it",
            returncode=MISUSED,
        )
    row.refresh_from_db()
    return row


def find(pk: int) -> Comparison:
    row = Comparison.objects.filter(pk=pk).first()
    if row is None:
        raise CommandError(f"there is no comparison {pk}", returncode=MISUSED)
    return row


def chosen_endpoints(names: str | None) -> list[Endpoint]:
    """Raises CommandError for one that is not there or has no key, and when there is none."""
    known = {endpoint.name: endpoint for endpoint in running.choosable()}
    wanted = [name.strip() for name in names.split(",")] if names else list(known)
    if missing := [name for name in wanted if name not in known]:
        raise CommandError(
            f"no such endpoint, or it is switched off or has no key: {', '.join(missing)}",
            returncode=MISUSED,
        )
    if not wanted:
        raise CommandError("no endpoint has a key: see docs/models.md", returncode=MISUSED)
    return [known[name] for name in dict.fromkeys(wanted)]


def chosen_measures(names: str | None) -> list[str]:
    """In their usual order. Raises CommandError."""
    wanted = {name.strip() for name in names.split(",")} if names else set(plan.SIZES)
    if unknown := wanted - set(plan.SIZES):
        raise CommandError(f"no such measure: {', '.join(sorted(unknown))}", returncode=MISUSED)
    return [measure for measure in plan.SIZES if measure in wanted]


def read_options(options: dict[str, Any]) -> Options:
    """Raises CommandError for numbers that make no sense."""
    try:
        return plan.checked(
            Options(
                seed=options["seed"],
                samples=options["samples"],
                rate=options["rate"],
                window_tokens=options["window_tokens"],
            )
        )
    except ValueError as error:
        raise CommandError(str(error), returncode=MISUSED) from None


def read_cost(text: str | None) -> Decimal | None:
    """Raises CommandError."""
    if text is None:
        return None
    try:
        cost = Decimal(text)
    except InvalidOperation:
        cost = Decimal("NaN")
    if not (cost.is_finite() and 0 <= cost <= running.COST_MOST):
        raise CommandError(f"--max-cost: {text} is no amount of CNY", returncode=MISUSED)
    return cost
