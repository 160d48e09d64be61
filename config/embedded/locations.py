"""Where the embedded Postgres and Redis keep their data and sockets, computed from the home alone.

Settings call this, so that every command finds running services without a variable. Nothing is created here.
"""

import hashlib
import os
from pathlib import Path
from urllib.parse import quote

DATABASE_USER = "yingda"
DATABASE_NAME = "yingda"
POSTGRES_PORT = 5432  # only part of the socket's name: there is no TCP
POSTGRES_SOCKET = f".s.PGSQL.{POSTGRES_PORT}"
REDIS_SOCKET = "redis.sock"

# A socket's path holds 107 bytes on Linux and 103 on macOS.
SOCKET_PATH_BYTES = 103

# Not tempfile.gettempdir(): the answer may not change with the caller's TMPDIR.
TEMPORARY = Path("/tmp")  # noqa: S108  the directory below is created privately and its owner checked


def run_dir(home: Path) -> Path:
    """The private directory of both sockets: inside the home, or in a short place when the home's path is long."""
    home = home.resolve()
    inside = home / "run" / "sockets"
    if len(os.fsencode(inside / POSTGRES_SOCKET)) <= SOCKET_PATH_BYTES:
        return inside
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()
    return TEMPORARY / f"yingda-{digest[:20]}"


def database_url(home: Path) -> str:
    """`postgres://yingda@%2Fhome%2Frun%2Fsockets/yingda`"""
    return f"postgres://{DATABASE_USER}@{quote(str(run_dir(home)), safe='')}/{DATABASE_NAME}"


def redis_url(home: Path) -> str:
    """`unix:///home/run/sockets/redis.sock?db=0`"""
    return f"unix://{quote(str(run_dir(home) / REDIS_SOCKET))}?db=0"


def state_dir(home: Path) -> Path:
    """The supervisor's own directory: its lock, its list of processes, beat's schedule."""
    return home.resolve() / "run"


def data_dir(home: Path) -> Path:
    return home.resolve() / "postgres"


def log_dir(home: Path) -> Path:
    return home.resolve() / "log"
