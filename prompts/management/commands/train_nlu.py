"""`manage.py train_nlu`: trains the classifier of intents and moods from the rows staff edit."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from prompts import understanding
from prompts.nlu.train import TooFewExamples

PATIENCE = 10


class Command(BaseCommand):
    help = "Trains on the enabled examples; the result is in force at once unless it is worse."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--note", default="", help="why, for the list of versions")
        parser.add_argument("--user", type=int, help="key of the account that asked for it")
        parser.add_argument("--patient", action="store_true", help="lets other processes go first")
        parser.add_argument("--if-none", action="store_true", help="only when there is none yet")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_none"] and understanding.classifier() is not None:
            return
        if options["patient"]:
            os.nice(PATIENCE)
        try:
            row = understanding.train_now(user_id=options["user"], note=options["note"])
        except understanding.AlreadyTraining:
            raise CommandError(
                "another process trains at this moment", returncode=understanding.BUSY
            ) from None
        except TooFewExamples as error:
            raise CommandError(
                f"too few examples: {error}", returncode=understanding.TOO_FEW
            ) from error
        state = "in force" if row.active else "not in force: worse than the one before"
        self.stdout.write(
            f"classifier {row.number}: {row.examples} examples in {row.seconds:.0f} s, "
            f"accuracy {row.accuracy:.3f}, macro F1 {row.macro_f1:.3f} by cross-validation; {state}"
        )
