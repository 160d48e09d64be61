"""The embedded Redis: doorbells, frames, dialogue state. It keeps nothing on disk and may be wiped at any time.

Called by the supervisor and by `services`. It listens on a socket in a private directory only.
"""

import contextlib
import signal
import socket
from functools import partial
from pathlib import Path

from config.embedded import locations
from config.embedded.account import find_account, make_private, open_way
from config.embedded.binaries import find_redis_server
from config.embedded.server import Server

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    # A doorbell that is evicted silently is worse than a write that fails loudly.
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "loglevel": "warning",
}


def prepare(home: Path) -> Server:
    """The server of this home. Raises: EmbeddedError with one line for the operator."""
    account, binary, sockets = find_account(), find_redis_server(), locations.run_dir(home)
    home.mkdir(parents=True, exist_ok=True)
    make_private(sockets, account=account)
    open_way(binary, sockets, home=home, account=account)
    path = sockets / locations.REDIS_SOCKET
    options = {**SETTINGS, "unixsocket": str(path), "dir": str(sockets)}
    return Server(
        name="redis",
        argv=(
            str(binary),
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ),
        account=account,
        log_path=locations.log_dir(home) / "redis.log",
        stop_signals=(signal.SIGTERM,),
        is_ready=partial(_is_ready, path),
        # A killed server leaves its socket; without this one could take the old for the new.
        clear_stale=partial(path.unlink, missing_ok=True),
    )


def _is_ready(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(str(path))
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False
