"""The system account that the embedded services run as, and the directories it must reach.

Postgres refuses to run as root, so root hands both services to the account `pgserver`; anybody else runs them
as themselves. Called while a server is prepared.
"""

import logging
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from config.embedded.errors import EmbeddedError

ACCOUNT_NAME = "pgserver"

logger = logging.getLogger(__name__)


class RunAs(TypedDict):
    """Arguments of subprocess that change the user; all None when there is nothing to change."""

    user: int | None
    group: int | None
    extra_groups: list[int] | None


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int
    is_switched: bool
    """True when we are root and the services are not."""

    def run_as(self) -> RunAs:
        if self.is_switched:
            return RunAs(user=self.uid, group=self.gid, extra_groups=[])
        return RunAs(user=None, group=None, extra_groups=None)


def find_account() -> Account:
    """The account of the services; as root it is created when it is missing.

    Raises: EmbeddedError when it cannot be created.
    """
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), is_switched=False)
    try:
        entry = pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        entry = _create_account()
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, is_switched=True)


def _create_account() -> pwd.struct_passwd:
    command = [
        "useradd",
        "--system",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        ACCOUNT_NAME,
    ]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        reason = done.stderr.strip() or f"useradd exited with {done.returncode}"
    except OSError as error:
        reason = f"useradd: {error.strerror}"
    # Asked again instead of trusting the exit code: another first start may have been faster.
    try:
        return pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        raise EmbeddedError(
            f"Postgres does not run as root and its account {ACCOUNT_NAME} cannot be created ({reason}): "
            "create it, or run as an ordinary user"
        ) from None


def make_private(directory: Path, *, account: Account) -> None:
    """Makes `directory` exist, owned by the account, closed to everybody else (0700).

    Raises: EmbeddedError when it exists but is somebody else's, or is not a directory.
    """
    try:
        directory.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        pass
    except OSError as error:
        raise EmbeddedError(f"cannot create {directory}: {error.strerror}") from error
    # The descriptor pins what was checked: in a directory like /tmp the name could be swapped for a link.
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise EmbeddedError(f"cannot use {directory}: {error.strerror}") from error
    try:
        _take_over(descriptor, directory, account=account)
    finally:
        os.close(descriptor)


def _take_over(descriptor: int, directory: Path, *, account: Account) -> None:
    found = os.fstat(descriptor)
    if found.st_uid not in {account.uid, os.geteuid()}:
        raise EmbeddedError(f"{directory} belongs to another user ({_name_of(found.st_uid)})")
    if found.st_uid != account.uid:
        os.fchown(descriptor, account.uid, account.gid)
    if stat.S_IMODE(found.st_mode) != 0o700:
        os.fchmod(descriptor, 0o700)


def check_owner(directory: Path, *, account: Account) -> None:
    """Raises: EmbeddedError when the data belong to another account than the one that will use them."""
    owner = directory.stat().st_uid
    if owner != account.uid:
        wanted = _name_of(account.uid)
        raise EmbeddedError(f"{directory} belongs to {_name_of(owner)}, not to {wanted}: chown it")


def open_way(*targets: Path, home: Path, account: Account) -> None:
    """Lets the account pass through the directories above `targets`; says which ones outside the home it opened.

    Only the permission to pass (o+x) is added, not the one to list.
    """
    if not account.is_switched:
        return
    parents = {parent for target in targets for parent in target.resolve().parents}
    closed = sorted(parent for parent in parents if not _can_pass(parent, account=account))
    for directory in closed:
        directory.chmod(stat.S_IMODE(directory.stat().st_mode) | stat.S_IXOTH)
    if foreign := [str(directory) for directory in closed if not directory.is_relative_to(home)]:
        logger.warning("let %s pass through (chmod o+x): %s", ACCOUNT_NAME, " ".join(foreign))


def _can_pass(directory: Path, *, account: Account) -> bool:
    found = directory.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
