"""`manage.py erase_visitor ID`: removes everything a visitor said and gave."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from chat.actions import privacy
from chat.models import Visitor


class Command(BaseCommand):
    help = "Removes what a visitor said and gave; cannot be undone."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("visitor_id", type=UUID)

    @override
    def handle(self, *args: Any, visitor_id: UUID, **options: Any) -> None:
        visitor = Visitor.objects.filter(pk=visitor_id).first()
        if visitor is None:
            raise CommandError(f"there is no visitor {visitor_id}")
        counts = privacy.erase(visitor)
        self.stdout.write(", ".join(f"{count} {kind}" for kind, count in counts.items()))
