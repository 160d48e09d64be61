"""`manage.py bundle export|import|diff DIR`: what staff wrote, as files for a repository and its reviews."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from prompts import audit, bundle
from prompts.bundle import BundleError, Fate, Item, Plan, Refused
from prompts.redaction import engine
from prompts.versions import Held

DIFFERS, REFUSED = 1, 2
ABOUT = {
    Fate.NEW: "only in the directory",
    Fate.CHANGED: "says something else",
    Fate.HELD: "is not in force",
    Fate.ABSENT: "only in the database",
}


class Command(BaseCommand):
    help = (
        "Prompts, examples, SOPs, evaluation sets, policies and intents as files. An import shows what it would do "
        "and changes nothing without --apply. Exit code 2: the directory cannot be read, or something is refused; "
        "diff: 0 the same, 1 different."
    )
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        for name in ("export", "import", "diff"):
            act = acts.add_parser(name)
            act.add_argument("folder", type=Path, metavar="DIR")
            if name == "import":
                act.add_argument("--apply", action="store_true", help="carry it out")
                act.add_argument(
                    "--publish", action="store_true", help="put versions and the policy into force"
                )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        engine.warm()
        folder: Path = options["folder"]
        try:
            if options["act"] == "export":
                self.export(folder)
            elif options["act"] == "diff":
                self.diff(folder)
            else:
                self.take(folder, apply=options["apply"], publish=options["publish"])
        except BundleError as error:
            raise CommandError(f"{error}\nNothing was changed.", returncode=REFUSED) from None
        except Held as error:
            said = f"{error}: leave out --publish, and make a release.\nNothing was changed."
            raise CommandError(said, returncode=REFUSED) from None

    def export(self, folder: Path) -> None:
        found = bundle.export()
        changed = bundle.write(found.files, folder)
        for each in found.masked:
            self.stderr.write(f"masked: {each}")
        self.stdout.write(
            f"{len(found.files)} files, {len(changed)} changed, personal data masked in {len(found.masked)} places"
        )

    def take(self, folder: Path, *, apply: bool, publish: bool) -> None:
        directory = bundle.read(folder)
        try:
            with audit.acting(None, by="manage.py bundle import"):
                plan = bundle.apply(directory, publish=publish) if apply else bundle.compare(directory, publish=publish)  # fmt: skip
        except Refused as error:
            plan = error.plan
        self.tell(plan)
        self.stdout.write(outcome(plan, applied=apply))
        if plan.refused:
            sys.exit(REFUSED)

    def diff(self, folder: Path) -> None:
        plan = bundle.compare(bundle.read(folder))
        for problem in plan.refused:
            self.stderr.write(str(problem))
        for item in plan.items:
            if item.fate in ABOUT:
                self.stdout.write(f"{item.path}: {ABOUT[item.fate]}{fields(item)}")
        if plan.refused:
            sys.exit(REFUSED)
        self.stdout.write("different" if plan.differs else "the same")
        if plan.differs:
            sys.exit(DIFFERS)

    def tell(self, plan: Plan) -> None:
        """Every object's fate, and what is wrong, each at its place."""
        for item in plan.items:
            self.stdout.write(f"{item.fate:8} {item.path}{named(item)}{fields(item)}")
        for problem in plan.warnings:
            self.stderr.write(f"warning: {problem}")
        for problem in plan.refused:
            self.stderr.write(str(problem))


def named(item: Item) -> str:
    return f" {item.label}" if item.kind == "case" and item.label else ""


def fields(item: Item) -> str:
    return f" ({', '.join(item.changed)})" if item.changed else ""


def outcome(plan: Plan, *, applied: bool) -> str:
    counts = ", ".join(f"{plan.counts[fate]} {fate}" for fate in Fate)
    if plan.refused:
        return f"{counts}. Nothing was changed: {len(plan.refused)} problems."
    held = " What is held goes into force with --publish." if plan.counts[Fate.HELD] else ""
    done = "Applied." if applied else "Nothing was changed: --apply carries it out."
    return f"{counts}. {done}{held}"
