"""A supervised instance of small commands, for tests that kill it: `python -m tests.config.small_instance HOME PORT`.

Its web part answers /readyz; the part `idle` only waits. Words change it: "postgres" and "redis" add the servers,
"stubborn" and "failing" are what the idle part may be, "silent" a web part that never answers.
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
FAILING = "import sys; sys.exit(3)"


def build_plan(home: Path, port: int, *words: str) -> Plan:
    kinds = {"stubborn": STUBBORN, "failing": FAILING}
    idle = next((kinds[word] for word in words if word in kinds), IDLE)
    web = IDLE if "silent" in words else WEB
    return Plan(
        home=home,
        directory=Path(tempfile.gettempdir()),
        host="127.0.0.1",
        port=port,
        parts=(
            Part("web", (sys.executable, "-c", web, str(port))),
            Part("idle", (sys.executable, "-c", idle)),
        ),
        has_postgres="postgres" in words,
        has_redis="redis" in words,
        ready_seconds=1 if "silent" in words else 60,
    )


if __name__ == "__main__":
    home, port, *words = sys.argv[1:]
    sys.exit(run_in_foreground(lambda: build_plan(Path(home), int(port), *words)))
