"""`manage.py check_tails FILE`: whether order numbers spread evenly over their last two digits.

Run before the first canary: a shop that writes a channel or a customer into the ending of its order numbers would send
a skewed sample to the canary.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from prompts.llm import canary
from prompts.llm.canary import Uniformity

VERDICTS = {
    "uniform": "uniform: the endings can be used as buckets",
    "uneven": "uneven: the endings carry something; an arm of them is no fair sample",
    "too_few": f"too few: at least {canary.BUCKETS * canary.EXPECTED_LEAST} order numbers are needed",
}


class Command(BaseCommand):
    help = "Tests whether the last two digits of order numbers are evenly spread."
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file",
            help='order numbers, one a line, or JSONL with "order_number"; - is standard input',
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        found = canary.uniformity(order_numbers(options["file"]))
        self.stdout.write(text_of(found))
        self.stdout.write(json.dumps(as_json(found)))


def order_numbers(name: str) -> Iterator[str]:
    """The order number of each line. Raises CommandError naming a line that is JSON without one."""
    try:
        content = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name}: {error}") from error
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            yield order_number(line.strip(), at=f"{name}:{number}")


def order_number(line: str, *, at: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        found = json.loads(line).get("order_number")
    except json.JSONDecodeError as error:
        raise CommandError(f"{at}: not JSON: {error.msg}") from error
    if not isinstance(found, str | int) or isinstance(found, bool):
        raise CommandError(f'{at}: "order_number" must be a text or a number')
    return str(found)


def as_json(found: Uniformity) -> dict[str, Any]:
    return {
        "n": found.n,
        "skipped": found.skipped,
        "chi_square": round(found.chi_square, 4),
        "p_value": found.p_value,
        "verdict": found.verdict,
        "worst": [
            {"tail": t.bucket, "count": t.count, "ratio": round(t.ratio, 4)} for t in found.worst
        ],
        "counts": list(found.counts),
    }


def text_of(found: Uniformity) -> str:
    lines = [
        f"order numbers   {found.n}",
        f"without a tail  {found.skipped}",
        f"chi-square      {found.chi_square:.1f}  (99 degrees of freedom; about 99 when even)",
        f"p-value         {found.p_value:.3g}  (uneven below {canary.P_LEAST:g})",
        f"verdict         {VERDICTS[found.verdict]}",
    ]
    if found.n:
        lines += ["", "tail  count  times the even share"]
        lines += [f"{t.bucket:02d}    {t.count:5d}  {t.ratio:.2f}" for t in found.worst]
    return "\n".join([*lines, ""])
