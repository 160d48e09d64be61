"""The life of one instance: check, clean up, start, announce, wait for the stop, stop everything."""

import contextlib
import json
import logging
import queue
import secrets
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import override

from config.embedded import postgres, redis
from config.embedded.errors import EmbeddedError
from config.supervisor import checks, instance, readiness
from config.supervisor.console import Console
from config.supervisor.crew import Crew
from config.supervisor.instance import AlreadyRunningError
from config.supervisor.plan import Plan, StartError


@dataclass(frozen=True, slots=True)
class Orders:
    """What the operator asked for by signal: a stop, and with a second signal a stop by force."""

    stop: threading.Event = field(default_factory=threading.Event)
    hurry: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        """Called once, in the main thread.

        A handler interrupts the main thread anywhere, also inside an event's lock; only a SimpleQueue may be
        used there.
        """
        inbox: queue.SimpleQueue[int] = queue.SimpleQueue()
        numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
            numbers.remove(signal.SIGHUP)  # started with nohup
        for number in numbers:
            signal.signal(number, lambda received, _frame: inbox.put(received))
        threading.Thread(target=self._obey, args=(inbox,), daemon=True).start()

    def _obey(self, inbox: "queue.SimpleQueue[int]") -> None:
        inbox.get()
        self.stop.set()
        inbox.get()
        self.hurry.set()


class ConsoleHandler(logging.Handler):
    """Shows what the embedded services log while they are prepared."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self._console.say(record.getMessage())


def run_in_foreground(build_plan: Callable[[], Plan]) -> int:
    """Runs the instance of this plan for the operator at the terminal; returns the exit code."""
    orders = Orders()
    orders.listen()
    console = Console()
    logging.getLogger("config").addHandler(ConsoleHandler(console))
    try:
        run(build_plan(), console=console, orders=orders)
    except AlreadyRunningError as error:
        message = str(error)
    except (StartError, EmbeddedError) as error:
        message = f"yingda: {error}"
    else:
        message = ""
    console.close()
    if message:
        sys.stderr.write(f"{message}\n")
    return 1 if message else 0


def run(plan: Plan, *, console: Console, orders: Orders) -> None:
    """Runs the instance until it is told to stop; afterwards nothing of it is left.

    Raises: StartError, EmbeddedError, AlreadyRunningError with one line for the operator.
    """
    checks.prepare_home(plan.home)
    with instance.hold_home(plan.home, url=plan.url):
        processes = instance.ProcessList(plan.home)
        if leftovers := processes.find_leftovers():
            console.say(f"stopping what an earlier run left behind: {' '.join(leftovers)}")
            instance.end_leftovers(leftovers)
        checks.check_port(plan.host, plan.port)
        checks.write_secret(plan.home / "secret_key", secrets.token_urlsafe(50))
        crew = Crew(directory=plan.directory, console=console, processes=processes)
        try:
            _start(plan, crew, console=console, stop=orders.stop)
            orders.stop.wait()
            console.say("stopping")
        finally:
            crew.stop(hurry=orders.hurry)


def _start(plan: Plan, crew: Crew, *, console: Console, stop: threading.Event) -> None:
    """Ends early when the stop comes meanwhile."""
    if plan.has_redis:
        crew.add_server(redis.prepare(plan.home), stop=stop)
    if plan.has_postgres and not stop.is_set():
        crew.add_server(postgres.prepare(plan.home), stop=stop)
    _prepare(plan, crew, stop=stop)
    for part in plan.parts:
        if not stop.is_set():
            crew.add(part)
    readiness.wait_ready(plan, crew, stop=stop)
    if not stop.is_set():
        _announce(plan, console)


def _prepare(plan: Plan, crew: Crew, *, stop: threading.Event) -> None:
    if plan.prepare is None or stop.is_set():
        return
    plan.report_path.unlink(missing_ok=True)
    code = crew.run(plan.prepare, stop=stop)
    if code:
        reason = _read_report(plan).get("error")
        raise StartError(reason or f"preparing the database ended with code {code}, see above")


def _announce(plan: Plan, console: Console) -> None:
    console.show(f"ready: {plan.url}")
    if plan.prepare:
        console.show(f"admin: {plan.url}admin/ user admin{_describe_password(plan)}")


def _describe_password(plan: Plan) -> str:
    """The password itself only in the run that made it."""
    path = plan.home / "admin_password"
    match _read_report(plan).get("admin"):
        case "generated":
            return f", password {path.read_text().strip()}"
        case "given":
            return ", password from YINGDA_ADMIN_PASSWORD"
    return f", password in {_shorten(path)}" if path.exists() else ""


def _shorten(path: Path) -> Path:
    with contextlib.suppress(ValueError):
        return path.relative_to(Path.cwd())
    return path


def _read_report(plan: Plan) -> dict[str, str]:
    """What `manage.py prepare` left: `{"admin": "generated" | "given" | "kept"}` or `{"error": "…"}`."""
    try:
        report: dict[str, str] = json.loads(plan.report_path.read_text())
    except (OSError, ValueError):
        return {}
    return report
