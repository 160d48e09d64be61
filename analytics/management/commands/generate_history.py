"""`manage.py generate_history`: a made-up past of a busy shop, to try pages on and to measure them with."""

from argparse import ArgumentParser
from itertools import islice
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm
from typing_extensions import override

from analytics import history, rollups
from chat.models import Conversation

BATCH = 1000


class Command(BaseCommand):
    help = "Writes seeded conversations of the past days; never into a database with others, unless told so."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--messages", type=int, default=2_000_000, help="about how many lines")
        parser.add_argument("--days", type=int, default=180)
        parser.add_argument(
            "--seed", type=int, default=1, help="the same seed tells the same stories"
        )
        parser.add_argument(
            "--mix", action="store_true", help="though there are other conversations"
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["messages"] < 1 or options["days"] < 1:
            raise CommandError("--messages and --days are at least 1")
        if not options["mix"] and Conversation.objects.exists():
            raise CommandError(
                "there are conversations already, and made-up ones would count among them: use --mix, or another database"
            )
        started, lines = monotonic(), 0
        stories = history.tell(
            history.open_shop(),
            messages=options["messages"],
            days=options["days"],
            until=timezone.localtime().replace(minute=0, second=0, microsecond=0),
            seed=options["seed"],
        )
        with tqdm(total=options["messages"], unit=" lines", unit_scale=True, disable=None) as bar:
            while batch := list(islice(stories, BATCH)):
                written = history.write(batch)
                lines += written
                bar.update(written)
        # Beat has counted up to now meanwhile, and would not look back that far.
        rollups.forget()
        seconds = monotonic() - started
        self.stdout.write(
            f"{lines} lines in {seconds:.0f} s; count them with: manage.py fill_analytics"
        )
