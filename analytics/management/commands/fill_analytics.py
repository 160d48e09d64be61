"""`manage.py fill_analytics`: brings the figures up to date, or counts all of the past anew."""

from argparse import ArgumentParser
from time import sleep
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm
from typing_extensions import override

from analytics import rollups

STEP_SECONDS = 2.0
# Beat fills as well, for a moment.
BUSY_SECONDS = 0.2


class Command(BaseCommand):
    help = "Counts what is not counted yet; it may be stopped and started at any time."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--again",
            action="store_true",
            help="from the first row on: after new figures, another time zone or a restored backup",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["again"]:
            rollups.forget()
        with tqdm(unit=" rounds", disable=None) as bar:
            while not self.go_on():
                bar.update()
                bar.set_postfix(rollups.left())

    def go_on(self) -> bool:
        """Some seconds of work; whether it was the last of it."""
        try:
            return rollups.tick(seconds=STEP_SECONDS)
        except rollups.Busy:
            sleep(BUSY_SECONDS)
            return False
