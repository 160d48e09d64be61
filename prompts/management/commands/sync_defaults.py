"""`manage.py sync_defaults`: loads prompts/defaults; safe to run at every start."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, no_translations
from typing_extensions import override

from prompts import audit, default_files, roles, sync
from prompts.default_files import DefaultsError


class Command(BaseCommand):
    help = "Loads the default prompts, examples, SOPs and endpoints; what staff edited stays."
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", type=Path, default=default_files.FOLDER)

    @override
    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            entries = default_files.read(options["folder"])
            with audit.acting(None, by="defaults"):
                counts = sync.sync(entries)
                roles.make()
        except DefaultsError as error:
            raise CommandError(str(error)) from error
        if options["verbosity"] > 0:
            summary = ", ".join(f"{counts[outcome]} {outcome}" for outcome in sync.Outcome)
            self.stdout.write(f"defaults: {summary}")
            if waits := ", ".join(map(str, sync.waiting())):
                self.stdout.write(f"waiting for a release, as a set guards their prompts: {waits}")
