"""`manage.py up`: becomes the supervisor, which needs none of Django's memory. `make up` starts that directly."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from typing_extensions import override


class Command(BaseCommand):
    help = "Starts the whole platform in the foreground; Ctrl-C stops it."
    requires_system_checks = []

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "config.supervisor"])  # noqa: S606
