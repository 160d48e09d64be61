"""Checks the JSDoc types of every script we ship, strictly: `python -m tests.javascript_types`, called by make."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILER = ROOT / "node_modules" / "typescript" / "bin" / "tsc"


def node() -> Path:
    """The Node that comes inside the browser driver's wheel."""
    found = find_spec("playwright")
    if found is None or found.origin is None:
        raise SystemExit("the browser driver is not installed: make install")
    return Path(found.origin).parent / "driver" / "node"


def main() -> int:
    command = [str(node()), str(COMPILER), "--project", str(ROOT / "jsconfig.json")]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
