"""A supervised instance of small commands, for tests that kill it: `python -m tests.config.small_instance HOME PORT`.

Its web part answers /readyz; the part `idle` only waits. With "postgres" as third word the database runs too.
"""

import sys
import tempfile
from pathlib import Path

from config.supervisor.plan import Part, Plan
from config.supervisor.running import run_in_foreground

WEB = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
IDLE = "import time; print('idling', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + IDLE


def build_plan(home: Path, port: int, *words: str) -> Plan:
    waiting = STUBBORN if "stubborn" in words else IDLE
    web = Part("web", (sys.executable, "-c", WEB, str(port)))
    return Plan(
        home=home,
        directory=Path(tempfile.gettempdir()),
        host="127.0.0.1",
        port=port,
        parts=(web, Part("idle", (sys.executable, "-c", waiting))),
        has_postgres="postgres" in words,
        has_redis="redis" in words,
        ready_seconds=10,
    )


if __name__ == "__main__":
    home, port, *words = sys.argv[1:]
    sys.exit(run_in_foreground(lambda: build_plan(Path(home), int(port), *words)))
