"""Asks the web part's /readyz until the whole platform works. Called by `running`."""

import http.client
import json
import threading
import time

from config.supervisor.crew import Crew
from config.supervisor.plan import Plan, StartError

POLL_SECONDS = 0.25


def wait_ready(plan: Plan, crew: Crew, *, stop: threading.Event) -> None:
    """Returns when the platform is ready or the stop comes. Raises: StartError naming what is missing."""
    deadline = time.monotonic() + plan.ready_seconds
    while missing := _ask(plan):
        if stop.wait(POLL_SECONDS):
            return
        if time.monotonic() > deadline:
            named = ", ".join(crew.troubled_names()) or missing
            raise StartError(f"not ready after {plan.ready_seconds:.0f} s: {named}")


def _ask(plan: Plan) -> str:
    """Empty when ready, else what is missing, in the web part's words.

    Asked without urllib, which would follow the environment's proxies to another machine.
    """
    connection = http.client.HTTPConnection(plan.local_host, plan.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read(4096).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return "web does not answer"
    finally:
        connection.close()
    return "" if response.status == http.client.OK else _name_failing(body, status=response.status)


def _name_failing(body: str, *, status: int) -> str:
    """`{"failing": ["database", "worker:turns"]}` in words."""
    try:
        return ", ".join(json.loads(body)["failing"])
    except (ValueError, KeyError, TypeError):
        return f"/readyz answers {status}"
