"""`manage.py export_finetune DIR`: dialogues to tune a model with, masked, split, checked, with a data card."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from typing_extensions import override

from analytics.finetuning import card, formats, gathering, likeness, writing
from analytics.finetuning.gathering import Gathered
from analytics.finetuning.sample import SPLITS
from analytics.finetuning.sources import Scope
from analytics.loadtests.keeping import version
from chat.models import Inbox

MOST = 50_000
LEAKED = 2
SHOWN = 5


class Command(BaseCommand):
    help = (
        "Writes train, valid and test as JSONL and a data card into a new directory: approved few-shot examples, SOPs in force and "
        "conversations that customers rated well, masked once more. Exit code 1: nothing was found or it cannot be written; "
        "2: something stands on both sides of a split. Either way nothing is written."
    )
    requires_system_checks: list[str] = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--format", choices=sorted(formats.FORMATS), default="openai")
        parser.add_argument(
            "--inbox", action="append", default=[], help="key of an inbox; repeatable; default: all"
        )
        parser.add_argument(
            "--score", type=int, choices=range(1, 6), default=4, help="rating from which on (4)"
        )
        parser.add_argument("--seed", type=int, default=1, help="of the split (1)")
        parser.add_argument("--most", type=int, default=MOST, help=f"samples at most ({MOST})")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        scope = Scope(tuple(options["inbox"]), options["score"])
        check_inboxes(scope)
        folder: Path = options["folder"]
        try:
            writing.check_free(folder)
            gathered = gathering.gather(scope, seed=options["seed"], most=max(1, options["most"]))
            self.check_leaks(gathered)
            made = card.Made(timezone.now(), options["format"], scope, options["seed"], version())
            said = card.card(gathered, made)
            writing.write(folder, gathered.splits, form=options["format"], card=said)
        except (writing.Occupied, OSError) as error:
            raise CommandError(str(error)) from None
        self.say(gathered, folder)

    def check_leaks(self, gathered: Gathered) -> None:
        """Raises CommandError."""
        if not gathered.splits["train"]:
            raise CommandError("there is nothing to train on")
        found = likeness.leaks(gathered.splits, gathered.cases)
        if found:
            lines = [f"{leak.kind}: {leak.text!r} {leak.other!r}" for leak in found[:SHOWN]]
            said = "\n".join([f"{len(found)} leaks, nothing was written", *lines])
            raise CommandError(said, returncode=LEAKED)

    def say(self, gathered: Gathered, folder: Path) -> None:
        counts = ", ".join(f"{split} {len(gathered.splits[split])}" for split in SPLITS)
        self.stdout.write(f"{counts}: {folder}")
        for why, count in gathered.count.left_out.most_common():
            if count:
                self.stderr.write(f"left out, {why}: {count}")


def check_inboxes(scope: Scope) -> None:
    """Raises CommandError for a key that is no inbox's: a slip of the pen must not mean all of them, or none."""
    known = set(Inbox.objects.filter(key__in=scope.inboxes).values_list("key", flat=True))
    unknown = sorted(set(scope.inboxes) - known)
    if unknown:
        raise CommandError(f"no inbox has the key {', '.join(unknown)}")
