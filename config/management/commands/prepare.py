"""`manage.py prepare`: makes the database ready for this release. The supervisor runs it before the parts.

Safe to run again: each step does only what is still missing.
"""

import json
import secrets
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from typing_extensions import override

from config.supervisor.checks import write_secret

ADMIN_NAME = "admin"
CONNECT_SECONDS = 5


class PrepareError(Exception):
    """The database cannot be made ready; the message is one line for the operator."""


class Command(BaseCommand):
    help = "Migrates, loads the defaults and the demo data, creates the first administrator."
    requires_system_checks = []

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--report", type=Path, help="writes the outcome as JSON to this file")

    @override
    def handle(self, *args: Any, report: Path | None = None, **options: Any) -> None:
        try:
            outcome = {"admin": self._prepare()}
        except PrepareError as error:
            outcome = {"error": str(error)}
        if report:
            report.write_text(json.dumps(outcome))
        elif "error" in outcome:
            self.stderr.write(outcome["error"])
        sys.exit(1 if "error" in outcome else 0)

    def _prepare(self) -> str:
        _use_patient_connection()
        check_database()
        check_redis()
        check_migrations()
        call_command("migrate", verbosity=0, interactive=False)
        call_command("sync_defaults", verbosity=0)
        call_command("load_demo", verbosity=0)
        return create_admin(settings.YINGDA_HOME / "admin_password")


def _use_patient_connection() -> None:
    """One plain connection: a migration may take longer than any statement of the running platform may."""
    options = {
        name: value for name, value in connection.settings_dict["OPTIONS"].items() if name != "pool"
    }
    connection.settings_dict["OPTIONS"] = {
        **options,
        "options": "-c lock_timeout=5000",
        "connect_timeout": CONNECT_SECONDS,
    }


def check_database() -> None:
    """Raises: PrepareError, naming the server but never the password, when it cannot be used."""
    if connection.vendor != "postgresql":
        raise PrepareError("DATABASE_URL is not of Postgres, the only database that works here")
    found = connection.settings_dict
    name = "the embedded Postgres" if settings.DATABASE_EMBEDDED else "DATABASE_URL"
    try:
        connection.ensure_connection()
    except OperationalError as error:
        place = f"{found['HOST'] or 'localhost'}:{found['PORT'] or 5432}/{found['NAME']}"
        raise PrepareError(f"{name} is unreachable ({place}): {_first_line(error)}") from error


def check_redis() -> None:
    """Raises: PrepareError, naming the server but never the password, when it cannot be used."""
    name = "the embedded Redis" if settings.REDIS_EMBEDDED else "REDIS_URL"
    url = urlsplit(settings.REDIS_URL)
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=CONNECT_SECONDS,
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        place = f"{url.hostname}:{url.port or 6379}" if url.hostname else url.path
        raise PrepareError(f"{name} is unreachable ({place}): {_first_line(error)}") from error


def check_migrations() -> None:
    """Raises: PrepareError when the database was already changed by a newer release than this one."""
    loader = MigrationLoader(connection)
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known.update(migration.replaces)
    ours = {key for key in loader.applied_migrations if key[0] in loader.migrated_apps}
    if newer := sorted(ours - known):
        names = ", ".join(".".join(key) for key in newer[:3])
        raise PrepareError(
            f"the database was used by a newer version, whose migrations are unknown here ({names}): "
            "run that version or restore a backup"
        )


def create_admin(password_path: Path) -> str:
    """Creates the first administrator: "generated" or "given" after its password, or "kept" if there is one.

    Any superuser counts: whoever replaced `admin` by people's own accounts does not get it back.
    """
    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return "kept"
    password = settings.ADMIN_PASSWORD
    if not password:
        # Stored before it is used: a crash in between must not leave an account nobody can enter.
        write_secret(password_path, secrets.token_urlsafe(12))
        password = password_path.read_text().strip()
    users.create_superuser(ADMIN_NAME, password=password)
    return "given" if settings.ADMIN_PASSWORD else "generated"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
