"""What one instance consists of, as data. `build_plan` derives it from the settings; tests write their own."""

import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.embedded.locations import state_dir

REPORT = "prepare.json"
DEFAULT_THREADS = 8


class StartError(Exception):
    """The instance cannot start; the message is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the supervisor's own environment."""


@dataclass(frozen=True, slots=True)
class Plan:
    home: Path
    directory: Path
    """Where the parts are started."""
    host: str
    port: int
    parts: tuple[Part, ...]
    prepare: Part | None = None
    """Runs once before the parts; it leaves its report in `report_path`."""
    has_postgres: bool = True
    has_redis: bool = True
    ready_seconds: float = 60

    @property
    def local_host(self) -> str:
        """Where this machine reaches the web part: an address to listen on is not always one to connect to."""
        return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    @property
    def url(self) -> str:
        host = f"[{self.local_host}]" if ":" in self.local_host else self.local_host
        return f"http://{host}:{self.port}/"

    @property
    def report_path(self) -> Path:
        return state_dir(self.home) / REPORT


def build_plan() -> Plan:
    """The instance that the settings describe. Raises: StartError when they make no sense."""
    try:
        port = settings.PORT
    except (ValueError, ImproperlyConfigured) as error:
        raise StartError(f"the environment holds a value that cannot be used: {error}") from error
    if not 1 <= port <= 65535:
        raise StartError(f"PORT is {port}: use 1 to 65535")
    state = state_dir(settings.YINGDA_HOME)
    prepare = Part("prepare", _python("manage.py", "prepare", "--report", str(state / REPORT)))
    parts, prepare = _add_shop(*_add_provider(_build_parts(state), prepare))
    return Plan(
        home=settings.YINGDA_HOME,
        directory=settings.BASE_DIR,
        host=settings.HOST,
        port=port,
        parts=tuple(parts),
        prepare=prepare,
        has_postgres=settings.DATABASE_EMBEDDED,
        has_redis=settings.REDIS_EMBEDDED,
        ready_seconds=settings.READY_SECONDS,
    )


def _build_parts(state: Path) -> list[Part]:
    return [
        Part("web", _python("-m", "config.web", "--port", str(settings.PORT))),
        Part("turns", _worker("turns", queues="turns", threads=settings.TURN_THREADS)),
        Part("default", _worker("default", queues="default,shadow", threads=DEFAULT_THREADS)),
        Part("beat", _celery("beat", f"--schedule={state / 'beat'}", "--pidfile=")),
    ]


def _add_provider(parts: list[Part], prepare: Part) -> tuple[list[Part], Part]:
    """With the demo provider asked for: the fake of the three wires as one more part, and everybody pointed at it."""
    if not settings.DEMO_PROVIDER:
        return parts, prepare
    port = _find_free_port()
    server = f"http://127.0.0.1:{port}"
    env = {
        "OPENAI_BASE_URL": f"{server}/v1",
        "ANTHROPIC_BASE_URL": server,
        "DASHSCOPE_BASE_URL": f"{server}/api/v1",
        **{f"{name}_API_KEY": "demo" for name in ("OPENAI", "ANTHROPIC", "DASHSCOPE")},
    }
    provider = Part("provider", _python("-m", "tests.fakes.provider_server", "--port", str(port)))
    return [provider, *(replace(part, env=env) for part in parts)], replace(prepare, env=env)


def _add_shop(parts: list[Part], prepare: Part) -> tuple[list[Part], Part]:
    """Unless it is declined, the demo shop's order system as one more part, and everybody told where it is.

    It is on loopback, so its address is named to the tools, with a key made for this start.
    """
    if not settings.DEMO_SHOP:
        return parts, prepare
    port = _find_free_port()
    host = f"127.0.0.1:{port}"
    env = {
        "YINGDA_DEMO_SHOP_URL": f"http://{host}",
        "YINGDA_TOOL_HOSTS": ",".join([*settings.TOOL_HOSTS, host]),
        "DEMO_SHOP_TOOL_KEY": secrets.token_urlsafe(16),
    }
    shop = Part("shop", _python("-m", "tests.fakes.shop_server", "--port", str(port)))
    told = [replace(part, env={**part.env, **env}) for part in (shop, *parts)]
    return told, replace(prepare, env={**prepare.env, **env})


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, *words)


def _celery(*words: str) -> tuple[str, ...]:
    # Its warning that it runs as root would be printed at every start; who runs as root knows.
    quiet = ("-W", "ignore::Warning:celery.platforms")
    return _python(*quiet, "-m", "celery", "--quiet", "-A", "config", *words)


def _worker(name: str, *, queues: str, threads: int) -> tuple[str, ...]:
    # Without its chatter between workers: nobody here watches it, and it keeps Redis and the CPU awake.
    silent = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    pool = ("-P", "threads", "-c", str(threads))
    return _celery("worker", "-Q", queues, *pool, "-n", f"{name}@%h", *silent)


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
