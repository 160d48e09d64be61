"""The embedded Postgres: creates its data once, and describes how to start it.

Called by the supervisor and by `services`. The server is reached by a socket in a private directory only, so
every connection through it is trusted.
"""

import shutil
import signal
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import psutil

from config.embedded import locations
from config.embedded.account import Account, check_owner, find_account, make_private, open_way
from config.embedded.binaries import POSTGRES_MAJOR, find_postgres_bin
from config.embedded.errors import EmbeddedError
from config.embedded.leftover import end_orphans, end_postmaster
from config.embedded.server import Server, bare_environment

# The builtin provider compares by code point and knows Unicode's letters without the machine's C library:
# an upgrade of the system can never corrupt an index, and macOS behaves as Linux does.
LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")

SETTINGS = {
    # Durability is the promise: an acknowledged message is on disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # One small shop on one machine: idle memory counts more than a large cache (the page cache helps).
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "io_method": "sync",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # Customers' words appear in statements and details: neither may reach the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}


def prepare(home: Path) -> Server:
    """The server of this home; on first use its data directory is created, with the empty database in it.

    Raises: EmbeddedError with one line for the operator.
    """
    account = find_account()
    bin_dir, data, sockets = find_postgres_bin(), locations.data_dir(home), locations.run_dir(home)
    home.mkdir(parents=True, exist_ok=True)
    make_private(sockets, account=account)
    open_way(bin_dir / "postgres", data, sockets, home=home, account=account)
    if not data.exists():
        _create_data(data, bin_dir=bin_dir, account=account)
    _check_data(data, account=account)
    return Server(
        name="postgres",
        argv=_argv(bin_dir, data=data, sockets=sockets),
        account=account,
        log_path=locations.log_dir(home) / "postgres.log",
        # Fast shutdown first; then immediate, after which the next start replays the log.
        stop_signals=(signal.SIGINT, signal.SIGQUIT),
        is_ready=partial(_is_ready, bin_dir, sockets),
        clear_stale=partial(_clear_stale, data, sockets),
    )


def _argv(bin_dir: Path, *, data: Path, sockets: Path) -> tuple[str, ...]:
    options = [f"--{name}={value}" for name, value in SETTINGS.items()]
    place = ["-D", str(data), "-k", str(sockets), "-p", str(locations.POSTGRES_PORT)]
    return (str(bin_dir / "postgres"), *place, *options)


def _create_data(data: Path, *, bin_dir: Path, account: Account) -> None:
    """Built aside and renamed: a first start that is killed leaves no half-made data directory."""
    for left_over in data.parent.glob(f"{data.name}.new-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f"{data.name}.new-", dir=data.parent))
    make_private(made, account=account)
    access = ["-U", locations.DATABASE_USER, "--auth-local=trust", "--auth-host=reject"]
    _run([str(bin_dir / "initdb"), "-D", str(made), *access, *LOCALE], account=account)
    # Single-user mode needs no socket: the database is there before the directory gets its name.
    single = [str(bin_dir / "postgres"), "--single", "-D", str(made), "postgres"]
    _run(single, account=account, words=f"CREATE DATABASE {locations.DATABASE_NAME}\n")
    made.rename(data)


def _run(command: list[str], *, account: Account, words: str = "") -> None:
    try:
        subprocess.run(  # noqa: S603
            command,
            check=True,
            input=words,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=bare_environment(),
            umask=0o077,
            **account.run_as(),
        )
    except subprocess.CalledProcessError as error:
        reason = (str(error.output).strip().splitlines() or [f"exit code {error.returncode}"])[-1]
        raise EmbeddedError(f"cannot create the database: {reason}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedError(f"cannot create the database: {error}") from error


def _check_data(data: Path, *, account: Account) -> None:
    check_owner(data, account=account)
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except OSError:
        raise EmbeddedError(f"{data} is not a Postgres data directory: move it away") from None
    if found != str(POSTGRES_MAJOR):
        raise EmbeddedError(
            f"{data} was written by Postgres {found}, this release has {POSTGRES_MAJOR}"
        )


def _is_ready(bin_dir: Path, sockets: Path) -> bool:
    whom = ["-h", str(sockets), "-U", locations.DATABASE_USER, "-d", locations.DATABASE_NAME]
    ask = [str(bin_dir / "pg_isready"), "-q", "-t", "2", *whom]
    return subprocess.run(ask, check=False, env=bare_environment()).returncode == 0  # noqa: S603


def _clear_stale(data: Path, sockets: Path) -> None:
    """Ends the servers of this data directory that outlived their supervisor or their postmaster.

    Then removes lock files whose process id is somebody else's: after a restart of the machine or container ids
    repeat, and Postgres would refuse to start because "its" process seems alive.
    """
    lock = data / "postmaster.pid"
    if not lock.exists():
        return  # it was stopped in order
    family = [process for process in psutil.process_iter() if _is_server(process, data)]
    postmaster = _find_process(lock)
    if postmaster in family:
        end_postmaster(postmaster)
    elif family:
        end_orphans(family)
    for path in (lock, sockets / f"{locations.POSTGRES_SOCKET}.lock"):
        if _find_process(path):
            path.unlink(missing_ok=True)


def _find_process(lock: Path) -> psutil.Process | None:
    try:
        return psutil.Process(int(lock.read_text().split()[0]))
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return None


def _is_server(process: psutil.Process, data: Path) -> bool:
    """Every process of Postgres, whatever its title says, works in its data directory."""
    try:
        return process.name().startswith("postgres") and Path(process.cwd()) == data
    except (psutil.Error, OSError):
        return False
