"""What must hold before anything is started: a home that can be written, a free port. Called by `running`."""

import contextlib
import errno
import os
import secrets
import socket
import tempfile
from pathlib import Path

from config.embedded.locations import log_dir, state_dir
from config.supervisor.plan import StartError


def prepare_home(home: Path) -> None:
    """Makes the home and its directories. Raises: StartError when they cannot be written."""
    try:
        for directory in (home, state_dir(home), log_dir(home)):
            directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory):
                pass
    except OSError as error:
        place = error.filename if isinstance(error.filename, str) else home
        raise StartError(f"cannot write to the home {home}: {error.strerror} ({place})") from error


def check_port(host: str, port: int) -> None:
    """Raises: StartError when nobody could listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # As the web part does: connections of an earlier run that still fade away are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"port {port} is taken: choose another one, PORT={port + 1} make up"
            ) from error
        raise StartError(f"cannot listen on {host} port {port}: {error.strerror}") from error


def write_secret(path: Path, secret: str) -> bool:
    """Creates a file that only its owner reads (0600), with all of its content or not at all; False if it exists."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secret}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)
            return True
        return False
    finally:
        fresh.unlink()
