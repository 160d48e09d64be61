"""Loads the shipped prompts, examples, SOPs and endpoints; keeps what staff have edited."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from prompts import sync


class Command(BaseCommand):
    help = "Loads prompts/defaults; rows that staff have edited are kept. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = sync.sync()
        except sync.BadDefault as error:
            raise CommandError(str(error)) from error
        fates = ("added", "updated", "kept", "unchanged")
        self.stdout.write("defaults: " + ", ".join(f"{counts[fate]} {fate}" for fate in fates))
