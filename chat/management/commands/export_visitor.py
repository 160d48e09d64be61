"""`manage.py export_visitor ID`: everything kept of a visitor as JSON, with the raw values, for the visitor alone."""

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from chat.actions import privacy
from chat.models import Visitor


class Command(BaseCommand):
    help = "Prints everything kept of a visitor as JSON, raw values included."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("visitor_id", type=UUID)

    @override
    def handle(self, *args: Any, visitor_id: UUID, **options: Any) -> None:
        visitor = Visitor.objects.filter(pk=visitor_id).first()
        if visitor is None:
            raise CommandError(f"there is no visitor {visitor_id}")
        self.stdout.write(json.dumps(privacy.export(visitor), ensure_ascii=False, indent=1))
